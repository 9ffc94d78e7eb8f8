"""A provider called: keep what it said, and look for ourselves."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from ..models import Callback, Cause, EventText, GenerationTask, Status, TaskEvent
from ..models.after_commit import wake_workers
from ..models.transitions import CLOSED_AS_LOST
from ..provider.reading import read_object, read_task

#: What is kept of one call. Characters.
LONGEST_BODY = 64 * 1024
#: Calls kept for one task; a provider makes about five.
MOST_CALLS = 100


def receive_callback(task: GenerationTask, body: bytes) -> None:
    """Store a callback as it arrived, and have its task looked at unless it says what we know already.

    Nothing in the body is believed: it only says that a look may be worth while. Harmless in any order and
    number, before the create's own answer too.
    """
    said = read_task(read_object(body) or {})
    if task.callbacks.count() < MOST_CALLS:
        callback = Callback(
            task=task,
            body=body.decode("utf-8", "replace").replace("\x00", "\N{REPLACEMENT CHARACTER}")[:LONGEST_BODY],
            provider_task_id=said.provider_task_id[:128],
            status_word=said.status_word[:40],
        )
        try:
            with transaction.atomic(using=task._state.db):
                callback.save(using=task._state.db)
        except IntegrityError:
            return  # the task was erased at this very moment
        if task.error_code == CLOSED_AS_LOST and said.status == Status.SUCCEEDED:
            task.note(TaskEvent.What.NOTE, cause=Cause.CALLBACK, detail=EventText("succeeded_after_all"))
    if task.is_final or said.status == task.status:
        return
    if task.is_in_flight or task.status == Status.UNCONFIRMED:
        task.amend(next_poll_at=timezone.now())
        wake_workers(task._state.db or "default")
