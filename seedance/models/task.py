"""One request for one video."""

import datetime as dt
from functools import partial
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..catalogue.inputs import PARAMETERS, Inputs, MediaInput
from ..conf import provider, result_storage
from ..exceptions import TransitionError
from .databases import OwnerField, set_null
from .event import TaskEvent
from .ids import callback_token, uuid7
from .moving import Move, newer_rows
from .queryset import IN_FLIGHT_ROWS, PENDING_ROWS, UNARCHIVED_ROWS, GenerationTaskManager
from .status import ACTIVE, FINAL, IN_FLIGHT, MAY_COST, TRANSITIONS, UNCANCELLABLE, Attention, Status
from .wake import wake_workers


def result_path(task: "GenerationTask", filename: str) -> str:
    """Where a result file is kept: by month, under the task's own id."""
    return f"seedance/{task.created_at:%Y/%m}/{filename}"


class GenerationTask(models.Model):
    """One request for one video, from the wish to the stored file.

    ::

        new ──► pending ──► submitting ──► queued ──► running ──► succeeded
                   ▲  ▲        │   │          │          │
                   │  └────────┘   ▼          │          ├──► failed
                   └────────── unconfirmed ───┘          ├──► expired
                                                         └──► cancelled

    ``submitting → pending`` only when the request certainly did not reach the provider or was turned away
    by its limits; silence leads to ``unconfirmed``, which only the provider's word or a person resolves.
    A queued task may jump to any final status; ``new`` and ``pending`` can be cancelled here and now.
    Rows change through ``advance`` and ``amend`` alone, never by saving them whole.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.NEW, editable=False)
    provider = models.CharField(
        _("provider"), max_length=50, default="default", help_text=_("Which configured provider makes the video.")
    )
    provider_task_id = models.CharField(_("provider task id"), max_length=128, blank=True, editable=False)
    owner = OwnerField(
        settings.AUTH_USER_MODEL,
        on_delete=set_null,
        null=True,
        blank=True,
        related_name="seedance_tasks",
        verbose_name=_("owner"),
    )
    model_name = models.CharField(_("model"), max_length=128)
    prompt = models.TextField(_("prompt"), blank=True)
    draft_task_id = models.CharField(
        _("draft task"), max_length=128, blank=True, help_text=_("Provider id of the draft to make in full quality.")
    )

    duration = models.SmallIntegerField(
        _("duration"),
        null=True,
        blank=True,
        help_text=_("Seconds; -1 lets the model decide, which also decides the price."),
    )
    ratio = models.CharField(_("ratio"), max_length=16, null=True, blank=True)
    resolution = models.CharField(_("resolution"), max_length=16, null=True, blank=True)
    frames = models.SmallIntegerField(_("frames"), null=True, blank=True, help_text=_("Instead of a duration."))
    seed = models.BigIntegerField(_("seed"), null=True, blank=True, help_text=_("-1 for a random one."))
    camera_fixed = models.BooleanField(_("fixed camera"), null=True, blank=True)
    watermark = models.BooleanField(_("watermark"), null=True, blank=True)
    generate_audio = models.BooleanField(_("audio"), null=True, blank=True)
    return_last_frame = models.BooleanField(_("return last frame"), null=True, blank=True)
    draft = models.BooleanField(_("draft"), null=True, blank=True, help_text=_("A low-cost preview."))
    service_tier = models.CharField(_("service tier"), max_length=16, null=True, blank=True)
    priority = models.SmallIntegerField(_("priority"), null=True, blank=True)
    execution_expires_after = models.IntegerField(
        _("expires after"), null=True, blank=True, help_text=_("Seconds after which the provider gives up.")
    )
    safety_identifier = models.CharField(_("safety identifier"), max_length=64, null=True, blank=True)
    tools = models.JSONField(_("tools"), null=True, blank=True)
    output_format = models.CharField(_("output format"), max_length=8, null=True, blank=True)
    omni_reference_task_type = models.CharField(_("task type"), max_length=16, null=True, blank=True)

    result = models.JSONField(_("result"), default=dict, editable=False, help_text=_("What the provider says it made."))
    total_tokens = models.BigIntegerField(_("tokens"), null=True, editable=False)
    cost_amount = models.DecimalField(_("cost"), max_digits=14, decimal_places=4, null=True, editable=False)
    cost_currency = models.CharField(_("currency"), max_length=3, blank=True, editable=False)
    cost_estimated = models.BooleanField(_("cost is an estimate"), default=True, editable=False)
    video_url = models.TextField(_("provider's video link"), blank=True, editable=False)
    video_url_expires_at = models.DateTimeField(null=True, editable=False)
    last_frame_url = models.TextField(_("provider's last frame link"), blank=True, editable=False)
    video = models.FileField(
        _("video"), upload_to=result_path, storage=result_storage, max_length=255, blank=True, editable=False
    )
    video_bytes = models.BigIntegerField(_("size"), null=True, editable=False)
    video_sha256 = models.CharField(max_length=64, blank=True, editable=False)
    poster = models.FileField(
        _("poster"), upload_to=result_path, storage=result_storage, max_length=255, blank=True, editable=False
    )
    last_frame = models.FileField(
        _("last frame"), upload_to=result_path, storage=result_storage, max_length=255, blank=True, editable=False
    )

    error_code = models.CharField(_("error code"), max_length=128, blank=True, editable=False)
    error_message = models.TextField(_("error"), blank=True, editable=False)
    error_charged = models.CharField(max_length=8, blank=True, editable=False)
    error_retryable = models.BooleanField(null=True, editable=False)
    request_id = models.CharField(_("request id"), max_length=128, blank=True, editable=False)
    attention = models.CharField(_("needs attention"), max_length=20, choices=Attention, blank=True, editable=False)
    attention_detail = models.TextField(blank=True, editable=False)
    raw = models.JSONField(
        _("last answer"), null=True, editable=False, encoder=DjangoJSONEncoder, help_text=_("As the provider sent it.")
    )

    metadata = models.JSONField(_("metadata"), default=dict, blank=True, help_text=_("Yours; kept and given back."))
    retry_of = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="retries"
    )
    idempotency_key = models.CharField(max_length=255, blank=True, editable=False)
    idempotency_fingerprint = models.CharField(max_length=64, blank=True, editable=False)
    callback_token = models.CharField(max_length=64, unique=True, default=callback_token, editable=False)

    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("updated"), default=timezone.now, editable=False)
    submitted_at = models.DateTimeField(_("submitted"), null=True, editable=False)
    finished_at = models.DateTimeField(_("finished"), null=True, editable=False)
    expires_at = models.DateTimeField(
        _("expires"), null=True, editable=False, help_text=_("When the provider gives up on an unfinished task.")
    )
    archived_at = models.DateTimeField(_("archived"), null=True, editable=False)
    provider_created_at = models.DateTimeField(null=True, editable=False)
    provider_updated_at = models.DateTimeField(null=True, editable=False)

    not_before = models.DateTimeField(null=True, editable=False)
    submit_attempts = models.PositiveIntegerField(default=0, editable=False)
    next_poll_at = models.DateTimeField(null=True, editable=False)
    poll_failures = models.PositiveIntegerField(default=0, editable=False)
    cancel_requested_at = models.DateTimeField(null=True, editable=False)
    next_archive_at = models.DateTimeField(null=True, editable=False)
    archive_attempts = models.PositiveIntegerField(default=0, editable=False)
    lease_owner = models.CharField(max_length=40, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)

    objects = GenerationTaskManager()

    class Meta:
        base_manager_name = "objects"
        ordering = ("-pk",)
        verbose_name = _("video task")
        verbose_name_plural = _("video tasks")
        permissions = (
            ("submit_generationtask", _("Can submit video tasks")),
            ("sync_generationtask", _("Can re-poll video tasks")),
            ("cancel_generationtask", _("Can cancel video tasks")),
            ("view_cost_generationtask", _("Can see what video tasks cost")),
        )
        indexes = (
            models.Index(fields=["not_before", "id"], name="seedance_pending", condition=PENDING_ROWS),
            models.Index(fields=["next_poll_at"], name="seedance_due", condition=IN_FLIGHT_ROWS),
            models.Index(fields=["video_url_expires_at"], name="seedance_unarchived", condition=UNARCHIVED_ROWS),
            models.Index(fields=["lease_until"], name="seedance_submitting", condition=Q(status=Status.SUBMITTING)),
            models.Index(fields=["owner", "-id"], name="seedance_owner_newest"),
            models.Index(fields=["status", "-id"], name="seedance_status_newest"),
            models.Index(fields=["attention"], name="seedance_attention", condition=~Q(attention="")),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["provider", "provider_task_id"],
                condition=~Q(provider_task_id=""),
                name="seedance_provider_task_once",
            ),
            models.UniqueConstraint(
                fields=["owner", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="seedance_idempotency_key_once",
            ),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="seedance_status_known"),
            models.CheckConstraint(
                condition=~Q(status__in=["queued", "running", "succeeded", "expired"]) | ~Q(provider_task_id=""),
                name="seedance_at_provider_has_id",
            ),
            models.CheckConstraint(
                condition=Q(status__in=sorted(FINAL), finished_at__isnull=False)
                | Q(status__in=sorted(ACTIVE), finished_at__isnull=True),
                name="seedance_final_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(status="submitting") | Q(lease_until__isnull=False), name="seedance_submitting_has_lease"
            ),
        )

    def __str__(self) -> str:
        return f"{self.model_name} {self.pk}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert, or write the columns that ``update_fields`` names; a row is never overwritten whole.

        Raises:
            TypeError: for an existing row without ``update_fields``: it could undo what a worker has just written.
        """
        if not self._state.adding and kwargs.get("update_fields") is None:
            raise TypeError("Save an existing video task with update_fields, or use advance() and amend().")
        super().save(*args, **kwargs)

    @property
    def is_final(self) -> bool:
        """Whether the status never changes again."""
        return self.status in FINAL

    @property
    def is_in_flight(self) -> bool:
        """Whether the provider has it and may still change it."""
        return self.status in IN_FLIGHT

    @property
    def may_cost(self) -> bool:
        """Whether it may be running and billed right now."""
        return self.status in MAY_COST

    @property
    def needs_attention(self) -> bool:
        """Whether a person should look."""
        return bool(self.attention)

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters that are set, by the provider's names."""
        return {name: value for name in PARAMETERS if (value := getattr(self, name)) is not None}

    @property
    def inputs(self) -> Inputs:
        """What was asked for, in the catalogue's terms."""
        return Inputs(
            model_name=self.model_name,
            prompt=self.prompt,
            media=tuple(MediaInput(role=item.role, url=item.url) for item in self.media.all()),
            parameters=self.parameters,
            draft_task_id=self.draft_task_id,
        )

    def can_become(self, status: Status) -> bool:
        """Whether the state machine has an arrow from here to there."""
        return status in TRANSITIONS[Status(self.status)]

    def advance(
        self,
        to: Status,
        *,
        cause: str,
        actor: str = "",
        detail: str = "",
        news_of: dt.datetime | None = None,
        **changes: Any,
    ) -> bool:
        """Move to another status if the row, as it is in the database now, still allows it.

        One conditional UPDATE and one timeline row in one transaction; the signal follows the commit.

        Args:
            news_of: the provider's time of what is written; older news than the row has is refused.
            changes: columns to write with the status.

        Returns:
            True when this call did it. False when somebody was first, or the move does not exist; the
            instance then shows the row as it is.
        """
        using = self._state.db
        while self.can_become(to):
            move = Move(self, to, changes, detail, news_of, actor)
            with transaction.atomic(using=using):
                columns = move.columns(timezone.now())
                if move.rows(using).update(**columns) == 1:
                    move.event(cause).save(using=using)
                    move.take_effect(columns, using)
                    return True
            old = self.status
            self.refresh_from_db()
            if self.status == old:
                return False  # the status is as we thought: the news was old
        return False

    def amend(self, *, news_of: dt.datetime | None = None, **changes: Any) -> bool:
        """Write columns while the status stays what this instance believes it to be.

        Returns:
            False when the row has moved on, was deleted, or has newer news; nothing is written then.
        """
        changes.setdefault("updated_at", timezone.now())
        rows = newer_rows(self, self._state.db, news_of).filter(status=self.status)
        if rows.update(**changes) != 1:
            return False
        for name, value in changes.items():
            setattr(self, name, value)
        return True

    def request_cancel(self, *, cause: str, actor: str = "") -> None:
        """Cancel here and now while the provider does not know the task; ask for it once it is queued there.

        Raises:
            TransitionError: with the reason, when it can no longer be stopped or the host cannot cancel.
        """
        here = self.can_become(Status.CANCELLED) and not self.is_in_flight
        if here and self.advance(Status.CANCELLED, cause=cause, actor=actor):
            return
        if self.status != Status.QUEUED:
            raise TransitionError(UNCANCELLABLE[Status(self.status)])
        if not provider(self.provider).CANCELS:
            raise TransitionError(_("This provider cannot cancel a task that it has accepted."))
        now = timezone.now()
        if not self.amend(cancel_requested_at=now, next_poll_at=now):
            self.refresh_from_db()
            raise TransitionError(UNCANCELLABLE.get(Status(self.status), _("The task moved on just now; try again.")))
        self.note(TaskEvent.What.NOTE, cause=cause, actor=actor, detail="Cancelling was asked for.")
        wake_workers(self._state.db or "default")

    def erase(self) -> None:
        """Delete the row and its files.

        Raises:
            TransitionError: while the task may still cost money, or while other rows of the site protect it.
        """
        files = [self.video, self.poster, self.last_frame, *(item.file for item in self.media.all())]
        try:
            with transaction.atomic(using=self._state.db):
                if not self.is_in_flight and self.can_become(Status.CANCELLED):
                    self.advance(Status.CANCELLED, cause="erase")
                if not self.is_final:
                    raise TransitionError(_("This task may still cost money; it can be deleted once it is final."))
                self.delete()
        except (models.ProtectedError, models.RestrictedError):
            self.refresh_from_db()
            raise TransitionError(_("Something else on this site refers to this task and protects it.")) from None
        for file in files:
            if file.name:
                transaction.on_commit(partial(file.storage.delete, file.name), using=self._state.db, robust=True)

    def flag(self, attention: Attention, *, cause: str, detail: str = "") -> None:
        """Raise *needs attention*, once per reason and wording."""
        if (self.attention, self.attention_detail) == (attention, detail):
            return
        with transaction.atomic(using=self._state.db):
            if self.amend(attention=attention, attention_detail=detail):
                self.note(
                    TaskEvent.What.ATTENTION, cause=cause, detail=f"{attention}: {detail}" if detail else attention
                )

    def note(self, what: TaskEvent.What, **columns: Any) -> TaskEvent:
        """Add a line to the timeline."""
        return TaskEvent.objects.using(self._state.db).create(task=self, what=what, **columns)
