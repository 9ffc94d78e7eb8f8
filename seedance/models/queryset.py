"""Questions and verbs for many tasks at once."""

import datetime as dt
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from django.db import connections, transaction
from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber
from django.utils import timezone
from django.utils.translation import gettext as _

from .. import intake
from ..exceptions import TransitionError
from . import chaining
from .bulk import update_each
from .databases import PrimaryManager, PrimaryQuerySet
from .event import TaskEvent
from .media import MediaItem
from .status import ACTIVE, FINAL, IN_FLIGHT, MAY_COST, Status
from .wake import wake_workers

if TYPE_CHECKING:
    from .moving import Move
    from .task import GenerationTask

# The conditions of the partial indexes; a query must repeat them literally for the index to serve.
IN_FLIGHT_ROWS = Q(status__in=sorted(IN_FLIGHT))
PENDING_ROWS = Q(status=Status.PENDING)
UNARCHIVED_ROWS = Q(status=Status.SUCCEEDED, archived_at=None)


class GenerationTaskQuerySet(PrimaryQuerySet["GenerationTask"]):
    """Sets of tasks by what can be done with them."""

    def active(self) -> Self:
        """Tasks that may still change."""
        return self.filter(status__in=sorted(ACTIVE))

    def final(self) -> Self:
        """Tasks that never change again."""
        return self.filter(status__in=sorted(FINAL))

    def in_flight(self) -> Self:
        """Tasks that the provider has and may still change."""
        return self.filter(IN_FLIGHT_ROWS)

    def may_cost(self) -> Self:
        """Tasks that may be running and billed right now."""
        return self.filter(status__in=sorted(MAY_COST))

    def owned_by(self, user: Any) -> Self:
        """The tasks of one user."""
        return self.filter(owner=user)

    def with_owner(self) -> Self:
        """The same tasks, each with its owner; in one query where both are in one database."""
        owner: Any = self.model._meta.get_field("owner")
        return self.select_related("owner") if owner.is_local else self.prefetch_related("owner")

    def ready(self) -> Self:
        """Pending tasks that may be sent now, in the order in which they should leave."""
        now = timezone.now()
        return self.filter(PENDING_ROWS).filter(Q(not_before=None) | Q(not_before__lte=now)).order_by("pk")

    def in_turn(self, limit: int) -> Self:
        """The next tasks to leave: by priority, then one of each owner at a time, then by age."""
        turn = Window(RowNumber(), partition_by=[F("owner"), F("priority")], order_by=F("pk").asc())
        return self.ready().annotate(turn=turn).order_by(F("priority").desc(nulls_last=True), "turn", "pk")[:limit]

    def due(self) -> Self:
        """Tasks at the provider that should be asked about now, longest overdue first."""
        return self.filter(IN_FLIGHT_ROWS, next_poll_at__lte=timezone.now()).order_by("next_poll_at")

    def archivable(self) -> Self:
        """Succeeded tasks whose video should be brought home now; the link that dies first comes first."""
        now = timezone.now()
        return (
            self.filter(UNARCHIVED_ROWS, next_archive_at__lte=now)
            .filter(Q(lease_until=None) | Q(lease_until__lte=now))
            .order_by("video_url_expires_at")
        )

    def unarchived(self) -> Self:
        """Succeeded tasks whose video is not home."""
        return self.filter(UNARCHIVED_ROWS)

    def at_work(self) -> Self:
        """Tasks that wait for a worker, now or soon: to be sent, or to be asked about."""
        return self.filter(status__in=("pending", "queued", "running"))

    def abandoned(self) -> Self:
        """Tasks whose worker died between claiming and hearing the provider's answer."""
        return self.filter(status=Status.SUBMITTING, lease_until__lte=timezone.now())

    def claim(self, limit: int, seconds: float, **changes: Any) -> "list[GenerationTask]":
        """Take up to ``limit`` rows of this set for ``seconds``; no other worker gets them meanwhile.

        Holds on every database: one statement on SQLite, ``SKIP LOCKED`` where it exists, and always a
        conditional UPDATE whose row count decides.

        Args:
            changes: columns to set with the claim, for example a status.
        """
        token = uuid.uuid4().hex
        skip_locked = connections[self.db].features.has_select_for_update_skip_locked
        with transaction.atomic(using=self.db) if skip_locked else nullcontext():
            rows = self.select_for_update(skip_locked=True) if skip_locked else self
            keys = list(rows.values_list("pk", flat=True)[:limit])
            until = timezone.now() + dt.timedelta(seconds=seconds)
            self.filter(pk__in=keys).order_by().update(lease_owner=token, lease_until=until, **changes)
        if not keys:
            return []
        return list(self.model._base_manager.using(self.db).filter(pk__in=keys, lease_owner=token).order_by("pk"))

    def hand_in(self, *, cause: str, actor: str = "") -> int:
        """Mark new tasks as to be sent and wake the workers. Returns how many there were."""
        moved = sum(task.advance(Status.PENDING, cause=cause, actor=actor) for task in self.filter(status=Status.NEW))
        if moved:
            wake_workers(self.db)
        return moved

    def ask_soon(self) -> None:
        """Give back tasks that were claimed for a look which did not take place."""
        self.filter(IN_FLIGHT_ROWS).update(next_poll_at=timezone.now())

    def ask_now(self) -> int:
        """Have tasks looked at again at once: those in flight, and videos that did not come home yet.

        Returns:
            How many there were.
        """
        now = timezone.now()
        count = self.filter(IN_FLIGHT_ROWS).update(next_poll_at=now)
        count += self.filter(UNARCHIVED_ROWS).update(next_archive_at=now)
        if count:
            wake_workers(self.db)
        return count


