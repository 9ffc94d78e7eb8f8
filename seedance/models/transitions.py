"""Every change of a task's status, single and bulk, with its timeline event and its signal.

No other module writes ``status``; ``tests/test_architecture.py`` enforces it.
"""

import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from django.db import (
    DEFAULT_DB_ALIAS,
    IntegrityError,
    InterfaceError,
    OperationalError,
    connections,
    models,
    transaction,
)
from django.db.models import Q, sql
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..exceptions import TransitionError
from ..signals import task_needs_attention, task_status_changed
from .after_commit import after_commit, wake_workers
from .cost import Charged, final_columns
from .databases import PrimaryQuerySet
from .event import TaskEvent
from .event_text import EventText
from .ids import provider_task_digest
from .status import FINAL, IN_FLIGHT, TRANSITIONS, Status

if TYPE_CHECKING:
    from .queryset import GenerationTaskQuerySet
    from .task import GenerationTask

logger = logging.getLogger(__name__)

#: The error code of a task that a person has closed as lost.
CLOSED_AS_LOST = "closed_as_lost"
#: Why nothing was written: the row does not exist any more.
GONE = _("This task was deleted in the meantime.")
_MOVED_ON = _("The task moved on just now; try again.")


@dataclass(frozen=True)
class Transition:
    """One change of status of one task, and the columns written with it.

    Args:
        reported_at: the provider's time of the report; a row with a newer report is not changed.
        among: rows that the task must still be one of; ``None`` for no further condition.
    """

    task: "GenerationTask"
    to: Status
    changes: Mapping[str, Any] = field(default_factory=dict)
    detail: str = ""
    reported_at: dt.datetime | None = None
    actor: str = ""
    among: "models.QuerySet[GenerationTask] | None" = None

    def rows(self, using: str | None) -> "models.QuerySet[GenerationTask]":
        """The row, if it still has the status the transition starts from, and no newer report."""
        rows = _rows_without_newer_report(self.task, using, self.reported_at).filter(status=self.task.status)
        return rows if self.among is None else rows & self.among.order_by()

    def columns(self, now: dt.datetime) -> dict[str, Any]:
        """All columns to write."""
        columns = {
            "attention_seen": "",
            **with_derived(self.task, self.changes),
            "status": self.to,
            "updated_at": now,
        }
        if self.task.status == Status.UNCONFIRMED:
            columns |= SEARCH_ENDED
        if self.to in FINAL:
            columns = {"finished_at": now, **columns, **final_columns(self.task, self.to, self.changes)}
        return columns

    def event(self, cause: str) -> TaskEvent:
        """The event for the timeline; to be made before the instance changes."""
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
        """Set the written columns on the instance, and send ``task_status_changed`` after the commit."""
        task, old_status, new_status = self.task, self.task.status, self.to
        _set_columns(task, columns, using)
        after_commit(
            lambda: task_status_changed.report(
                sender=type(task), task=task, old_status=old_status, new_status=new_status
            ),
            using=using,
            what="task_status_changed",
        )


#: A task that is no longer unconfirmed is not searched for.
SEARCH_ENDED = {"requested_provider_task_id": "", "next_search_at": None}
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


