"""What a remote task means for its row; nothing is written here, and the provider is not asked."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from .. import conf, translate
from ..catalogue.errors import find
from ..models import Attention, Charged, GenerationTask, Status, Transition
from ..provider.types import RemoteTask
from . import history
from .poll_schedule import next_poll_time

#: Dialects whose host has an address of its own for every finished video, so that a link in the task is optional.
KEEPS_VIDEOS = frozenset({"openai_video"})
#: Looks at a success without a link before people are told.
POLLS_FOR_LINK = 5


@dataclass(frozen=True)
class TaskUpdate:
    """What is to be written about one task: columns, perhaps a move, perhaps a flag for people.

    ``news_of`` is the provider's time of it, ``None`` when it only concerns us; older news never overwrites newer.
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
        """The news as a move of its row, when it is one."""
        return Transition(self.task, self.to, self.changes, self.detail, self.reported_at) if self.to else None


def evaluate(task: GenerationTask, remote: RemoteTask) -> TaskUpdate | None:
    """What a look brought; ``None`` when the row is final and nothing can be news any more."""
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
    if lacks_link and task.poll_failures < POLLS_FOR_LINK:
        soon = timezone.now() + dt.timedelta(seconds=2 + 2 * task.poll_failures)
        again_soon = {"poll_failures": task.poll_failures + 1, "next_poll_at": soon, "raw": changes["raw"]}
        return TaskUpdate(task, again_soon)
    if remote.status == task.status:
        changes |= _settled(task)
        flag, flag_detail = late(task, remote)
        return TaskUpdate(task, changes, flag=flag, flag_detail=flag_detail, reported_at=remote.updated_at)
    if task.can_become(Status(remote.status)):
        return _transition(task, Status(remote.status), remote, changes)
    words = f"{task.status} → {remote.status_word}"
    return TaskUpdate(task, {"next_poll_at": again}, flag=Attention.BACKWARDS, flag_detail=words)


def is_unchanged(task: GenerationTask, remote: RemoteTask) -> bool:
    """Whether a look brought nothing that is not on the row already."""
    unchanged = remote.status == task.status and remote.updated_at == task.provider_updated_at
    if task.attention_seen == Attention.OVERDUE:
        return unchanged and not task.attention
    return unchanged and task.standing_attention in ("", Attention.SLOW) and late(task, remote) == NOT_LATE


#: What ``late`` says of most tasks.
NOT_LATE: tuple[None, str] = (None, "")


def late(task: GenerationTask, remote: RemoteTask | None) -> tuple[Attention | None, str]:
    """A flag and its detail when a task should have ended long ago, unless it says so already. Never a verdict.

    Past the provider's own deadline and a grace it is overdue; far beyond what its like usually takes it is slow.
    """
    grace = dt.timedelta(seconds=conf.settings().OVERDUE_SECONDS)
    if timezone.now() > translate.deadline(task, remote) + grace:
        return Attention.OVERDUE, ""
    if task.standing_attention != Attention.SLOW and history.is_slow(task):
        return Attention.SLOW, history.why_slow(task)
    return NOT_LATE


def _transition(task: GenerationTask, status: Status, remote: RemoteTask, changes: dict[str, Any]) -> TaskUpdate:
    lowered = _settled(task) if status == Status.RUNNING else {"attention": "", "attention_detail": ""}
    changes |= {**lowered, "lease_owner": "", "lease_until": None}
    changes |= {"expires_at": translate.deadline(task, remote)}
    if status == Status.SUCCEEDED:
        changes |= {"next_poll_at": None, "next_archive_at": timezone.now()}
        if not remote.video_url and conf.provider(task.provider).DIALECT not in KEEPS_VIDEOS:
            changes["attention"] = Attention.NO_VIDEO
    elif status != Status.RUNNING:
        charged = Charged.NO if _bills_successes_only(task) else Charged.UNKNOWN
        changes |= {"next_poll_at": None, "error_charged": charged}
        changes |= {"error_retryable": status == Status.EXPIRED or find(remote.error_code).retry == "later"}
    detail = f"{remote.error_code} {remote.error_message}".strip()
    return TaskUpdate(task, changes, to=status, detail=detail, reported_at=remote.updated_at)


def _bills_successes_only(task: GenerationTask) -> bool:
    """Whether the host says so; relays promise nothing either way."""
    return conf.provider(task.provider).PRESET in ("ark", "byteplus", "emulator")


def _settled(task: GenerationTask) -> dict[str, Any]:
    """Clears a flag that the provider's good word answers, seen or not; being late is only answered by the end."""
    settled: dict[str, Any] = {}
    if task.attention not in ("", Attention.OVERDUE, Attention.SLOW):
        settled |= {"attention": "", "attention_detail": ""}
    if task.attention_seen not in ("", Attention.OVERDUE, Attention.SLOW):
        settled |= {"attention_seen": ""}
    return settled
