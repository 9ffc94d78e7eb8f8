"""Delete what nobody needs any more: result files, old tasks, old callbacks, old failures of the queue."""

import datetime as dt
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils import timezone

from . import conf, queue
from .exceptions import TransitionError
from .models import FINAL, Callback, Cause, EventText, GenerationTask, Status, TaskEvent
from .models.queryset import GenerationTaskQuerySet
from .models.results import RESULT_FILES, ResultDirectory, delete_file

logger = logging.getLogger(__name__)

#: Rows handled at a time, so that no statement locks a table for long.
BATCH = 200
#: How long django-q2's rows of our failed jobs are kept; they say nothing that our own rows do not say. Days.
KEEP_FAILURES_DAYS = 30

_HAS_RESULT_FILES = ~Q(video="") | ~Q(poster="") | ~Q(last_frame="")


@dataclass(frozen=True)
class Policy:
    """How many days things are kept; 0 keeps them for ever."""

    #: Result files, counted from the end of their task.
    videos: float = 0
    #: Tasks with everything that belongs to them, counted from their end.
    tasks: float = 0
    #: What providers called us with, counted from its arrival.
    callbacks: float = 30


@dataclass(frozen=True)
class Pruned:
    """How many of each were deleted, or would be."""

    #: Tasks whose result files went.
    videos: int
    tasks: int
    callbacks: int
    failures: int


def policy() -> Policy:
    """What the settings ``KEEP_VIDEOS_DAYS``, ``KEEP_TASKS_DAYS`` and ``KEEP_CALLBACKS_DAYS`` say now."""
    settings = conf.settings()
    return Policy(settings.KEEP_VIDEOS_DAYS, settings.KEEP_TASKS_DAYS, settings.KEEP_CALLBACKS_DAYS)


def count(keep: Policy) -> Pruned:
    """What :func:`prune` would delete now. A task that would go whole is not counted among the videos."""
    tasks = _old_tasks(keep.tasks)
    return Pruned(
        videos=_old_videos(keep.videos).exclude(pk__in=tasks.values("pk")).count(),
        tasks=tasks.count(),
        callbacks=_old_callbacks(keep.callbacks).exclude(task__in=tasks.values("pk")).count(),
        failures=_old_failures().count() if queue.is_installed() else 0,
    )


def prune(keep: Policy) -> Pruned:
    """Delete what is older than ``keep`` says. Never touches a task that may still change, or awaits its video.

    Safe to be run twice or side by side. A file that its storage will not delete stays for the next time.
    """
    tasks = sum(map(_erase, _each(_old_tasks(keep.tasks))))
    videos = sum(map(_drop_files, _each(_old_videos(keep.videos))))
    callbacks = _delete(_old_callbacks(keep.callbacks))
    failures = _delete(_old_failures()) if queue.is_installed() else 0
    logger.info("pruned videos=%d tasks=%d callbacks=%d failures=%d", videos, tasks, callbacks, failures)
    return Pruned(videos, tasks, callbacks, failures)


# -- What is old -------------------------------------------------------------------------------------------------------


def _before(days: float) -> dt.datetime | None:
    """The moment before which things are old; ``None`` when they never are."""
    return timezone.now() - dt.timedelta(days=days) if days else None


def _old_tasks(days: float) -> GenerationTaskQuerySet:
    before = _before(days)
    if before is None:
        return GenerationTask.objects.none()
    waits_for_video = Q(status=Status.SUCCEEDED, archived_at=None, next_archive_at__isnull=False)
    return GenerationTask.objects.final().filter(finished_at__lt=before).exclude(waits_for_video)


def _old_videos(days: float) -> GenerationTaskQuerySet:
    before = _before(days)
    if before is None:
        return GenerationTask.objects.none()
    rows = GenerationTask.objects.final().filter(finished_at__lt=before, archived_at__isnull=False)
    return rows.filter(_HAS_RESULT_FILES)


def _old_callbacks(days: float) -> models.QuerySet[Callback]:
    before = _before(days)
    if before is None:
        return Callback.objects.none()
    return Callback.objects.filter(received_at__lt=before, task__status__in=sorted(FINAL))


def _old_failures() -> models.QuerySet[Any]:
    return queue.failures_before(timezone.now() - dt.timedelta(days=KEEP_FAILURES_DAYS))


# -- How it goes -------------------------------------------------------------------------------------------------------


def _each(rows: GenerationTaskQuerySet) -> Iterator[GenerationTask]:
    """The tasks of a set, oldest first and a batch at a time, each as it is then."""
    last: UUID | None = None
    while True:
        ahead = rows.filter(pk__gt=last) if last else rows
        batch = list(ahead.order_by("pk")[:BATCH])
        yield from batch
        if len(batch) < BATCH:
            return
        last = batch[-1].pk


def _erase(task: GenerationTask) -> bool:
    try:
        task.erase()
    except TransitionError:  # somebody was first
        return False
    return True


def _drop_files(task: GenerationTask) -> bool:
    """Files first, then their names: after a crash in between, the next time finds them once more."""
    for name in RESULT_FILES:
        file = getattr(task, name)
        if file.name and not delete_file(file.storage, file.name):
            return False
    ResultDirectory.of(task).delete()
    if not task.amend(video="", poster="", last_frame=""):
        return False
    task.note(TaskEvent.What.NOTE, cause=Cause.PRUNE, detail=EventText("files_pruned"))
    return True


def _delete(rows: models.QuerySet[Any]) -> int:
    deleted = 0
    while keys := list(rows.values_list("pk", flat=True)[:BATCH]):
        rows.model._base_manager.using(rows.db).filter(pk__in=keys).delete()
        deleted += len(keys)
    return deleted
