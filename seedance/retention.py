"""Prune result files, tasks, callbacks and failed jobs of the queue after their retention time."""

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

#: Rows per statement, so that no statement locks a table for long.
BATCH = 200
#: Days to keep django-q2's rows of our failed jobs, whose information is in our own rows as well.
KEEP_FAILURES_DAYS = 30

_HAS_RESULT_FILES = ~Q(video="") | ~Q(poster="") | ~Q(last_frame="")


@dataclass(frozen=True)
class Policy:
    """Retention times in days; 0 keeps for ever."""

    #: Result files, from the end of their task.
    videos: float = 0
    #: Tasks with everything that belongs to them, from their end.
    tasks: float = 0
    #: Callbacks, from their arrival.
    callbacks: float = 30


@dataclass(frozen=True)
class Pruned:
    """Numbers of deleted rows, or of rows that would be deleted."""

    #: Tasks whose result files were deleted.
    videos: int
    tasks: int
    callbacks: int
    failures: int


def policy() -> Policy:
    """The policy in ``KEEP_VIDEOS_DAYS``, ``KEEP_TASKS_DAYS`` and ``KEEP_CALLBACKS_DAYS``."""
    settings = conf.settings()
    return Policy(settings.KEEP_VIDEOS_DAYS, settings.KEEP_TASKS_DAYS, settings.KEEP_CALLBACKS_DAYS)


def count(keep: Policy) -> Pruned:
    """What :func:`prune` would delete now. A task that would be deleted is not counted among the videos."""
    tasks = _old_tasks(keep.tasks)
    return Pruned(
        videos=_old_videos(keep.videos).exclude(pk__in=tasks.values("pk")).count(),
        tasks=tasks.count(),
        callbacks=_old_callbacks(keep.callbacks).exclude(task__in=tasks.values("pk")).count(),
        failures=_old_failures().count() if queue.is_installed() else 0,
    )


def prune(keep: Policy) -> Pruned:
    """Delete what is older than ``keep``. Tasks that may still change or be archived are left out.

    Safe to run repeatedly and concurrently. A file that its storage fails to delete is tried again by the next run.
    """
    tasks = sum(map(_erase, _each(_old_tasks(keep.tasks))))
    videos = sum(map(_drop_files, _each(_old_videos(keep.videos))))
    callbacks = _delete(_old_callbacks(keep.callbacks))
    failures = _delete(_old_failures()) if queue.is_installed() else 0
    logger.info("pruned videos=%d tasks=%d callbacks=%d failures=%d", videos, tasks, callbacks, failures)
    return Pruned(videos, tasks, callbacks, failures)


# -- Selecting ---------------------------------------------------------------------------------------------------------


def _before(days: float) -> dt.datetime | None:
    """The time before which rows are old; ``None`` when they never are."""
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


# -- Deleting ----------------------------------------------------------------------------------------------------------


def _each(rows: GenerationTaskQuerySet) -> Iterator[GenerationTask]:
    """The tasks of a queryset, oldest first, read in batches."""
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
    except TransitionError:  # another process was first
        return False
    return True


def _drop_files(task: GenerationTask) -> bool:
    """Delete the files before their names: after a crash in between, the next run finds them again."""
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
