"""One move of one task, written the same way alone and among many."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

from ..signals import task_needs_attention, task_status_changed
from .after_commit import after_commit
from .cost import final_columns
from .event import TaskEvent
from .ids import provider_task_digest
from .status import FINAL, Status

if TYPE_CHECKING:
    from .task import GenerationTask


@dataclass(frozen=True)
class Transition:
    """A task, where it goes, and what is written with that.

    ``news_of`` is the provider's time of what is written; older news than the row has moves nothing.
    ``among`` are the rows that the task must still be one of; ``None`` for no further condition.
    """

    task: "GenerationTask"
    to: Status
    changes: Mapping[str, Any] = field(default_factory=dict)
    detail: str = ""
    reported_at: dt.datetime | None = None
    actor: str = ""
    among: "models.QuerySet[GenerationTask] | None" = None

    def rows(self, using: str | None) -> "models.QuerySet[GenerationTask]":
        """The row, if it still stands where this move starts and has no newer news."""
        rows = rows_without_newer_report(self.task, using, self.reported_at).filter(status=self.task.status)
        return rows if self.among is None else rows & self.among.order_by()

    def columns(self, now: dt.datetime) -> dict[str, Any]:
        """Everything to be written."""
        columns = {
            "attention_seen": "",
            **with_derived(self.task, self.changes),
            "status": self.to,
            "updated_at": now,
        }
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

    def apply_to_instance(self, columns: Mapping[str, Any], using: str | None) -> None:
        """Show on the instance what was written, and tell the site after the commit."""
        task, old_status, new_status = self.task, self.task.status, self.to
        show(task, columns, using)
        after_commit(
            lambda: task_status_changed.report(
                sender=type(task), task=task, old_status=old_status, new_status=new_status
            ),
            using=using,
            what="task_status_changed",
        )


#: Columns and those that follow from them: what makes a provider's id unique, and what tasks are dispatched by.
DERIVED = {"provider_task_id": "provider_task_digest", "parameters": "priority"}


def with_derived(task: "GenerationTask", changes: Mapping[str, Any]) -> Mapping[str, Any]:
    """The columns to be written, with those that follow from them."""
    derived: dict[str, Any] = {}
    if "provider_task_id" in changes:
        provider = changes.get("provider", task.provider)
        derived["provider_task_digest"] = provider_task_digest(provider, changes["provider_task_id"])
    if "parameters" in changes:
        derived["priority"] = changes["parameters"].get("priority")
    return {**changes, **derived}


def show(task: "GenerationTask", columns: Mapping[str, Any], using: str | None) -> None:
    """Show on the instance what was written to its row; a new flag for people is told to the site after the commit."""
    before = (task.attention, task.attention_detail)
    for name, value in columns.items():
        setattr(task, name, value)
    reason = task.attention
    if reason and (reason, task.attention_detail) != before:
        after_commit(
            lambda: task_needs_attention.report(sender=type(task), task=task, reason=reason),
            using=using,
            what="task_needs_attention",
        )


def rows_without_newer_report(
    task: "GenerationTask", using: str | None, reported_at: dt.datetime | None
) -> "models.QuerySet[GenerationTask]":
    """The row of a task, unless it has newer news than that of ``news_of``."""
    rows = type(task)._base_manager.using(using).filter(pk=task.pk)
    if reported_at is None:
        return rows
    return rows.filter(Q(provider_updated_at=None) | Q(provider_updated_at__lte=reported_at))
