"""The field ``draft_task``: a request for the final video of a draft that the caller may see."""

import datetime as dt
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..catalogue.violations import Text, Violation
from ..conf import settings
from ..models import EventText, GenerationTask, Status
from ..models.queryset import GenerationTaskQuerySet
from .errors import RequestRefused, refusal

FIELD = "draft_task"

#: For how long a provider makes the final video of a draft. Source: "Status machine and lifetimes" in docs/provider.md.
VALID = dt.timedelta(days=7)


def resolved(named: str, visible: GenerationTaskQuerySet, provider: str) -> tuple[str, str]:
    """The provider's id of a draft that is named by ours, and a line about it for the timeline.

    Args:
        visible: the tasks the caller may know of.
        provider: alias of the provider that the final video is asked of.

    Raises:
        Refused: there is no such task for the caller, or no final video can be made of it there.
    """
    try:
        key = UUID(named)
    except ValueError:
        return _providers_own(named, visible, provider), ""
    task = visible.filter(pk=key).first()
    if task is None:
        raise RequestRefused([_unknown()])
    if task.draft is not True or task.status != Status.SUCCEEDED:
        raise RequestRefused([_not_a_draft(task)])
    if task.provider != provider:
        raise RequestRefused([_of_other_provider(task)])
    if (task.submitted_at or task.created_at) + VALID < timezone.now():
        raise RequestRefused([_expired()])
    return task.provider_task_id, EventText("draft", task=str(task.pk))


def _providers_own(named: str, visible: GenerationTaskQuerySet, provider: str) -> str:
    """An id as the provider gave it, where the site allows that; never one that is known as somebody else's."""
    if not settings().ALLOW_PROVIDER_DRAFT_IDS:
        raise RequestRefused([_unknown()])
    ours = {"provider": provider, "provider_task_id": named}
    if GenerationTask.objects.filter(**ours).exists() and not visible.filter(**ours).exists():
        raise RequestRefused([_unknown()])
    return named


def _unknown() -> Violation:
    return _refused("no_such_task", _("There is no task of this id."), _("Give the id of one of your drafts."))


def _not_a_draft(task: GenerationTask) -> Violation:
    if task.draft is not True:
        message = _("This task is no draft.")
    elif task.is_final:
        message = _("This draft has failed.")
    else:
        message = _("This draft is not finished yet.")
    return _refused("not_a_draft", message, _("Give the id of a task with “draft”: true that has succeeded."))


def _of_other_provider(task: GenerationTask) -> Violation:
    message = _("This draft was made by the provider %(alias)s, and only that one can make its final video.")
    return _refused("draft_of_other_provider", message, _("Write it as the “provider”."), alias=task.provider)


def _expired() -> Violation:
    message = _("The provider has forgotten this draft: it keeps them for %(days)s days.")
    return _refused("draft_expired", message, _("Make a new draft."), days=VALID.days)


def _refused(code: str, message: Text, hint: Text, **values: object) -> Violation:
    return refusal(FIELD, code, message, hint, **values)
