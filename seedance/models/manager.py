"""Creates tasks: every entry point stores its requests through this manager, so that all validate alike."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, InterfaceError, transaction
from django.db.models import Q
from django.db.models.fields.files import FieldFile
from django.db.models.signals import post_save, pre_save
from django.utils.translation import gettext as _

from .. import intake
from ..exceptions import KeyReusedError, TransitionError, Veto
from ..intake import Order
from ..signals import task_creating
from . import chaining
from .after_commit import wake_workers
from .databases import PrimaryManager
from .event import Cause, TaskEvent
from .event_text import EventText
from .idempotency import IdempotencyKey, fingerprint_of, get_or_create, without_nulls
from .media import MediaItem
from .queryset import GenerationTaskQuerySet
from .status import Status

if TYPE_CHECKING:
    from .task import GenerationTask

logger = logging.getLogger(__name__)


class GenerationTaskManager(PrimaryManager.from_queryset(GenerationTaskQuerySet)):  # type: ignore[misc]
    """The manager of ``GenerationTask``: its queryset, and what creates rows."""

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
        cause: str = Cause.PYTHON,
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
        cause: str = Cause.PYTHON,
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
        cause: str = Cause.PYTHON,
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
        """Make one new task pending, and wake the workers.

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
        """The task of an earlier request with this key; else a new one. The key is checked before the request."""
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
        """Ask the receivers, store the uploads, then the rows; uploads are deleted when the rows fail."""
        tasks = [
            self.model(owner=owner, **_columns(order), **(key.columns(position) if key else {}))
            for position, order in enumerate(orders)
        ]
        self._ask_receivers(tasks, places, owner)
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

    def _ask_receivers(self, tasks: "Sequence[GenerationTask]", places: Sequence[str], owner: Any) -> None:
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
        # bulk_create does not send Django's signals of each row; receivers of the site may depend on them.
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
        """Delete the uploads of rows that were not stored; keep them when that is not certain."""
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

    def retry(
        self,
        task: "GenerationTask",
        *,
        owner: Any = None,
        cause: str = Cause.PYTHON,
        actor: str | None = None,
        note: str = "",
        idempotency_key: str | IdempotencyKey | None = None,
    ) -> "GenerationTask":
        """Create a pending task with the same request, linked to the old one.

        Args:
            actor: who asked for it, in the timeline; by default the owner.
            note: text of an event of its own in the timeline of the new task; empty for none.
            idempotency_key: the second call of this owner with this key gives the first one's new task, whose
                ``is_replay`` is True then.

        Raises:
            TransitionError: while the old task may still end by itself, as a second one would be paid twice; or when
                it was deleted meanwhile.
            ValidationError: the request breaks the current rules, or a receiver of ``task_creating`` refused.
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
        cause: str = Cause.PYTHON,
        prompt: str | None = None,
        idempotency_key: str | IdempotencyKey | None = None,
        **overrides: Any,
    ) -> "GenerationTask":
        """Create a task that begins with the last frame of another one, with its model, parameters and prompt.

        The provider's last frame is used if it is stored, else the last frame of the stored video.

        Args:
            idempotency_key: the second call of this owner with this key gives the first one's task, whose
                ``is_replay`` is True then.
            overrides: what ``create_task`` takes, to be used instead: ``duration``, ``model_name``, ``metadata``, …

        Raises:
            TransitionError: the video is not stored, or no frame can be decoded from it.
            ValidationError: with every problem, keyed by field path; nothing is stored.
            IdempotencyError: the key was used for another request.
        """

        def make(key: IdempotencyKey | None) -> "GenerationTask":
            order = chaining.prepare(task, prompt=prompt, **overrides)
            order.prepared.raise_errors()
            return self.create_prepared(
                order.prepared,
                owner=owner,
                submit=submit,
                cause=cause,
                note=order.note,
                idempotency_key=key,
            )

        content = [str(task.pk), prompt, without_nulls(overrides), submit]
        return self._once(make, owner, idempotency_key, "continue", content)


def _as_key(key: str | IdempotencyKey | None, owner: Any, fingerprint: Callable[[], str]) -> IdempotencyKey | None:
    """A key as it was given, or made from a text; an empty text is no key."""
    return IdempotencyKey(owner, key, fingerprint()) if key and isinstance(key, str) else (key or None)


def _again(item: "MediaItem", files: ExitStack) -> dict[str, Any]:
    """One medium of a task for another task; ``files`` closes its file."""
    file = item.copy_of_file()
    return {"role": item.role, "url": item.url, "file": files.enter_context(file) if file else None}


def request_columns(prepared: intake.Prepared) -> dict[str, Any]:
    """The columns that a request is stored in, with its estimate: for a new row, and for a row that is edited."""
    inputs, estimate = prepared.inputs, intake.estimate(prepared)
    return {
        "provider": prepared.provider,
        "model_name": inputs.model_name,
        "prompt": inputs.prompt,
        "draft_task_id": inputs.draft_task_id,
        "metadata": dict(prepared.metadata),
        "parameters": inputs.given(),
        "estimate_amount": estimate.amount,
        "estimate_currency": estimate.currency,
        "estimate_price": None if estimate.price is None else dict(estimate.price),
    }


def _columns(order: Order) -> dict[str, Any]:
    status = Status.PENDING if order.submit else Status.NEW
    return {**request_columns(order.prepared), "status": status, **order.columns}


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
    return EventText("lifted", parameters=", ".join(f"{name}={value}" for name, value in prepared.lifted.items()))
