"""What a remote task means for its row; nothing is written here, and the provider is not asked."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from .. import conf, translate
from ..catalogue.errors import find
from ..models import Attention, GenerationTask, Move, Status
from ..provider.types import RemoteTask
from . import history
from .cadence import next_look

#: Dialects whose host has an address of its own for every finished video, so that a link in the task is optional.
KEEPS_VIDEOS = frozenset({"openai_video"})
#: Looks at a success without a link before people are told.
LOOKS_FOR_LINK = 5


@dataclass(frozen=True)
class News:
    """What is to be written about one task: columns, perhaps a move, perhaps a flag for people.

    ``news_of`` is the provider's time of it, ``None`` when it only concerns us; older news never overwrites newer.
    """

    task: GenerationTask
    changes: dict[str, Any]
    to: Status | None = None
    detail: str = ""
    flag: Attention | None = None
    flag_detail: str = ""
    news_of: dt.datetime | None = None

    @property
    def move(self) -> Move | None:
        """The news as a move of its row, when it is one."""
        return Move(self.task, self.to, self.changes, self.detail, self.news_of) if self.to else None


def judge(task: GenerationTask, remote: RemoteTask) -> News | None:
    """What a look brought; ``None`` when the row is final and nothing can be news any more."""
    if task.is_final:
        return None
    provider = conf.provider(task.provider)
    again = next_look(task, provider)
    if remote.updated_at and task.provider_updated_at and remote.updated_at < task.provider_updated_at:
        return News(task, {"next_poll_at": again})
    changes = translate.changes_from(task, remote) | {"poll_failures": 0, "next_poll_at": again}
    if not remote.status:
        word = remote.status_word[:200]
        return News(task, changes, flag=Attention.UNKNOWN_STATUS, flag_detail=word, news_of=remote.updated_at)
    lacks_link = remote.status == Status.SUCCEEDED and not remote.video_url and provider.DIALECT not in KEEPS_VIDEOS
    if lacks_link and task.poll_failures < LOOKS_FOR_LINK:
        soon = timezone.now() + dt.timedelta(seconds=2 + 2 * task.poll_failures)
        again_soon = {"poll_failures": task.poll_failures + 1, "next_poll_at": soon, "raw": changes["raw"]}
        return News(task, again_soon)
    if remote.status == task.status:
        changes |= _settled(task)
        flag, flag_detail = late(task, remote)
        return News(task, changes, flag=flag, flag_detail=flag_detail, news_of=remote.updated_at)
    if task.can_become(Status(remote.status)):
        return _move(task, Status(remote.status), remote, changes)
    words = f"{task.status} → {remote.status_word}"
    return News(task, {"next_poll_at": again}, flag=Attention.BACKWARDS, flag_detail=words)


def is_no_news(task: GenerationTask, remote: RemoteTask) -> bool:
    """Whether a look brought nothing that is not on the row already."""
    unchanged = remote.status == task.status and remote.updated_at == task.provider_updated_at
    return unchanged and task.attention in ("", Attention.SLOW) and late(task, remote) == NOT_LATE


#: What ``late`` says of most tasks.
NOT_LATE: tuple[None, str] = (None, "")


def late(task: GenerationTask, remote: RemoteTask | None) -> tuple[Attention | None, str]:
    """A flag and its detail when a task should have ended long ago, unless it says so already. Never a verdict.

    Past the provider's own deadline and a grace it is overdue; far beyond what its like usually takes it is slow.
    """
    grace = dt.timedelta(seconds=conf.settings().OVERDUE_SECONDS)
    if timezone.now() > translate.deadline(task, remote) + grace:
        return Attention.OVERDUE, ""
    if task.attention != Attention.SLOW and history.is_slow(task):
        return Attention.SLOW, history.why_slow(task)
    return NOT_LATE


def _move(task: GenerationTask, status: Status, remote: RemoteTask, changes: dict[str, Any]) -> News:
    lowered = _settled(task) if status == Status.RUNNING else {"attention": "", "attention_detail": ""}
    changes |= {**lowered, "lease_owner": "", "lease_until": None}
    changes |= {"expires_at": translate.deadline(task, remote)}
    if status == Status.SUCCEEDED:
        changes |= {**translate.charged_cost(task, remote), "next_poll_at": None, "next_archive_at": timezone.now()}
        if not remote.video_url and conf.provider(task.provider).DIALECT not in KEEPS_VIDEOS:
            changes["attention"] = Attention.NO_VIDEO
    elif status != Status.RUNNING:
        changes |= {"next_poll_at": None, "error_charged": "no" if _bills_successes_only(task) else "unknown"}
        changes |= {"error_retryable": status == Status.EXPIRED or find(remote.error_code).retry == "later"}
    detail = f"{remote.error_code} {remote.error_message}".strip()
    return News(task, changes, to=status, detail=detail, news_of=remote.updated_at)


def _bills_successes_only(task: GenerationTask) -> bool:
    """Whether the host says so; relays promise nothing either way."""
    return conf.provider(task.provider).PRESET in ("ark", "byteplus", "emulator")


def _settled(task: GenerationTask) -> dict[str, Any]:
    """Clears a flag that the provider's good word answers; being late is only answered by the end."""
    if task.attention in ("", Attention.OVERDUE, Attention.SLOW):
        return {}
    return {"attention": "", "attention_detail": ""}
