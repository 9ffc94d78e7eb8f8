"""One move of one task, written the same way alone and among many."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.db.models import Q

from ..signals import task_status_changed
from .cost import final_columns
from .event import TaskEvent
from .status import FINAL, Status

if TYPE_CHECKING:
    from .task import GenerationTask


@dataclass(frozen=True)
class Move:
    """A task, where it goes, and what is written with that.

    ``news_of`` is the provider's time of what is written; older news than the row has moves nothing.
    """

    task: "GenerationTask"
    to: Status
    changes: Mapping[str, Any] = field(default_factory=dict)
    detail: str = ""
    news_of: dt.datetime | None = None
    actor: str = ""

    def rows(self, using: str | None) -> "models.QuerySet[GenerationTask]":
        """The row, if it still stands where this move starts and has no newer news."""
        return newer_rows(self.task, using, self.news_of).filter(status=self.task.status)

    def columns(self, now: dt.datetime) -> dict[str, Any]:
        """Everything to be written."""
        columns = {**self.changes, "status": self.to, "updated_at": now}
        if self.to in FINAL:
            # The one place where any task becomes final, and so the one where it is known what it came to.
            columns = {"finished_at": now, **columns, **final_columns(self.task, self.to, self.changes)}
        return columns

    def event(self, cause: str) -> TaskEvent:
        """The line of the timeline; made before the instance changes."""
        return TaskEvent(
            task=self.task,
            what=TaskEvent.What.STATUS,
            from_status=self.task.status,
            to_status=self.to,
            cause=cause,
            actor=self.actor,
            detail=self.detail,
        )

    def take_effect(self, columns: Mapping[str, Any], using: str | None) -> None:
        """Show on the instance what was written, and tell the site after the commit."""
        tell = partial(_tell, self.task, self.task.status, self.to)
        for name, value in columns.items():
            setattr(self.task, name, value)
        transaction.on_commit(tell, using=using, robust=True)


def newer_rows(
    task: "GenerationTask", using: str | None, news_of: dt.datetime | None
) -> "models.QuerySet[GenerationTask]":
    """The row of a task, unless it has newer news than that of ``news_of``."""
    rows = type(task)._base_manager.using(using).filter(pk=task.pk)
    if news_of is None:
        return rows
    return rows.filter(Q(provider_updated_at=None) | Q(provider_updated_at__lte=news_of))


def _tell(task: "GenerationTask", old_status: str, new_status: str) -> None:
    task_status_changed.send(sender=type(task), task=task, old_status=old_status, new_status=new_status)