class Transitions(models.Model):
    """The changes of status of one task: conditional updates that fail when the row has changed meanwhile."""

    # Columns of GenerationTask, which inherits from this class.
    status: Any
    provider: Any

    class Meta:
        abstract = True

    def can_become(self, status: Status) -> bool:
        """Whether the state machine has this transition."""
        return status in TRANSITIONS[Status(self.status)]

    def advance(
        self,
        to: Status,
        *,
        cause: str,
        actor: str = "",
        detail: str = "",
        reported_at: dt.datetime | None = None,
        among: "models.QuerySet[GenerationTask] | None" = None,
        **changes: Any,
    ) -> bool:
        """Change the status if the row, as it is in the database now, still allows it.

        One conditional UPDATE and one event in one transaction; the signal follows the commit.

        Args:
            reported_at: the provider's time of the report; a row with a newer report is not changed.
            among: rows that the task must still be one of, as part of the condition.
            changes: columns to write with the status.

        Returns:
            True when this call wrote it. False when the transition does not exist, or the row has changed or was
            deleted meanwhile; the instance then shows the row as it is.
        """
        using = self._state.db
        while self.can_become(to):
            transition = Transition(self._task, to, changes, detail, reported_at, actor, among)
            with transaction.atomic(using=using):
                columns = transition.columns(timezone.now())
                if transition.rows(using).update(**columns) == 1:
                    transition.event(cause).save(using=using)
                    transition.apply_to_instance(columns, using)
                    return True
            old = self.status
            if self.is_gone() or self.status == old:
                return False  # the status is the same, so the row has a newer report
        return False

    def accept(self, provider_task_id: str, *, cause: str, detail: str = "", **changes: Any) -> bool:
        """Change to ``queued`` with the id of a task that will be billed, if the row still allows it.

        Unlike ``advance`` this is one UPDATE that commits by itself: an event that cannot be written must not undo
        the id.

        Args:
            changes: columns to write with id and status.

        Returns:
            As ``advance``.

        Raises:
            IntegrityError: another task of this provider has this id.
        """
        using = self._state.db
        while self.can_become(Status.QUEUED):
            transition = Transition(
                self._task, Status.QUEUED, {**changes, "provider_task_id": provider_task_id}, detail
            )
            columns = transition.columns(timezone.now())
            with transaction.atomic(using=using):
                moved = transition.rows(using).update(**columns) == 1
            if moved:
                self._save_event(transition.event(cause))
                transition.apply_to_instance(columns, using)
                return True
            old = self.status
            if self.is_gone() or self.status == old:
                return False
        return False

    def _save_event(self, event: TaskEvent) -> None:
        """Write an event, on a new connection if necessary; a failure is logged, not raised."""
        using = self._state.db or DEFAULT_DB_ALIAS
        for _attempt in range(2):
            try:
                with transaction.atomic(using=using):
                    event.save(using=using)
                return
            except (OperationalError, InterfaceError) as exc:
                logger.warning("event not written task=%s error=%s", self.pk, type(exc).__name__)
                connections[using].close()
            except Exception:  # a receiver of post_save may raise anything
                logger.exception("event not written task=%s", self.pk)
                return

    def amend(
        self,
        *,
        reported_at: dt.datetime | None = None,
        among: "models.QuerySet[GenerationTask] | None" = None,
        **changes: Any,
    ) -> bool:
        """Write columns if the row still has the status of this instance.

        Args:
            reported_at: as in ``advance``.
            among: rows that the task must still be one of, as part of the condition.

        Returns:
            False when the row has another status, a newer report, or was deleted; nothing is written then.
        """
        columns = {"updated_at": timezone.now(), **with_derived(self._task, changes)}
        rows = _rows_without_newer_report(self._task, self._state.db, reported_at).filter(status=self.status)
        if among is not None:
            rows &= among.order_by()
        if rows.update(**columns) != 1:
            return False
        _set_columns(self._task, columns, self._state.db)
        return True

    def cancel_unsent(self, *, cause: str, actor: str = "") -> bool:
        """Cancel at once, if the provider certainly does not have the task. False when it may."""
        is_unsent = self.can_become(Status.CANCELLED) and self.status not in IN_FLIGHT
        return is_unsent and self.advance(Status.CANCELLED, cause=cause, actor=actor, among=self._unsent())

    def close_as_lost(self, *, cause: str, actor: str = "") -> None:
        """Fail a task that the provider has lost, by decision of a person. It may have been billed.

        Raises:
            TransitionError: it may still end by itself.
        """
        # The update locks the row until the status is written: a task that was found again meanwhile stays open.
        rows = self._rows().closable().filter(pk=self.pk, status=self.status)
        with transaction.atomic(using=self._state.db):
            moved = rows.update(updated_at=timezone.now()) and self.advance(
                Status.FAILED,
                cause=cause,
                actor=actor,
                detail=EventText("closed_as_lost"),
                error_code=CLOSED_AS_LOST,
                error_message="Closed as lost by a person.",
                error_charged=Charged.UNKNOWN,
                attention="",
                attention_detail="",
                next_poll_at=None,
            )
            if not moved:
                raise TransitionError(_("Only a task that the provider has lost can be closed; this one is not lost."))

    def note(self, what: TaskEvent.What, **columns: Any) -> TaskEvent | None:
        """Add an event to the timeline; ``None`` when the row was deleted, and its timeline with it."""
        try:
            with transaction.atomic(using=self._state.db):
                return TaskEvent.objects.using(self._state.db).create(task=self, what=what, **columns)
        except IntegrityError:
            return None

    def _unsent(self) -> "models.QuerySet[GenerationTask]":
        """Rows that the provider certainly does not have."""
        return self._rows().filter(status__in=(Status.NEW, Status.PENDING))

    @property
    def _task(self) -> "GenerationTask":
        return cast("GenerationTask", self)

    def _rows(self) -> "GenerationTaskQuerySet":
        """All rows of the database this instance is stored in."""
        return cast("GenerationTaskQuerySet", type(self)._base_manager.using(self._state.db))

    def is_gone(self) -> bool:
        """Read the row again; True when it was deleted."""
        try:
            self.refresh_from_db()
        except type(self).DoesNotExist:
            return True
        return False


