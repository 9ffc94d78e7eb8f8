"""Cancel a task: at once while it is ours alone, otherwise by asking the provider."""

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .. import conf
from ..exceptions import ProviderError, TransitionError
from ..models import Cause, EventText, GenerationTask, Status, TaskEvent
from ..models.after_commit import wake_workers
from ..models.status import UNCANCELLABLE
from ..models.transitions import GONE
from ..provider.types import Client, RemoteTask
from .clients import describe_exchange

_MOVED_ON = _("The task moved on just now; try again.")


def cancel(task: GenerationTask, *, cause: str, actor: str = "") -> None:
    """Cancel here and now while the provider does not know the task; have a worker cancel it once it is queued there.

    Raises:
        TransitionError: with the reason, when it can no longer be stopped, the host cannot cancel, or the row
            is gone.
        ConfigurationError: its provider is no longer in the settings.
    """
    if task.cancel_unsent(cause=cause, actor=actor):
        return
    if task.is_gone():
        raise TransitionError(GONE)
    if task.status != Status.QUEUED:
        raise TransitionError(UNCANCELLABLE.get(Status(task.status), _MOVED_ON))
    if not conf.provider(task.provider).CANCELS:
        raise TransitionError(_("This provider cannot cancel a task that it has accepted."))
    now = timezone.now()
    if not task.amend(cancel_requested_at=now, next_poll_at=now):
        raise TransitionError(GONE if task.is_gone() else UNCANCELLABLE.get(Status(task.status), _MOVED_ON))
    task.note(TaskEvent.What.NOTE, cause=cause, actor=actor, detail=EventText("cancel_requested"))
    wake_workers(task._state.db or "default")


def cancel_at_provider(task: GenerationTask, client: Client) -> RemoteTask:
    """Ask the provider to cancel a task that is still queued there.

    Returns:
        What the provider says of it afterwards, which alone decides its status.
    """
    remote = client.get_task(task.provider_task_id)
    if remote.status == Status.QUEUED:
        try:
            client.delete_task(task.provider_task_id)
        except ProviderError as exc:
            task.note(TaskEvent.What.ANSWER, cause=Cause.CANCEL, detail=describe_exchange(exc))
        remote = client.get_task(task.provider_task_id)
    if remote.status != Status.QUEUED and task.amend(cancel_requested_at=None) and remote.status == Status.RUNNING:
        task.note(TaskEvent.What.NOTE, cause=Cause.CANCEL, detail=EventText("cancel_too_late"))
    return remote
