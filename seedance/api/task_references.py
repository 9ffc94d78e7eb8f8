"""Fields of a request that name another task: ``continue_from`` and ``draft_task``."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .. import intake
from ..catalogue import FRAME_ROLES, Text, Violation
from ..conf import settings
from ..exceptions import TransitionError
from ..models import EventText, GenerationTask, Status, chaining
from ..models.ids import parse_id
from ..models.queryset import GenerationTaskQuerySet
from .errors import RequestRefused, refusal

CONTINUE_FROM = "continue_from"
DRAFT_TASK = "draft_task"

#: How long a provider can make the final video of a draft. Source: "Status machine and lifetimes" in docs/provider.md.
DRAFT_LIFETIME = dt.timedelta(days=7)

_NO_SUCH_TASK = _("There is no task of this id.")
_MEDIUM = re.compile(r"media\[(\d+)\]")


def continuation(
    named: str, visible: GenerationTaskQuerySet | None, request: Mapping[str, Any], parameters: Mapping[str, Any]
) -> intake.Order:
    """The request that a body with ``continue_from`` makes; violations about the frame name that field.

    Args:
        visible: the tasks that the caller may see; ``None`` in a batch, which cannot continue videos.
        request: the other fields, as arguments of ``intake.prepare``.

    Raises:
        RequestRefused: the caller has no such task, its video is not available, or the body has frames of its own.
    """
    if visible is None:
        message = _("A batch cannot continue videos.")
        raise _refused(CONTINUE_FROM, "not_in_batch", message, _("Send this request by itself."))
    media = request["media"]
    if any(item.get("role") in FRAME_ROLES for item in media):
        message = _(
            "A video that continues another one begins with that one's last frame, and takes no frames of its own."
        )
        hint = _("Leave the first and last frames out, or continue_from.")
        raise _refused(CONTINUE_FROM, "frame_given_twice", message, hint)
    task = _find(named, visible)
    if task is None:
        hint = _("Give the id of one of your tasks whose video is stored.")
        raise _refused(CONTINUE_FROM, "no_such_task", _NO_SUCH_TASK, hint)
    try:
        found = chaining.prepare(task, **request, **parameters)
    except TransitionError as error:
        hint = _("Continue from another task, or give the frame yourself, as a medium.")
        raise _refused(CONTINUE_FROM, "cannot_be_continued", "%(reason)s", hint, reason=error) from error
    violations = tuple(_with_field(violation, media) for violation in found.prepared.violations)
    return replace(found, prepared=replace(found.prepared, violations=violations))


def provider_draft_id(named: str, visible: GenerationTaskQuerySet, provider: str) -> tuple[str, str]:
    """The provider's id of the draft that ``draft_task`` names by our id, and a note for the timeline.

    Args:
        visible: the tasks that the caller may see.
        provider: alias of the provider that is asked for the final video.

    Raises:
        RequestRefused: the caller has no such task, or that provider can make no final video of it.
    """
    if parse_id(named) is None:
        return _checked_provider_id(named, visible, provider), ""
    task = _find(named, visible)
    if task is None:
        raise _no_such_draft()
    if task.parameters.get("draft") is not True or task.status != Status.SUCCEEDED:
        raise _not_a_draft(task)
    if task.provider != provider:
        message = _("This draft was made by the provider %(alias)s, and only that one can make its final video.")
        hint = _("Write it as the “provider”.")
        raise _refused(DRAFT_TASK, "draft_of_other_provider", message, hint, alias=task.provider)
    if (task.submitted_at or task.created_at) + DRAFT_LIFETIME < timezone.now():
        message = _("The provider has forgotten this draft: it keeps them for %(days)s days.")
        raise _refused(DRAFT_TASK, "draft_expired", message, _("Make a new draft."), days=DRAFT_LIFETIME.days)
    return task.provider_task_id, EventText("draft", task=str(task.pk))


def _find(named: str, visible: GenerationTaskQuerySet) -> GenerationTask | None:
    """The task of this id; the same ``None`` whether it does not exist or belongs to another user."""
    task_id = parse_id(named)
    return visible.filter(pk=task_id).first() if task_id else None


def _with_field(violation: Violation, media: Sequence[object]) -> Violation:
    """Name ``continue_from`` in a violation about the frame, which is appended to the given media."""
    match = _MEDIUM.match(violation.field)
    is_about_frame = int(match[1]) >= len(media) if match else violation.field == "media" and not media
    return replace(violation, field=CONTINUE_FROM) if is_about_frame else violation


def _checked_provider_id(named: str, visible: GenerationTaskQuerySet, provider: str) -> str:
    """A provider's own id, where the site allows that; refused if it is known to belong to another user."""
    if not settings().ALLOW_PROVIDER_DRAFT_IDS:
        raise _no_such_draft()
    rows = {"provider": provider, "provider_task_id": named}
    if GenerationTask.objects.filter(**rows).exists() and not visible.filter(**rows).exists():
        raise _no_such_draft()
    return named


def _no_such_draft() -> RequestRefused:
    return _refused(DRAFT_TASK, "no_such_task", _NO_SUCH_TASK, _("Give the id of one of your drafts."))


def _not_a_draft(task: GenerationTask) -> RequestRefused:
    if task.parameters.get("draft") is not True:
        message = _("This task is no draft.")
    elif task.is_final:
        message = _("This draft has failed.")
    else:
        message = _("This draft is not finished yet.")
    hint = _("Give the id of a task with “draft”: true that has succeeded.")
    return _refused(DRAFT_TASK, "not_a_draft", message, hint)


def _refused(field: str, code: str, message: Text, hint: Text, **values: object) -> RequestRefused:
    return RequestRefused([refusal(field, code, message, hint, **values)])
