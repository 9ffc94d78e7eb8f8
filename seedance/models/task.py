"""One request for one video."""

import logging
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import (
    IntegrityError,
    models,
    transaction,
)
from django.db.models import Q
from django.db.models.fields.files import FieldFile
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..catalogue import Inputs, MediaInput
from ..conf import result_storage
from ..exceptions import TransitionError
from .after_commit import after_commit, delete_after_commit
from .cost import Charged
from .databases import OwnerField, set_null
from .event import Cause, TaskEvent
from .event_text import EventText, EventTextField
from .ids import callback_token, provider_task_digest, uuid7
from .manager import GenerationTaskManager
from .queryset import IN_FLIGHT_ROWS, PENDING_ROWS, UNARCHIVED_ROWS
from .results import RESULT_FILES, ResultDirectory
from .status import (
    ACTIVE,
    CLOSABLE,
    FINAL,
    IN_FLIGHT,
    MAY_COST,
    NEEDS_PERSON,
    Attention,
    Status,
)
from .transitions import DERIVED, GONE, Transitions

logger = logging.getLogger(__name__)

_MAY_COST = _("This task may still cost money; it can be deleted once it is final.")
_PROTECTED = _("Something else on this site refers to this task and protects it.")


def result_path(task: "GenerationTask", filename: str) -> str:
    """Where a result file is stored: by month, in a directory per task, so that its files can be listed."""
    return f"seedance/{task.created_at:%Y/%m}/{task.pk}/{filename}"