@dataclass(frozen=True)
class Order:
    """One request to be stored: whether to send it at once, and columns that no request holds."""

    prepared: intake.Prepared
    submit: bool = False
    columns: Mapping[str, Any] = field(default_factory=dict)
    #: A line of its own in the timeline; empty for none.
    note: str = ""


class GenerationTaskManager(PrimaryManager.from_queryset(GenerationTaskQuerySet)):  # type: ignore[misc]
    """Makes tasks. Every door comes through here, so that all of them check alike."""

    def create_task(
        self,
        *,
        prompt: str = "",
        model_name: str = "",
        media: Sequence[Mapping[str, Any]] = (),
        draft_task_id: str = "",
        provider: str = "default",
        metadata: Mapping[str, Any] | None = None,
        owner: Any = None,
        submit: bool = False,
        cause: str = "python",
        **parameters: object,
    ) -> "GenerationTask":
        """Check a request and store it as a task, validated exactly like the REST API and the admin form.

        Args:
            media: mappings with ``role`` and either ``url`` or ``file``.
            parameters: ``duration``, ``ratio``, … by the provider's names.
            submit: send it as soon as a worker is free; otherwise it stays ``new``.

        Raises:
            ValidationError: with every problem, keyed by field path (``media[0].role``); nothing is stored.
        """
        prepared = intake.prepare(
            model_name=model_name,
            prompt=prompt,
            media=media,
            parameters=parameters,
            draft_task_id=draft_task_id,
            provider=provider,
            metadata=metadata,
        )
        prepared.raise_errors()
        return self.create_prepared(prepared, owner=owner, submit=submit, cause=cause)

    def create_prepared(
        self,
        prepared: intake.Prepared,
        *,
        owner: Any = None,
        submit: bool = False,
        cause: str = "python",
        note: str = "",
        **columns: Any,
    ) -> "GenerationTask":
        """Store a request that ``intake.prepare`` found no errors in."""
        return self.create_many([Order(prepared, submit, columns, note)], owner=owner, cause=cause)[0]

    def create_many(
        self, orders: Sequence[Order], *, owner: Any = None, cause: str = "python"
    ) -> "list[GenerationTask]":
        """Store requests that ``intake.prepare`` found no errors in: all or none, in a handful of statements."""
        with transaction.atomic(using=self.db):
            tasks = [self.model(owner=owner, **_columns(order)) for order in orders]
            if len(tasks) == 1:
                tasks[0].save(force_insert=True, using=self.db)  # so that a site's own post_save handlers hear of it
            else:
                self.bulk_create(tasks)
            media = [item for task, order in zip(tasks, orders, strict=True) for item in _media(task, order)]
            MediaItem.objects.using(self.db).bulk_create(media)
            origin = {"cause": cause, "actor": owner.get_username() if owner else ""}
            pairs = zip(tasks, orders, strict=True)
            events = [event for task, order in pairs for event in _events(task, order, origin)]
            TaskEvent.objects.using(self.db).bulk_create(events)
            if any(order.submit for order in orders):
                wake_workers(self.db)
        return tasks

    def advance_many(self, moves: "Sequence[Move]", *, cause: str) -> bool:
        """Make many moves in one short transaction: all of them, or none where another worker was in between.

        Returns:
            False when nothing was written; ``advance`` then tells row by row.
        """
        now = timezone.now()
        written = [move.columns(now) for move in moves]
        try:
            with transaction.atomic(using=self.db):
                guarded = [(move.rows(self.db), columns) for move, columns in zip(moves, written, strict=True)]
                if update_each(guarded, self.db) != len(moves):
                    raise TransitionError
                TaskEvent.objects.using(self.db).bulk_create(move.event(cause) for move in moves)
                for move, columns in zip(moves, written, strict=True):
                    move.take_effect(columns, self.db)
        except TransitionError:
            return False
        return True

    def retry(self, task: "GenerationTask", *, owner: Any = None, cause: str = "python") -> "GenerationTask":
        """Ask for the same video again: a new, pending task linked to the old one.

        Raises:
            TransitionError: while the old task may still end by itself; a second one would be paid twice.
            ValidationError: when the rules refuse today what they accepted then.
        """
        if not task.is_final:
            raise TransitionError(_("Only a final task can be retried; this one may still end by itself."))
        prepared = intake.prepare(
            model_name=task.model_name,
            prompt=task.prompt,
            media=[{"role": item.role, "url": item.url, "file": item.copy_of_file()} for item in task.media.all()],
            parameters=task.parameters,
            draft_task_id=task.draft_task_id,
            provider=task.provider,
            metadata=task.metadata,
        )
        prepared.raise_errors()
        return self.create_prepared(prepared, owner=owner, submit=True, cause=cause, retry_of=task)

    def continue_from(
        self,
        task: "GenerationTask",
        *,
        owner: Any = None,
        submit: bool = False,
        cause: str = "python",
        prompt: str | None = None,
        **overrides: Any,
    ) -> "GenerationTask":
        """Ask for a video that begins where another one ended, with that task's model, parameters and prompt.

        The first frame is the provider's last frame where it is stored, else it is taken out of the stored video.

        Args:
            overrides: what ``create_task`` takes, to be used instead: ``duration``, ``model_name``, ``metadata``, …

        Raises:
            TransitionError: the video is not stored, or no frame can be had from it.
            ValidationError: with every problem, keyed by field path; nothing is stored.
        """
        continuation = chaining.prepare(task, prompt=prompt, **overrides)
        continuation.prepared.raise_errors()
        return self.create_prepared(
            continuation.prepared, owner=owner, submit=submit, cause=cause, note=continuation.note
        )


