"""The statuses of a task, its transitions, and the reasons for a flag."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Status(models.TextChoices):
    """Our own statuses until the provider knows the task, then the provider's."""

    NEW = "new", _("new")
    PENDING = "pending", _("pending")
    SUBMITTING = "submitting", _("submitting")
    UNCONFIRMED = "unconfirmed", _("unconfirmed")
    QUEUED = "queued", _("queued")
    RUNNING = "running", _("running")
    SUCCEEDED = "succeeded", _("succeeded")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")
    EXPIRED = "expired", _("expired")


#: At the provider and not final: these are polled.
IN_FLIGHT = frozenset({Status.QUEUED, Status.RUNNING})
#: Never changes again.
FINAL = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELLED, Status.EXPIRED})
#: May still change.
ACTIVE = frozenset(Status) - FINAL
#: May be running and billed at the provider right now.
MAY_COST = frozenset({Status.SUBMITTING, Status.UNCONFIRMED}) | IN_FLIGHT

#: Every allowed transition; ``GenerationTask.advance`` refuses all others.
TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.NEW: frozenset({Status.PENDING, Status.CANCELLED}),
    Status.PENDING: frozenset({Status.SUBMITTING, Status.FAILED, Status.CANCELLED}),
    Status.SUBMITTING: frozenset({Status.PENDING, Status.UNCONFIRMED, Status.QUEUED, Status.FAILED}),
    Status.UNCONFIRMED: frozenset({Status.PENDING, Status.QUEUED, Status.FAILED}),
    Status.QUEUED: frozenset({Status.RUNNING}) | FINAL,
    Status.RUNNING: FINAL,
    **dict.fromkeys(sorted(FINAL), frozenset()),
}

#: Why a task in this status cannot be cancelled, as sentences.
UNCANCELLABLE = {
    Status.SUBMITTING: _("The task is just being sent; try again in a moment."),
    Status.UNCONFIRMED: _("It is not known whether the provider has this task, so it cannot be asked to drop it."),
    Status.RUNNING: _("A running task cannot be stopped; it will finish and be billed."),
    **dict.fromkeys(sorted(FINAL), _("The task is already final.")),
}


class Attention(models.TextChoices):
    """Why a task is flagged for people. A flag does not change the status."""

    UNCONFIRMED = "unconfirmed", _("The create call got no readable answer; it may be running and billed.")
    UNKNOWN_STATUS = "unknown_status", _("The provider used a status word we do not know.")
    BACKWARDS = "backwards", _("The provider reported an earlier status than before.")
    SLOW = "slow", _("This takes far longer than such tasks usually take.")
    OVERDUE = "overdue", _("The provider should have finished or given up by now.")
    GONE = "gone", _("The provider no longer knows this task.")
    NO_VIDEO = (
        "no_video",
        _("The provider reports success but gives no video link. “Archive again” asks for one, free of charge."),
    )
    ARCHIVE = "archive", _("The video could not be stored yet. “Archive again” tries at once, free of charge.")
    LOST_MEDIA = (
        "lost_media",
        _("The video link died before the video was stored. “Archive again” asks for a fresh one, free of charge."),
    )
    MISMATCH = (
        "mismatch",
        _("The video differs from what was asked for. “Archive again” fetches it once more, free of charge."),
    )
    PAUSED = "paused", _("Sending is paused for its account or its model.")
    PROVIDER = "provider", _("The provider cannot be used as it is configured.")
    RECEIVER = "receiver", _("A check of this site failed before sending; nothing was sent, and it is tried again.")


#: Flags of tasks that make no progress without a person, or at all.
NEEDS_PERSON = frozenset(
    {Attention.GONE, Attention.NO_VIDEO, Attention.LOST_MEDIA, Attention.PAUSED, Attention.PROVIDER}
)


#: Reasons for which a person may close a task that is in flight as lost.
CLOSABLE = frozenset({Attention.GONE, Attention.OVERDUE})
