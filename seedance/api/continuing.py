"""The field ``continue_from``: a request that goes on where a video the caller may see has ended."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from ..catalogue.inputs import FRAME_ROLES
from ..catalogue.violations import Violation
from ..exceptions import TransitionError
from ..intake import Order
from ..models import GenerationTask, chaining
from ..models.queryset import GenerationTaskQuerySet
from .errors import RequestRefused, refusal

FIELD = "continue_from"

_MEDIUM = re.compile(r"media\[(\d+)\]")


def continuation(
    named: str, visible: GenerationTaskQuerySet | None, request: Mapping[str, Any], parameters: Mapping[str, Any]
) -> Order:
    """What a body asks for that names a task to go on from; what is wrong with the frame is said of the field.

    Args:
        visible: the tasks the caller may know of; ``None`` where no video can be gone on with.
        request: what else was given, in the terms of ``intake.prepare``.

    Raises:
        Refused: there is no such task for the caller, its video cannot be had, or the body has frames of its own.
    """
    if visible is None:
        raise RequestRefused([_not_in_batch()])
    media = request["media"]
    if any(item.get("role") in FRAME_ROLES for item in media):
        raise RequestRefused([_frames_of_its_own()])
    task = _find(named, visible)
    try:
        found = chaining.prepare(task, **request, **parameters)
    except TransitionError as error:
        raise RequestRefused([_not_continued(error)]) from error
    violations = tuple(_placed(violation, media) for violation in found.prepared.violations)
    return replace(found, prepared=replace(found.prepared, violations=violations))


def _find(named: str, visible: GenerationTaskQuerySet) -> GenerationTask:
    """The task of this id; what does not exist and what is somebody else's are told apart by nothing."""
    try:
        return visible.get(pk=UUID(named))
    except (ValueError, GenerationTask.DoesNotExist):
        raise RequestRefused([_unknown_task()]) from None


def _placed(violation: Violation, media: Sequence[object]) -> Violation:
    """The frame has no place among the given media, behind which it stands."""
    match = _MEDIUM.match(violation.field)
    is_about_frame = int(match[1]) >= len(media) if match else violation.field == "media" and not media
    return replace(violation, field=FIELD) if is_about_frame else violation


def _unknown_task() -> Violation:
    return refusal(
        FIELD,
        "no_such_task",
        _("There is no task of this id."),
        _("Give the id of one of your tasks whose video is stored."),
    )


def _frames_of_its_own() -> Violation:
    return refusal(
        FIELD,
        "frame_given_twice",
        _("A video that continues another one begins with that one's last frame, and takes no frames of its own."),
        _("Leave the first and last frames out, or continue_from."),
    )


def _not_continued(error: TransitionError) -> Violation:
    return refusal(
        FIELD,
        "cannot_be_continued",
        "%(reason)s",
        _("Continue from another task, or give the frame yourself, as a medium."),
        reason=error,
    )


def _not_in_batch() -> Violation:
    return refusal(
        FIELD,
        "not_in_batch",
        _("A batch cannot continue videos."),
        _("Send this request by itself."),
    )