def _columns(order: Order) -> dict[str, Any]:
    prepared, inputs = order.prepared, order.prepared.inputs
    estimate = intake.estimate(prepared)
    return {
        "provider": prepared.provider,
        "model_name": inputs.model_name,
        "prompt": inputs.prompt,
        "draft_task_id": inputs.draft_task_id,
        "metadata": dict(prepared.metadata),
        "status": Status.PENDING if order.submit else Status.NEW,
        "cost_amount": estimate.amount,
        "cost_currency": estimate.currency if estimate.amount is not None else "",
        **inputs.parameters,
        **order.columns,
    }


def _media(task: "GenerationTask", order: Order) -> "list[MediaItem]":
    return [
        MediaItem(
            task=task,
            position=position,
            role=item.role,
            url=item.url,
            file=item.file or "",
            content_type=item.facts.mime if item.facts else "",
        )
        for position, item in enumerate(order.prepared.media)
    ]


def _events(task: "GenerationTask", order: Order, origin: Mapping[str, str]) -> Iterator[TaskEvent]:
    detail = _lifted_note(order.prepared)
    yield TaskEvent(task=task, what=TaskEvent.What.CREATED, to_status=task.status, detail=detail, **origin)
    if order.note:
        yield TaskEvent(task=task, what=TaskEvent.What.NOTE, detail=order.note, **origin)


def _lifted_note(prepared: intake.Prepared) -> str:
    if not prepared.lifted:
        return ""
    return "Lifted out of the prompt: " + ", ".join(f"{name}={value}" for name, value in prepared.lifted.items())
