"""What operators read about a task: one table per question, each complete over ``Status``."""

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ..catalogue import errors
from ..models import GenerationTask, Status


@dataclass(frozen=True)
class StatusStyle:
    """How a status appears. The icon never stands alone: its text is always beside it."""

    icon: str
    #: Class name of the colour: ``quiet``, ``wait``, ``busy``, ``good``, ``bad`` or ``warn``.
    color: str
    #: What is going on, in a sentence or two.
    description: Promise | str


STATUS_STYLES: dict[Status, StatusStyle] = {
    Status.NEW: StatusStyle("✎", "quiet", _("Saved. Nobody has asked to send it yet; nothing has been billed.")),
    Status.PENDING: StatusStyle(
        "…",
        "wait",
        _("Will be sent as soon as a worker is free and the provider's limits allow. Nothing is billed yet."),
    ),
    Status.SUBMITTING: StatusStyle("↑", "busy", _("A worker is handing it to the provider right now.")),
    Status.UNCONFIRMED: StatusStyle(
        "?",
        "warn",
        _(
            "It was sent, but no readable answer came back. It may be running, and it may be billed. It is never sent "
            "again by itself, because that could be paid twice. A callback from the provider settles it. So can "
            "you: look for it in the provider's console."
        ),
    ),
    Status.QUEUED: StatusStyle("≡", "busy", _("The provider has accepted it, and it waits there for its turn.")),
    Status.RUNNING: StatusStyle(
        "▶", "busy", _("The provider is making the video. It cannot be stopped any more and will be billed.")
    ),
    Status.SUCCEEDED: StatusStyle("✓", "good", _("The video is finished and billed.")),
    Status.FAILED: StatusStyle("✕", "bad", _("It ended without a video.")),
    Status.CANCELLED: StatusStyle("⊘", "quiet", _("It was cancelled before it ran.")),
    Status.EXPIRED: StatusStyle(
        "∅", "bad", _("The provider gave up before it was finished. It has to be asked for again.")
    ),
}


def status_style(status: str) -> StatusStyle:
    """How a status appears."""
    return STATUS_STYLES[Status(status)]


def error_meaning(code: str) -> str:
    """What an error code means to an operator, and what helps; empty where there is none."""
    if not code:
        return ""
    kind = errors.find(code)
    return f"{kind.meaning} {kind.advice}"


def column_label(name: str) -> str:
    """A column's name as people read it; the name itself for what is no column of ours."""
    labels: dict[str, Any] = {
        field.name: getattr(field, "verbose_name", "") for field in GenerationTask._meta.get_fields()
    }
    return str(labels.get(name) or name.replace("_", " "))
