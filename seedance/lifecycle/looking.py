"""Ask what became of a task, and write down the news."""

import datetime as dt
import logging
import random
from collections.abc import Iterable, Sequence
from typing import Any

from django.utils import timezone

from .. import conf, translate
from ..catalogue.errors import find
from ..exceptions import ConfigurationError, NotFoundError, ProviderError
from ..models import Attention, GenerationTask, Status, TaskEvent
from ..provider.types import Client, RemoteTask
from .clients import get_client
from .wording import exchange

logger = logging.getLogger(__name__)

#: A task the provider does not find this soon after its create may still be on its way in.
INITIALISING = dt.timedelta(minutes=2)
#: How long a provider remembers a task, with a day of grace.
REMEMBERED = dt.timedelta(days=8)
#: Looks at a success without a link before people are told.
LOOKS_FOR_LINK = 5
#: Longest pause between two looks at a task that takes long. Seconds.
LONGEST_PAUSE = 300.0
#: How long a claim on a due look holds. Seconds.
CLAIM = 90.0


def claim_due(limit: int) -> list[GenerationTask]:
    """Claim tasks whose next look is due; nobody else looks at them until the claim lapses."""
    return GenerationTask.objects.due().claim(limit, CLAIM, next_poll_at=timezone.now() + dt.timedelta(seconds=CLAIM))


def poll(task: GenerationTask, *, cause: str = "poll") -> None:
    """Ask about one task and write down the news."""
    try:
        client = get_client(task.provider)
        remote = _cancel(task, client) if task.cancel_requested_at else client.get_task(task.provider_task_id)
    except NotFoundError as exc:
        _not_found(task, exc)
    except (ProviderError, ConfigurationError) as exc:
        look_again_later([task], exc)
    else:
        apply(task, remote, cause=cause)


def poll_many(tasks: Sequence[GenerationTask], provider: conf.Provider) -> list[GenerationTask]:
    """Ask about tasks of one provider and service tier in one list call, and write down the news.

    Returns:
        The tasks that the list did not tell about: each wants a look of its own.
    """
    by_id = {task.provider_task_id: task for task in tasks if not task.cancel_requested_at}
    tier = "flex" if tasks[0].service_tier == "flex" else "default"
    try:
        found = get_client(provider.alias).list_tasks(list(by_id), service_tier=tier) if by_id else []
    except (ProviderError, ConfigurationError) as exc:
        look_again_later(tasks, exc)
        return []
    told = {remote.provider_task_id: remote for remote in found if remote.provider_task_id in by_id}
    quiet: list[GenerationTask] = []
    for task_id, remote in told.items():
        task = by_id[task_id]
        if remote.status == task.status and not task.attention and remote.updated_at == task.provider_updated_at:
            quiet.append(task)
        else:
            apply(task, remote, cause="list")
    _look_again(quiet, provider)
    return [task for task in tasks if task.provider_task_id not in told]


def apply(task: GenerationTask, remote: RemoteTask, *, cause: str) -> None:
    """Write what a remote task says onto the row, if it is news. Harmless to repeat, in any order."""
    if task.is_final:
        return
    provider = conf.provider(task.provider)
    again = next_look(task, provider)
    news_of = remote.updated_at
    if news_of and task.provider_updated_at and news_of < task.provider_updated_at:
        task.amend(next_poll_at=again)
        return
    changes = translate.changes_from(remote) | {"poll_failures": 0, "next_poll_at": again}
    if not remote.status:
        task.amend(news_of=news_of, **changes)
        task.flag(Attention.UNKNOWN_STATUS, cause=cause, detail=remote.status_word[:200])
        logger.warning("unknown status task=%s word=%.40r", task.pk, remote.status_word)
    elif remote.status == Status.SUCCEEDED and not remote.video_url and task.poll_failures < LOOKS_FOR_LINK:
        soon = timezone.now() + dt.timedelta(seconds=2 + 2 * task.poll_failures)
        task.amend(poll_failures=task.poll_failures + 1, next_poll_at=soon, raw=changes["raw"])
    elif remote.status == task.status:
        task.amend(news_of=news_of, **changes, **_settled(task))
        _check_deadline(task, remote)
    elif task.can_become(Status(remote.status)):
        _move(task, Status(remote.status), remote, changes, cause)
    else:
        task.amend(next_poll_at=again)
        task.flag(Attention.BACKWARDS, cause=cause, detail=f"{task.status} → {remote.status_word}")


def next_look(task: GenerationTask, provider: conf.Provider) -> dt.datetime:
    """When to look again: every ``POLL_SECONDS``, slower the longer a task takes, spread a little."""
    now = timezone.now()
    age = (now - (task.submitted_at or now)).total_seconds()
    pause = min(max(provider.POLL_SECONDS, age / 30), max(LONGEST_PAUSE, provider.POLL_SECONDS))
    return now + dt.timedelta(seconds=pause * random.uniform(0.95, 1.05))  # noqa: S311


