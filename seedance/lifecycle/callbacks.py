"""Store a provider's callback, and have its task polled."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from ..models import Callback, Cause, EventText, GenerationTask, Status, TaskEvent
from ..models.after_commit import wake_workers
from ..models.transitions import CLOSED_AS_LOST
from ..provider.reading import read_object, read_task

#: How much of one body is stored. Characters.
MAX_BODY = 64 * 1024
#: Callbacks stored for one task; a provider sends about five.
MAX_CALLBACKS = 100


def receive_callback(task: GenerationTask, body: bytes) -> None:
    """Store a callback as it arrived, and have its task polled unless it says what the row says already.

    Nothing in the body is trusted: the status always comes from our own GET. Harmless in any order and number, also
    before the answer of the create call.
    """
    reported = read_task(read_object(body) or {})
    if task.callbacks.count() < MAX_CALLBACKS:
        callback = Callback(
            task=task,
            body=body.decode("utf-8", "replace").replace("\x00", "\N{REPLACEMENT CHARACTER}")[:MAX_BODY],
            provider_task_id=reported.provider_task_id[:128],
            status_word=reported.status_word[:40],
        )
        try:
            with transaction.atomic(using=task._state.db):
                callback.save(using=task._state.db)
        except IntegrityError:
            return  # the task was erased at this very moment
        if task.error_code == CLOSED_AS_LOST and reported.status == Status.SUCCEEDED:
            task.note(TaskEvent.What.NOTE, cause=Cause.CALLBACK, detail=EventText("succeeded_after_all"))
    if task.is_final or reported.status == task.status:
        return
    if task.is_in_flight:
        task.amend(next_poll_at=timezone.now())
    elif task.status == Status.UNCONFIRMED:
        task.amend(next_search_at=timezone.now())
    else:
        return
    wake_workers(task._state.db or "default")