class GenerationTask(Transitions):
    """One request for one video, from the request to the stored file.

    ::

        new ──► pending ──► submitting ──► queued ──► running ──► succeeded
                   ▲  ▲        │   │          │          │
                   │  └────────┘   ▼          │          ├──► failed ◄── unconfirmed
                   └────────── unconfirmed ───┘          ├──► expired
                                                         └──► cancelled

    ``submitting → pending`` only if the request certainly did not reach the provider, or was refused by a limit.
    Without an answer it becomes ``unconfirmed``, until the provider's report or a person resolves it; a person may
    close it as lost, which is ``failed``. A queued task may become any final status; ``new`` and ``pending`` are
    cancelled without the provider. Rows change through ``advance`` and ``amend`` only, see ``transitions.py``.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.NEW, editable=False)
    provider = models.CharField(
        _("provider"), max_length=50, default="default", help_text=_("Which configured provider makes the video.")
    )
    provider_task_id = models.CharField(_("provider task id"), max_length=128, blank=True, editable=False)
    #: Provider and id, unique byte for byte on every database; written wherever the id is.
    provider_task_digest = models.CharField(max_length=64, unique=True, null=True, editable=False)
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

    parameters = models.JSONField(
        _("parameters"),
        default=dict,
        blank=True,
        help_text=_("The parameters that are set, by the provider's names."),
    )
    #: The parameter of this name, by which tasks are dispatched; written wherever the parameters are.
    priority = models.SmallIntegerField(_("priority"), null=True, editable=False)

    result = models.JSONField(_("result"), default=dict, editable=False, help_text=_("What the provider says it made."))
    total_tokens = models.BigIntegerField(_("tokens"), null=True, editable=False)
    estimate_amount = models.DecimalField(
        _("estimate"),
        max_digits=14,
        decimal_places=4,
        null=True,
        editable=False,
        help_text=_("What it was expected to cost when it was made; empty when that is not known."),
    )
    estimate_currency = models.CharField(max_length=3, blank=True, editable=False)
    estimate_price = models.JSONField(
        null=True, editable=False, help_text=_("The line of the price list that the estimate was made with.")
    )
    cost_amount = models.DecimalField(
        _("cost"),
        max_digits=14,
        decimal_places=4,
        null=True,
        editable=False,
        help_text=_("What it came to: 0 where nothing was billed, empty while that is not known."),
    )
    cost_currency = models.CharField(_("currency"), max_length=3, blank=True, editable=False)
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
    error_charged = models.CharField(max_length=8, choices=Charged, blank=True, editable=False)
    error_retryable = models.BooleanField(null=True, editable=False)
    request_id = models.CharField(_("request id"), max_length=128, blank=True, editable=False)
    attention = models.CharField(_("needs attention"), max_length=20, choices=Attention, blank=True, editable=False)
    attention_detail = EventTextField(blank=True, editable=False)
    #: The flag that a person has marked as seen; it is not set again while the status stays.
    attention_seen = models.CharField(max_length=20, choices=Attention, blank=True, editable=False)
    raw = models.JSONField(
        _("last answer"), null=True, editable=False, encoder=DjangoJSONEncoder, help_text=_("As the provider sent it.")
    )

    metadata = models.JSONField(_("metadata"), default=dict, blank=True, help_text=_("Yours; kept and given back."))
    retry_of = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="retries"
    )
    #: See ``IdempotencyKey``, which writes these.
    idempotency_digest = models.CharField(max_length=64, null=True, editable=False)
    idempotency_position = models.PositiveSmallIntegerField(default=0, editable=False)
    idempotency_fingerprint = models.CharField(max_length=64, blank=True, editable=False)
    #: The key of the request that submitted a task which was kept as new.
    submit_digest = models.CharField(max_length=64, unique=True, null=True, editable=False)
    #: The provider's id that a person gave for an unconfirmed task; a worker checks it and clears this.
    requested_provider_task_id = models.CharField(max_length=128, blank=True, editable=False)
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
    #: When to ask the provider next about a task in flight.
    next_poll_at = models.DateTimeField(null=True, editable=False)
    #: Polls that failed, in a row.
    poll_failures = models.PositiveIntegerField(default=0, editable=False)
    #: Polls of a success that came without a link to its video.
    link_polls = models.PositiveIntegerField(default=0, editable=False)
    #: When to search next for an unconfirmed task; empty once that has ended.
    next_search_at = models.DateTimeField(null=True, editable=False)
    #: Searches for what became of an unconfirmed create call.
    search_attempts = models.PositiveIntegerField(default=0, editable=False)
    cancel_requested_at = models.DateTimeField(null=True, editable=False)
    next_archive_at = models.DateTimeField(null=True, editable=False)
    archive_attempts = models.PositiveIntegerField(default=0, editable=False)
    #: How often the link to the video was downloaded from; some hosts allow 100 downloads of one link.
    link_downloads = models.PositiveIntegerField(default=0, editable=False)
    lease_owner = models.CharField(max_length=40, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)

    #: Whether this instance came out of an earlier request with the same idempotency key; not a column.
    is_replay = False

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
            ("view_all_generationtask", _("Can see everybody's video tasks")),
        )
        indexes = (
            models.Index(fields=["not_before", "id"], name="seedance_pending", condition=PENDING_ROWS),
            models.Index(fields=["next_poll_at"], name="seedance_due", condition=IN_FLIGHT_ROWS),
            models.Index(fields=["video_url_expires_at"], name="seedance_unarchived", condition=UNARCHIVED_ROWS),
            models.Index(fields=["lease_until"], name="seedance_submitting", condition=Q(status=Status.SUBMITTING)),
            models.Index(fields=["owner", "-id"], name="seedance_owner_newest"),
            models.Index(fields=["status", "-id"], name="seedance_status_newest"),
            models.Index(fields=["provider", "provider_task_id"], name="seedance_provider_task"),
            models.Index(fields=["attention"], name="seedance_attention", condition=~Q(attention="")),
        )
        constraints = (
            # Without a condition, which MariaDB and MySQL do not know; NULLs never collide.
            models.UniqueConstraint(
                fields=["idempotency_digest", "idempotency_position"], name="seedance_idempotency_once"
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
        self.set_derived()
        if fields := kwargs.get("update_fields"):
            kwargs["update_fields"] = {*fields, *(DERIVED[name] for name in fields if name in DERIVED)}
        super().save(*args, **kwargs)

    def set_derived(self) -> None:
        """Fill the columns that follow from others."""
        self.provider_task_digest = provider_task_digest(self.provider, self.provider_task_id)
        self.priority = self.parameters.get("priority")

    @property
    def is_final(self) -> bool:
        """Whether the status never changes again."""
        return self.status in FINAL

    @property
    def is_done(self) -> bool:
        """Whether it is final and, if it succeeded, its video is stored or archiving has ended.

        A video counts as stored also after retention deleted it.
        """
        waits_for_video = self.archived_at is None and self.next_archive_at is not None
        return self.is_final and not (self.status == Status.SUCCEEDED and waits_for_video)

    @property
    def waits_for_person(self) -> bool:
        """Whether it makes no progress without a person, so that a caller should not wait for it.

        A paused account is known by the flag, which a worker sets within seconds.
        """
        if self.status == Status.UNCONFIRMED:
            return self.next_search_at is None  # reconciling has ended
        return self.status == Status.NEW or (not self.is_done and self.standing_attention in NEEDS_PERSON)

    @property
    def is_in_flight(self) -> bool:
        """Whether it is queued or running at the provider."""
        return self.status in IN_FLIGHT

    @property
    def may_cost(self) -> bool:
        """Whether it may be running and billed right now."""
        return self.status in MAY_COST

    @property
    def needs_attention(self) -> bool:
        """Whether it is flagged for people."""
        return bool(self.attention)

    @property
    def is_being_archived(self) -> bool:
        """Whether its result files are being archived, or scheduled for it."""
        return self.status == Status.SUCCEEDED and self.archived_at is None and self.next_archive_at is not None

    @property
    def can_archive_again(self) -> bool:
        """Whether ``archive_again`` changes it: its video is not stored, or has a mismatch."""
        looks_wrong = self.attention == Attention.MISMATCH and bool(self.video)
        return self.status == Status.SUCCEEDED and (self.archived_at is None or looks_wrong)

    @property
    def inputs(self) -> Inputs:
        """The request, as the catalogue's rules take it."""
        return Inputs(
            model_name=self.model_name,
            prompt=self.prompt,
            media=tuple(MediaInput(role=item.role, url=item.url) for item in self.media.all()),
            parameters=self.parameters,
            draft_task_id=self.draft_task_id,
        )

    def erase(self) -> None:
        """Delete the row and its files.

        Raises:
            TransitionError: while the task may still cost money, while other rows of the site protect it, or when
                the row is gone already.
        """
        using, pk = self._state.db, self.pk
        uploads = [item.file for item in self.media.all()]
        directory = ResultDirectory.of(self)
        for is_last_try in (False, False, True):
            try:
                results = self._erase_row()
                break
            except (models.ProtectedError, models.RestrictedError):
                self.is_gone()
                raise TransitionError(_PROTECTED) from None
            except IntegrityError:  # a retry of this task was stored in the same moment
                self.pk = pk  # Django took it away before the commit that failed
                if is_last_try:
                    raise TransitionError(_PROTECTED) from None
                self.is_gone()
        for file in (*results, *uploads):
            delete_after_commit(file, using=using)
        after_commit(directory.delete, using=using, what="deleting leftovers")

    def _erase_row(self) -> list[FieldFile]:
        """Delete the row; returns the result files that it named."""
        with transaction.atomic(using=self._state.db):
            results = self._result_files_now()
            self.cancel_unsent(cause=Cause.ERASE)
            if not self.is_final:
                raise TransitionError(GONE if self.is_gone() else _MAY_COST)
            pk = self.pk
            if self.delete()[1].get(self._meta.label) != 1:
                self.pk = pk
                raise TransitionError(GONE)  # another request erased it, with its files
        return results

    def _result_files_now(self) -> list[FieldFile]:
        """The result files of the row, which a worker may have written since this instance was read.

        The row is locked: they do not change until the transaction ends.
        """
        rows = self._rows().select_for_update().filter(pk=self.pk)
        return [file for row in rows.only(*RESULT_FILES) for file in (row.video, row.poster, row.last_frame)]

    def flag(self, attention: Attention, *, cause: str, detail: str = "") -> None:
        """Set the flag, once per reason and detail; not for a reason that a person has marked as seen."""
        if (self.attention, self.attention_detail) == (attention, detail):
            return
        unseen = self._rows().exclude(attention_seen=attention)
        with transaction.atomic(using=self._state.db):
            if self.amend(among=unseen, attention=attention, attention_detail=detail, attention_seen=""):
                told = EventText("attention", reason=str(attention), detail=detail) if detail else attention
                self.note(TaskEvent.What.ATTENTION, cause=cause, detail=told)

    def mark_seen(self, *, cause: str, actor: str = "") -> None:
        """Clear the flag; the same reason does not set it again while the status stays.

        Raises:
            TransitionError: there is no flag, or it is cleared by itself once the account is resumed.
        """
        attention = self.attention
        if attention == Attention.PAUSED:
            raise TransitionError(_("This goes by itself once the account is resumed."))
        same = self._rows().filter(attention=attention)
        with transaction.atomic(using=self._state.db):
            lowered = attention and self.amend(among=same, attention="", attention_detail="", attention_seen=attention)
            if not lowered:
                raise TransitionError(_("Nothing needs attention here."))
            self.note(
                TaskEvent.What.ATTENTION, cause=cause, actor=actor, detail=EventText("marked_as_seen", reason=attention)
            )

    @property
    def standing_attention(self) -> str:
        """The reason of the flag, also after a person has marked it as seen."""
        return self.attention or self.attention_seen

    @property
    def is_closable(self) -> bool:
        """Whether a person may close it as lost: unconfirmed, or no longer reported by the provider."""
        lost = self.is_in_flight and self.standing_attention in CLOSABLE
        return lost or self.status == Status.UNCONFIRMED