class TransitionsQuerySet(PrimaryQuerySet["GenerationTask"]):
    """The changes of status of many tasks."""

    def submit(self, *, cause: str, actor: str = "") -> int:
        """Make new tasks pending and wake the workers. Returns how many there were."""
        new = self.filter(status=Status.NEW)
        # Still new when it is written: a task that another request submitted may be on its way to the provider.
        moved = sum(task.advance(Status.PENDING, cause=cause, actor=actor, among=new) for task in new)
        if moved:
            wake_workers(self.db)
        return moved

    def transition_many(self, transitions: Sequence[Transition], *, cause: str) -> bool:
        """Make many transitions in one short transaction: all, or none when another worker changed one of the rows.

        Returns:
            False when nothing was written; call ``advance`` for each task then.
        """
        now = timezone.now()
        written = [transition.columns(now) for transition in transitions]
        try:
            with transaction.atomic(using=self.db):
                guarded = [
                    (transition.rows(self.db), columns)
                    for transition, columns in zip(transitions, written, strict=True)
                ]
                if _update_each(guarded, self.db) != len(transitions):
                    raise TransitionError
                TaskEvent.objects.using(self.db).bulk_create(transition.event(cause) for transition in transitions)
                for transition, columns in zip(transitions, written, strict=True):
                    transition.apply_to_instance(columns, self.db)
        except TransitionError:
            return False
        return True


def _update_each(updates: Iterable[tuple[models.QuerySet[Any], Mapping[str, Any]]], using: str) -> int:
    """Run many ``rows.update(**values)``; returns how many rows that changed in all.

    ``bulk_update`` builds one CASE per column and row, and one ``update`` per row is one round trip each; here rows
    with the same columns share one prepared statement. Django has no public way to ask for the SQL of an update,
    therefore ``sql.UpdateQuery``.

    Args:
        updates: querysets without joins, each with the columns to write.
    """
    statements: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for rows, values in updates:
        query = cast(sql.UpdateQuery, rows.query.chain(sql.UpdateQuery))
        query.add_update_values(dict(values))
        statement, parameters = query.get_compiler(using).as_sql()
        statements[statement].append(tuple(parameters))
    changed = 0
    with connections[using].cursor() as cursor:
        for statement, rows_of_parameters in statements.items():
            cursor.executemany(statement, rows_of_parameters)
            changed += cursor.rowcount
    return changed


def _set_columns(task: "GenerationTask", columns: Mapping[str, Any], using: str | None) -> None:
    """Set the written columns on the instance; send ``task_needs_attention`` for a new flag after the commit."""
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


def _rows_without_newer_report(
    task: "GenerationTask", using: str | None, reported_at: dt.datetime | None
) -> "models.QuerySet[GenerationTask]":
    """The row of a task, unless it has a newer report than ``reported_at``."""
    rows = type(task)._base_manager.using(using).filter(pk=task.pk)
    if reported_at is None:
        return rows
    return rows.filter(Q(provider_updated_at=None) | Q(provider_updated_at__lte=reported_at))
