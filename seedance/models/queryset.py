"""Questions and verbs for many tasks at once."""

import datetime as dt
import logging
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, InterfaceError, connections, transaction
from django.db.models import Exists, F, OuterRef, Q, Window
from django.db.models.fields.files import FieldFile
from django.db.models.functions import RowNumber
from django.db.models.signals import post_save, pre_save
from django.utils import timezone
from django.utils.translation import gettext as _

from .. import intake
from ..exceptions import KeyReusedError, TransitionError, Veto
from ..signals import task_creating
from . import chaining
from .account import Account
from .bulk import update_each
from .cost import estimate_columns
from .databases import PrimaryManager, PrimaryQuerySet
from .event import TaskEvent
from .idempotency import IdempotencyKey, fingerprint_of, get_or_create, without_nulls
from .media import MediaItem
from .model_pause import ModelPause
from .status import ACTIVE, CLOSABLE, FINAL, IN_FLIGHT, MAY_COST, Attention, Status
from .wake import wake_workers

if TYPE_CHECKING:
    from .task import GenerationTask
    from .transitions import Transition

logger = logging.getLogger(__name__)

# The conditions of the partial indexes; a query must repeat them literally for the index to serve.
IN_FLIGHT_ROWS = Q(status__in=sorted(IN_FLIGHT))
PENDING_ROWS = Q(status=Status.PENDING)
UNARCHIVED_ROWS = Q(status=Status.SUCCEEDED, archived_at=None)
#: Videos that are stored although they looked wrong.
DOUBTED_ROWS = Q(status=Status.SUCCEEDED, archived_at__isnull=False, attention=Attention.MISMATCH) & ~Q(video="")
#: What *archive again* answers; a mismatch of a video that is not stored whole yet stays.
_ARCHIVE_FLAGS = (Attention.NO_VIDEO, Attention.ARCHIVE, Attention.LOST_MEDIA)

_LOST = Q(attention__in=sorted(CLOSABLE)) | Q(attention="", attention_seen__in=sorted(CLOSABLE))
#: What a person may close as lost; the property ``is_closable`` says the same of one task.
CLOSABLE_ROWS = (IN_FLIGHT_ROWS & _LOST) | Q(status=Status.UNCONFIRMED)


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

    def sendable(self) -> Self:
        """Tasks whose account and model are not paused."""
        paused = ModelPause.objects.filter(provider=OuterRef("provider"), model_name=OuterRef("model_name"))
        return self.exclude(provider__in=Account.objects.paused_aliases()).exclude(Exists(paused))

    def in_dispatch_order(self, limit: int) -> Self:
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

    def to_archive_again(self) -> Self:
        """Tasks that ``archive_again`` does something for: not stored, or stored although it looked wrong."""
        return self.filter(UNARCHIVED_ROWS | DOUBTED_ROWS)

    def needing_attention(self) -> Self:
        """Tasks that a person should look at."""
        return self.exclude(attention="")

    def closable(self) -> Self:
        """Tasks that a person may close as lost."""
        return self.filter(CLOSABLE_ROWS)

    def awaiting_work(self) -> Self:
        """Tasks that wait for a worker, now or soon: to be sent, or to be asked about."""
        return self.filter(status__in=("pending", "queued", "running"))

    def abandoned(self) -> Self:
        """Tasks whose worker died between claiming and hearing the provider's answer."""
        return self.filter(status=Status.SUBMITTING, lease_until__lte=timezone.now())

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        """Django's, with the columns that follow from others."""
        tasks = list(objs)
        for task in tasks:
            task.set_derived()
        return super().bulk_create(tasks, *args, **kwargs)

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

    def submit(self, *, cause: str, actor: str = "") -> int:
        """Mark new tasks as to be sent and wake the workers. Returns how many there were."""
        new = self.filter(status=Status.NEW)
        # Still new when it is written: a task that another request handed in may be on its way to the provider.
        moved = sum(task.advance(Status.PENDING, cause=cause, actor=actor, among=new) for task in new)
        if moved:
            wake_workers(self.db)
        return moved

    def release_poll_claim(self) -> None:
        """Give back tasks that were claimed for a look which did not take place."""
        self.filter(IN_FLIGHT_ROWS).update(next_poll_at=timezone.now())

    def poll_now(self) -> int:
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

    def archive_again(self, *, cause: str, actor: str = "") -> int:
        """Have videos fetched that are not stored, and those once more that were kept although they looked wrong.

        Free: the provider is asked for a fresh link where the old one is dead, never for another generation. Tries are
        counted anew, and the flag that told of the trouble is lowered. A stored file stays until its successor is.

        Returns:
            How many there were.
        """
        now = timezone.now()
        anew = {"next_archive_at": now, "archive_attempts": 0, "updated_at": now}
        lowered = {"attention": "", "attention_detail": ""}
        with transaction.atomic(using=self.db):
            rows = self.to_archive_again().order_by().select_related(None)
            tasks = list(rows.select_for_update().only("pk", "attention", "archived_at"))
            keys = [task.pk for task in tasks]
            chosen = self.model._base_manager.using(self.db).filter(pk__in=keys)
            chosen.filter(UNARCHIVED_ROWS, attention__in=_ARCHIVE_FLAGS).update(**lowered)
            # A video without a checksum is one that is still to be fetched.
            chosen.filter(DOUBTED_ROWS).update(archived_at=None, video_sha256="", **lowered)
            chosen.update(**anew)
            TaskEvent.objects.using(self.db).bulk_create(
                TaskEvent(
                    task=task,
                    what=TaskEvent.What.NOTE,
                    cause=cause,
                    actor=actor,
                    detail="Archiving again was asked for."
                    + (f" Flag before: {task.attention}." if task.attention else ""),
                )
                for task in tasks
            )
            if tasks:
                wake_workers(self.db)
        return len(tasks)