def look_again_later(tasks: Sequence[GenerationTask], exc: ProviderError | ConfigurationError) -> None:
    """A look failed: slow down, and tell the timeline when that begins."""
    logger.warning("poll failed tasks=%d error=%s", len(tasks), type(exc).__name__)
    asked_for = getattr(exc, "retry_after", None)
    for task in tasks:
        failures = task.poll_failures + 1
        pause = asked_for or min(LONGEST_PAUSE, 2.0 ** min(failures + 1, 9))
        if not task.amend(poll_failures=failures, next_poll_at=timezone.now() + dt.timedelta(seconds=pause)):
            continue
        if failures == 1:
            detail = exchange(exc) if isinstance(exc, ProviderError) else str(exc)
            task.note(TaskEvent.What.ANSWER, cause="poll", detail=detail)
        _check_deadline(task, None)


def _cancel(task: GenerationTask, client: Client) -> RemoteTask:
    """Ask the provider to drop a task that is still queued there, and believe only what it says afterwards."""
    remote = client.get_task(task.provider_task_id)
    if remote.status == Status.QUEUED:
        try:
            client.delete_task(task.provider_task_id)
        except ProviderError as exc:
            task.note(TaskEvent.What.ANSWER, cause="cancel", detail=exchange(exc))
        remote = client.get_task(task.provider_task_id)
    if remote.status != Status.QUEUED and task.amend(cancel_requested_at=None) and remote.status == Status.RUNNING:
        task.note(TaskEvent.What.NOTE, cause="cancel", detail="It was already running; it will finish and be billed.")
    return remote


def _move(task: GenerationTask, status: Status, remote: RemoteTask, changes: dict[str, Any], cause: str) -> None:
    changes |= {"attention": "", "attention_detail": "", "lease_owner": "", "lease_until": None}
    changes |= {"expires_at": translate.deadline(task, remote)}
    if status == Status.SUCCEEDED:
        changes |= {**translate.charged_cost(task, remote), "next_poll_at": None, "next_archive_at": timezone.now()}
        changes |= {} if remote.video_url else {"attention": Attention.NO_VIDEO}
    elif status != Status.RUNNING:
        changes |= {"next_poll_at": None, "error_charged": "no" if _bills_successes_only(task) else "unknown"}
        changes |= {"error_retryable": status == Status.EXPIRED or find(remote.error_code).retry == "later"}
    detail = f"{remote.error_code} {remote.error_message}".strip()
    if task.advance(status, cause=cause, detail=detail, news_of=remote.updated_at, **changes):
        logger.info("task moved task=%s status=%s cause=%s", task.pk, status, cause)


def _bills_successes_only(task: GenerationTask) -> bool:
    """Whether the host says so; relays promise nothing either way."""
    return conf.provider(task.provider).PRESET in ("ark", "byteplus", "emulator")


def _settled(task: GenerationTask) -> dict[str, Any]:
    """Clears a flag that the provider's good word answers; being overdue is not answered by words."""
    if task.attention in ("", Attention.OVERDUE):
        return {}
    return {"attention": "", "attention_detail": ""}


def _look_again(tasks: Iterable[GenerationTask], provider: conf.Provider) -> None:
    """Set the next look of unchanged tasks in one statement; they share it, since they were asked together."""
    tasks = list(tasks)
    if not tasks:
        return
    oldest = min(tasks, key=lambda task: task.pk)
    rows = GenerationTask.objects.filter(pk__in=[task.pk for task in tasks], status__in=("queued", "running"))
    rows.update(next_poll_at=next_look(oldest, provider), poll_failures=0)
    for task in tasks:
        _check_deadline(task, None)


def _not_found(task: GenerationTask, exc: NotFoundError) -> None:
    now = timezone.now()
    age = now - (task.submitted_at or task.created_at)
    if age < INITIALISING:
        task.amend(next_poll_at=now + dt.timedelta(seconds=5))
        return
    forgotten = age > REMEMBERED
    task.amend(next_poll_at=None if forgotten else now + dt.timedelta(seconds=LONGEST_PAUSE))
    task.flag(Attention.GONE, cause="poll", detail=exchange(exc))


def _check_deadline(task: GenerationTask, remote: RemoteTask | None) -> None:
    """Raise a flag, not a verdict, when the provider should have given up long ago."""
    grace = dt.timedelta(seconds=conf.settings().OVERDUE_SECONDS)
    if not task.attention and timezone.now() > translate.deadline(task, remote) + grace:
        task.flag(Attention.OVERDUE, cause="poll")
