"""Evaluate a remote task: what is to be written on its row. Writes nothing, and does not ask the provider."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from .. import conf, translate
from ..catalogue import find_error
from ..models import Attention, Charged, GenerationTask, Status, Transition
from ..models.queryset import UNCLAIMED
from ..provider.types import RemoteTask
from . import backoff, history
from .poll_schedule import next_poll_time

#: Dialects whose host has an address of its own for every finished video, so that a link in the task is optional.
KEEPS_VIDEOS = frozenset({"openai_video"})
#: Polls of a success without a link before it is flagged.
POLLS_FOR_LINK = 5


@dataclass(frozen=True)
class TaskUpdate:
    """What is to be written about one task: columns, perhaps a transition, perhaps a flag.

    ``reported_at`` is the provider's time of the report, ``None`` when there is none; an older report never overwrites
    a newer one.
    """

    task: GenerationTask
    changes: dict[str, Any]
    to: Status | None = None
    detail: str = ""
    flag: Attention | None = None
    flag_detail: str = ""
    reported_at: dt.datetime | None = None

    @property
    def transition(self) -> Transition | None:
        """The update as a transition of its row; ``None`` when the status stays."""
        return Transition(self.task, self.to, self.changes, self.detail, self.reported_at) if self.to else None


def evaluate(task: GenerationTask, remote: RemoteTask) -> TaskUpdate | None:
    """What is to be written after a poll; ``None`` when the row is final."""
    if task.is_final:
        return None
    provider = conf.provider(task.provider)
    again = next_poll_time(task, provider)
    if remote.updated_at and task.provider_updated_at and remote.updated_at < task.provider_updated_at:
        return TaskUpdate(task, {"next_poll_at": again})
    changes = translate.changes_from(task, remote) | {"poll_failures": 0, "next_poll_at": again}
    if not remote.status:
        word = remote.status_word[:200]
        return TaskUpdate(task, changes, flag=Attention.UNKNOWN_STATUS, flag_detail=word, reported_at=remote.updated_at)
    lacks_link = remote.status == Status.SUCCEEDED and not remote.video_url and provider.DIALECT not in KEEPS_VIDEOS
    if lacks_link and task.link_polls < POLLS_FOR_LINK:
        polls = task.link_polls + 1
        soon = timezone.now() + backoff.LINK.delay(polls)
        again_soon = {"poll_failures": 0, "link_polls": polls, "next_poll_at": soon, "raw": changes["raw"]}
        return TaskUpdate(task, again_soon)
    if remote.status == task.status:
        changes |= _flag_cleared(task)
        flag, flag_detail = late(task, remote)
        return TaskUpdate(task, changes, flag=flag, flag_detail=flag_detail, reported_at=remote.updated_at)
    if task.can_become(Status(remote.status)):
        return _transition(task, Status(remote.status), remote, changes)
    words = f"{task.status} → {remote.status_word}"
    return TaskUpdate(task, {"next_poll_at": again}, flag=Attention.BACKWARDS, flag_detail=words)


def is_unchanged(task: GenerationTask, remote: RemoteTask) -> bool:
    """Whether a poll returned nothing that is not on the row already."""
    unchanged = remote.status == task.status and remote.updated_at == task.provider_updated_at
    if task.attention_seen == Attention.OVERDUE:
        return unchanged and not task.attention
    return unchanged and task.standing_attention in ("", Attention.SLOW) and late(task, remote) == NOT_LATE


#: What ``late`` returns for most tasks.
NOT_LATE: tuple[None, str] = (None, "")


def late(task: GenerationTask, remote: RemoteTask | None) -> tuple[Attention | None, str]:
    """A flag and its detail when a task should have ended long ago, unless it is flagged already. Ends no task.

    Past the provider's own deadline and a grace it is overdue; far beyond the usual time of similar tasks it is slow.
    """
    grace = dt.timedelta(seconds=conf.settings().OVERDUE_SECONDS)
    if timezone.now() > translate.deadline(task, remote) + grace:
        return Attention.OVERDUE, ""
    if task.standing_attention != Attention.SLOW and history.is_slow(task):
        return Attention.SLOW, history.why_slow(task)
    return NOT_LATE


def _transition(task: GenerationTask, status: Status, remote: RemoteTask, changes: dict[str, Any]) -> TaskUpdate:
    cleared = _flag_cleared(task) if status == Status.RUNNING else {"attention": "", "attention_detail": ""}
    changes |= {**cleared, **UNCLAIMED}
    changes |= {"expires_at": translate.deadline(task, remote)}
    if status == Status.SUCCEEDED:
        changes |= {"next_poll_at": None, "next_archive_at": timezone.now()}
        if not remote.video_url and conf.provider(task.provider).DIALECT not in KEEPS_VIDEOS:
            changes["attention"] = Attention.NO_VIDEO
    elif status != Status.RUNNING:
        changes |= {
            "next_poll_at": None,
            "error_charged": Charged.NO if _bills_successes_only(task) else Charged.UNKNOWN,
        }
        changes |= {"error_retryable": status == Status.EXPIRED or find_error(remote.error_code).retry == "later"}
    detail = f"{remote.error_code} {remote.error_message}".strip()
    return TaskUpdate(task, changes, to=status, detail=detail, reported_at=remote.updated_at)


def _bills_successes_only(task: GenerationTask) -> bool:
    """Whether the host says so; relays promise nothing either way."""
    return conf.provider(task.provider).PRESET in ("ark", "byteplus", "emulator")


def _flag_cleared(task: GenerationTask) -> dict[str, Any]:
    """Columns that clear a flag, seen or not, after a good report; a late task stays flagged until it ends."""
    columns: dict[str, Any] = {}
    if task.attention not in ("", Attention.OVERDUE, Attention.SLOW):
        columns |= {"attention": "", "attention_detail": ""}
    if task.attention_seen not in ("", Attention.OVERDUE, Attention.SLOW):
        columns |= {"attention_seen": ""}
    return columns