@dataclass(frozen=True)
class Order:
    """One request to be stored: whether to send it at once, and columns that no request holds."""

    prepared: intake.Prepared
    submit: bool = False
    columns: Mapping[str, Any] = field(default_factory=dict)
    #: A line of its own in the timeline; empty for none.
    note: str = ""

    def content(self) -> list[Any]:
        """All that tells this request from another, for its fingerprint."""
        inputs, media = self.prepared.inputs, self.prepared.media
        return [
            self.prepared.provider,
            [inputs.model_name, inputs.prompt, inputs.draft_task_id, dict(inputs.parameters)],
            [[item.role, item.url, item.file] for item in media],
            [dict(self.prepared.metadata), self.submit],
        ]


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
        idempotency_key: str | None = None,
        **parameters: object,
    ) -> "GenerationTask":
        """Check a request and store it as a task, validated exactly like the REST API and the admin form.

        Args:
            media: mappings with ``role`` and either ``url`` or ``file``.
            parameters: ``duration``, ``ratio``, … by the provider's names.
            submit: send it as soon as a worker is free; otherwise it stays ``new``.
            idempotency_key: the second call of this owner with this key gives the first one's task, whose
                ``is_replay`` is True then.

        Raises:
            ValidationError: with every problem, keyed by field path (``media[0].role``), or with the reason of a
                receiver of ``task_creating`` that refused; nothing is stored.
            KeyReusedError: this owner used the key for another request.
        """
        request: dict[str, Any] = {
            "model_name": model_name,
            "prompt": prompt,
            "media": media,
            "parameters": parameters,
            "draft_task_id": draft_task_id,
            "provider": provider,
            "metadata": metadata,
        }

        def make(key: IdempotencyKey | None) -> "GenerationTask":
            prepared = intake.prepare(**request)
            prepared.raise_errors()
            return self.create_prepared(prepared, owner=owner, submit=submit, cause=cause, idempotency_key=key)

        content: dict[str, Any] = {**request, "parameters": without_nulls(parameters), "submit": submit}
        return self._once(make, owner, idempotency_key, "create", content)

    def create_prepared(
        self,
        prepared: intake.Prepared,
        *,
        owner: Any = None,
        submit: bool = False,
        cause: str = "python",
        note: str = "",
        actor: str | None = None,
        idempotency_key: str | IdempotencyKey | None = None,
        fingerprint: str | None = None,
        **columns: Any,
    ) -> "GenerationTask":
        """Store a request that ``intake.prepare`` found no errors in.

        Args:
            actor: who asked for it, in the timeline; by default the owner.
            idempotency_key: the second call of this owner with this key gives the first one's task, whose
                ``is_replay`` is True then.
            fingerprint: what the key stands for, where that is not simply the request.

        Raises:
            ValidationError: a receiver of ``task_creating`` refused; nothing is stored.
            IdempotencyError: the key was used for another request.
        """
        order = Order(prepared, submit, columns, note)
        key = _as_key(idempotency_key, owner, lambda: fingerprint or fingerprint_of("create", order.content()))
        return self._create([order], [""], owner=owner, cause=cause, actor=actor, key=key)[0]

    def create_many(
        self,
        orders: Sequence[Order],
        *,
        owner: Any = None,
        cause: str = "python",
        actor: str | None = None,
        idempotency_key: str | IdempotencyKey | None = None,
    ) -> "list[GenerationTask]":
        """Store requests that ``intake.prepare`` found no errors in: all or none, in a handful of statements.

        Args:
            idempotency_key: the second call of this owner with this key gives the first one's tasks.

        Raises:
            ValidationError: a receiver of ``task_creating`` refused one, keyed by ``tasks[0]``; none is stored.
            IdempotencyError: the key was used for another request, or some of its tasks have been erased.
        """
        content = lambda: fingerprint_of("batch", [order.content() for order in orders])  # noqa: E731
        key = _as_key(idempotency_key, owner, content)
        places = [f"tasks[{position}]" for position in range(len(orders))]
        return self._create(orders, places, owner=owner, cause=cause, actor=actor, key=key)

    def submit_once(
        self, task: "GenerationTask", *, cause: str, actor: str = "", key: IdempotencyKey | None = None
    ) -> bool:
        """Mark one new task as to be sent, and wake the workers.

        Returns:
            False when the same request, by its key, has done so before.

        Raises:
            TransitionError: it is not new.
            KeyReusedError: the key was used for another request.
        """
        columns: dict[str, Any] = {"submit_digest": key.digest} if key else {}
        new = self.filter(pk=task.pk, status=Status.NEW)
        if key and self._was_submitted(task, key):
            return False
        try:
            moved = task.status == Status.NEW and task.advance(
                Status.PENDING, cause=cause, actor=actor, among=new, **columns
            )
        except IntegrityError:  # the same key submitted another task at this very moment
            moved = False
        if moved:
            wake_workers(self.db)
            return True
        if key and self._was_submitted(task, key):
            return False
        raise TransitionError(_("Only a new task can be submitted."))

    def _was_submitted(self, task: "GenerationTask", key: IdempotencyKey) -> bool:
        used_for = self.filter(Q(submit_digest=key.digest) | Q(idempotency_digest=key.digest)).first()
        if used_for is None:
            return False
        if (used_for.pk, used_for.submit_digest) != (task.pk, key.digest):
            raise KeyReusedError
        return True

    def _once(
        self,
        make: "Callable[[IdempotencyKey | None], GenerationTask]",
        owner: Any,
        key: str | IdempotencyKey | None,
        call: str,
        content: object,
    ) -> "GenerationTask":
        """The task of an earlier request with this key, before anything is looked at that may have changed since."""
        known = _as_key(key, owner, lambda: fingerprint_of(call, content))
        if known and (found := known.previous(self.all())):
            return found[0]
        return make(known)

    def _create(
        self,
        orders: Sequence[Order],
        places: Sequence[str],
        *,
        owner: Any,
        cause: str,
        actor: str | None,
        key: IdempotencyKey | None,
    ) -> "list[GenerationTask]":
        who = (owner.get_username() if owner else "") if actor is None else actor
        origin = {"cause": cause, "actor": who[:150]}
        make = partial(self._store, orders, places, owner, origin, key)
        return get_or_create(key, self.all(), make, count=len(orders))

    def _store(
        self,
        orders: Sequence[Order],
        places: Sequence[str],
        owner: Any,
        origin: Mapping[str, str],
        key: IdempotencyKey | None,
    ) -> "list[GenerationTask]":
        """Ask the site, store the uploads, then the rows; without rows no upload stays."""
        tasks = [
            self.model(owner=owner, **_columns(order), **(key.columns(position) if key else {}))
            for position, order in enumerate(orders)
        ]
        self._ask_site(tasks, places, owner)
        media = [item for task, order in zip(tasks, orders, strict=True) for item in _media(task, order)]
        uploads: list[FieldFile] = []
        try:
            for item in media:
                if item.store_file():  # before the transaction: a slow storage must not hold one open
                    uploads.append(item.file)
            self._insert_all(tasks, media, orders, origin)
        except BaseException:
            self._discard(uploads, tasks)
            raise
        return tasks

    def _ask_site(self, tasks: "Sequence[GenerationTask]", places: Sequence[str], owner: Any) -> None:
        """Ask the receivers of ``task_creating``.

        Raises:
            ValidationError: one of them refused.
        """
        refused: dict[str, list[ValidationError]] = {}
        for task, place in zip(tasks, places, strict=True):
            try:
                task_creating.send(sender=self.model, task=task, owner=owner)
            except Veto as veto:
                field = ".".join(filter(None, (place, veto.field)))
                refused.setdefault(field, []).append(ValidationError(str(veto), code=veto.code))
        if refused:
            raise ValidationError(refused)

    def _insert_all(
        self,
        tasks: "Sequence[GenerationTask]",
        media: "Sequence[MediaItem]",
        orders: Sequence[Order],
        origin: Mapping[str, str],
    ) -> None:
        # A site's own receivers hear of each row, as if it had been saved by itself.
        saved: dict[str, Any] = {"raw": False, "using": self.db, "update_fields": None}
        with transaction.atomic(using=self.db):
            for task in tasks:
                pre_save.send(sender=self.model, instance=task, **saved)
            self.bulk_create(tasks)
            for task in tasks:
                post_save.send(sender=self.model, instance=task, created=True, **saved)
            MediaItem.objects.using(self.db).bulk_create(media)
            pairs = zip(tasks, orders, strict=True)
            events = [event for task, order in pairs for event in _events(task, order, origin)]
            TaskEvent.objects.using(self.db).bulk_create(events)
            if any(order.submit for order in orders):
                wake_workers(self.db)

    def _discard(self, uploads: Sequence[FieldFile], tasks: "Sequence[GenerationTask]") -> None:
        """Delete the uploads of rows that were not stored, unless they may have been stored after all."""
        if not uploads:
            return
        try:
            is_stored = self.filter(pk__in=[task.pk for task in tasks]).exists()
        except (DatabaseError, InterfaceError):  # a commit whose outcome is not known
            is_stored = True
        if is_stored:
            logger.warning("uploads kept files=%d", len(uploads))
            return
        for file in uploads:
            try:
                file.storage.delete(str(file.name))
            except Exception:  # storages are pluggable, and so are their errors
                logger.exception("upload not deleted name=%s", file.name)

    def transition_many(self, transitions: "Sequence[Transition]", *, cause: str) -> bool:
        """Make many moves in one short transaction: all of them, or none where another worker was in between.

        Returns:
            False when nothing was written; ``advance`` then tells row by row.
        """
        now = timezone.now()
        written = [transition.columns(now) for transition in transitions]
        try:
            with transaction.atomic(using=self.db):
                guarded = [
                    (transition.rows(self.db), columns)
                    for transition, columns in zip(transitions, written, strict=True)
                ]
                if update_each(guarded, self.db) != len(transitions):
                    raise TransitionError
                TaskEvent.objects.using(self.db).bulk_create(transition.event(cause) for transition in transitions)
                for transition, columns in zip(transitions, written, strict=True):
                    transition.apply_to_instance(columns, self.db)
        except TransitionError:
            return False
        return True

    def retry(
        self,
        task: "GenerationTask",
        *,
        owner: Any = None,
        cause: str = "python",
        actor: str | None = None,
        note: str = "",
        idempotency_key: str | IdempotencyKey | None = None,
    ) -> "GenerationTask":
        """Ask for the same video again: a new, pending task linked to the old one.

        Args:
            actor: who asked for it, in the timeline; by default the owner.
            note: a line of its own in the timeline of the new task; empty for none.
            idempotency_key: the second call of this owner with this key gives the first one's new task, whose
                ``is_replay`` is True then.

        Raises:
            TransitionError: while the old task may still end by itself, as a second one would be paid twice; or when
                it was deleted meanwhile.
            ValidationError: when the rules refuse today what they accepted then, or the site does.
            IdempotencyError: the key was used for another request.
            FileNotFoundError: an upload of the old task is no longer stored.
        """

        def make(key: IdempotencyKey | None) -> "GenerationTask":
            if not task.is_final:
                raise TransitionError(_("Only a final task can be retried; this one may still end by itself."))
            with ExitStack() as files:
                prepared = intake.prepare(
                    model_name=task.model_name,
                    prompt=task.prompt,
                    media=[_again(item, files) for item in task.media.all()],
                    parameters=task.parameters,
                    draft_task_id=task.draft_task_id,
                    provider=task.provider,
                    metadata=task.metadata,
                )
                prepared.raise_errors()
                return self.create_prepared(
                    prepared,
                    owner=owner,
                    submit=True,
                    cause=cause,
                    actor=actor,
                    note=note,
                    idempotency_key=key,
                    retry_of=task,
                )

        try:
            return self._once(make, owner, idempotency_key, "retry", str(task.pk))
        except IntegrityError:
            if self.filter(pk=task.pk).exists():
                raise
            raise TransitionError(_("This task was deleted in the meantime.")) from None

    def continue_from(
        self,
        task: "GenerationTask",
        *,
        owner: Any = None,
        submit: bool = False,
        cause: str = "python",
        prompt: str | None = None,
        idempotency_key: str | IdempotencyKey | None = None,
        **overrides: Any,
    ) -> "GenerationTask":
        """Ask for a video that begins where another one ended, with that task's model, parameters and prompt.

        The first frame is the provider's last frame where it is stored, else it is taken out of the stored video.

        Args:
            idempotency_key: the second call of this owner with this key gives the first one's task, whose
                ``is_replay`` is True then.
            overrides: what ``create_task`` takes, to be used instead: ``duration``, ``model_name``, ``metadata``, …

        Raises:
            TransitionError: the video is not stored, or no frame can be had from it.
            ValidationError: with every problem, keyed by field path; nothing is stored.
            IdempotencyError: the key was used for another request.
        """

        def make(key: IdempotencyKey | None) -> "GenerationTask":
            continuation = chaining.prepare(task, prompt=prompt, **overrides)
            continuation.prepared.raise_errors()
            return self.create_prepared(
                continuation.prepared,
                owner=owner,
                submit=submit,
                cause=cause,
                note=continuation.note,
                idempotency_key=key,
            )

        content = [str(task.pk), prompt, without_nulls(overrides), submit]
        return self._once(make, owner, idempotency_key, "continue", content)


def _as_key(key: str | IdempotencyKey | None, owner: Any, fingerprint: Callable[[], str]) -> IdempotencyKey | None:
    """A key as it was given, or made from a text; an empty text is no key."""
    return IdempotencyKey(owner, key, fingerprint()) if key and isinstance(key, str) else (key or None)


def _again(item: "MediaItem", files: ExitStack) -> dict[str, Any]:
    """One medium of a task for another one; its file is open as long as ``files``."""
    file = item.copy_of_file()
    return {"role": item.role, "url": item.url, "file": files.enter_context(file) if file else None}


def _columns(order: Order) -> dict[str, Any]:
    prepared, inputs = order.prepared, order.prepared.inputs
    return {
        "provider": prepared.provider,
        "model_name": inputs.model_name,
        "prompt": inputs.prompt,
        "draft_task_id": inputs.draft_task_id,
        "metadata": dict(prepared.metadata),
        "status": Status.PENDING if order.submit else Status.NEW,
        **estimate_columns(prepared),
        "parameters": inputs.given(),
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
