"""Ask what became of a task, and write down the news."""

import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Sequence

from django.db.models import prefetch_related_objects
from django.utils import timezone

from .. import conf
from ..exceptions import ConfigurationError, NotFoundError, ProviderError, RequestError
from ..models import Attention, GenerationTask, Status, TaskEvent
from ..provider.types import Client, RemoteTask
from .cadence import LONGEST_PAUSE, next_look
from .clients import get_client, wait_for_slot
from .judging import News, is_no_news, judge, late
from .wording import exchange

logger = logging.getLogger(__name__)

#: A task the provider does not find this soon after its create may still be on its way in.
INITIALISING = dt.timedelta(minutes=2)
#: How long a provider remembers a task, with a day of grace.
REMEMBERED = dt.timedelta(days=8)
#: Failed looks in a row, over half an hour or more, after which people are told.
LOOKS_IN_VAIN = 12
#: How long a claim on a due look holds; a second look is harmless, a long gap after a kill is not. Seconds.
CLAIM = 45.0


def claim_due(limit: int) -> list[GenerationTask]:
    """Claim tasks whose next look is due; nobody else looks at them until the claim lapses."""
    return GenerationTask.objects.due().claim(limit, CLAIM, next_poll_at=timezone.now() + dt.timedelta(seconds=CLAIM))


def poll(task: GenerationTask, *, cause: str = "poll") -> bool:
    """Ask about one task and write down the news.

    Returns:
        False when there was no news: nothing is written then, and ``look_again`` wants the task, best together
        with all others of its kind.
    """
    try:
        wait_for_slot(task.provider, "get", conf.provider(task.provider).GET_PER_SECOND)
        client = get_client(task.provider)
        remote = _cancel(task, client) if task.cancel_requested_at else client.get_task(task.provider_task_id)
    except NotFoundError as exc:
        _not_found(task, exc)
    except (ProviderError, ConfigurationError) as exc:
        look_again_later([task], exc)
    else:
        if not task.poll_failures and is_no_news(task, remote):
            return False
        apply(task, remote, cause=cause)
    return True


def poll_many(tasks: Sequence[GenerationTask], provider: conf.Provider) -> list[GenerationTask]:
    """Ask about tasks of one provider and service tier in one list call, and write down the news.

    Returns:
        The tasks that the list did not tell about: each wants a look of its own.
    """
    by_id = {task.provider_task_id: task for task in tasks if not task.cancel_requested_at}
    tier = "flex" if tasks[0].service_tier == "flex" else "default"
    wait_for_slot(provider.alias, "list", provider.LIST_PER_SECOND)
    try:
        found = get_client(provider.alias).list_tasks(list(by_id), service_tier=tier) if by_id else []
    except (RequestError, NotFoundError) as exc:
        logger.warning("list refused provider=%s status=%s", provider.alias, exc.status_code)
        return list(tasks)
    except (ProviderError, ConfigurationError) as exc:
        look_again_later(tasks, exc)
        return []
    told = {remote.provider_task_id: remote for remote in found if remote.provider_task_id in by_id}
    quiet = [task_id for task_id, remote in told.items() if is_no_news(by_id[task_id], remote)]
    look_again([by_id[task_id] for task_id in quiet])
    loud = [task_id for task_id in told if task_id not in set(quiet)]
    prefetch_related_objects([by_id[task_id] for task_id in loud], "media")
    news = [judge(by_id[task_id], told[task_id]) for task_id in loud]
    _write_many([item for item in news if item], cause="list")
    return [task for task in tasks if task.provider_task_id not in told]


def apply(task: GenerationTask, remote: RemoteTask, *, cause: str) -> None:
    """Write what a remote task says onto the row, if it is news. Harmless to repeat, in any order."""
    if news := judge(task, remote):
        _write(news, cause)


def look_again(tasks: Sequence[GenerationTask]) -> None:
    """Set the next look of unchanged tasks in one statement per provider; they share it, being asked together."""
    accounts: dict[str, list[GenerationTask]] = defaultdict(list)
    for task in tasks:
        accounts[task.provider].append(task)
    for alias, account in accounts.items():
        oldest = min(account, key=lambda task: task.pk)
        rows = GenerationTask.objects.in_flight().filter(pk__in=[task.pk for task in account])
        rows.update(next_poll_at=next_look(oldest, conf.provider(alias)), poll_failures=0)


def look_again_later(tasks: Sequence[GenerationTask], exc: ProviderError | ConfigurationError) -> None:
    """A look failed: slow down. The timeline of a task that was looked at alone tells when that begins."""
    logger.warning("poll failed tasks=%d error=%s", len(tasks), type(exc).__name__)
    failures = 1 + min(task.poll_failures for task in tasks)
    pause = getattr(exc, "retry_after", None) or min(LONGEST_PAUSE, 2.0 ** min(failures + 1, 9))
    rows = GenerationTask.objects.in_flight().filter(pk__in=[task.pk for task in tasks])
    rows.update(poll_failures=failures, next_poll_at=timezone.now() + dt.timedelta(seconds=pause))
    if len(tasks) == 1 and failures == 1:
        detail = exchange(exc) if isinstance(exc, ProviderError) else str(exc)
        tasks[0].note(TaskEvent.What.ANSWER, cause="poll", detail=detail)
    for task in tasks:
        if task.attention not in ("", Attention.SLOW):
            continue
        flag, detail = late(task, None)
        if flag:
            task.flag(flag, cause="poll", detail=detail)
        elif failures == LOOKS_IN_VAIN:
            task.flag(Attention.PROVIDER, cause="poll", detail=str(exc))


def _write(news: News, cause: str) -> None:
    task = news.task
    if news.to:
        if task.advance(news.to, cause=cause, detail=news.detail, news_of=news.news_of, **news.changes):
            logger.info("task moved task=%s status=%s cause=%s", task.pk, news.to, cause)
        return
    task.amend(news_of=news.news_of, **news.changes)
    if news.flag:
        task.flag(news.flag, cause=cause, detail=news.flag_detail)


def _write_many(news: list[News], cause: str) -> None:
    """Write what a list brought: the moves in one short transaction, or one by one where others were in between."""
    moves = [item.move for item in news if item.move]
    rest = news
    if len(moves) > 1 and GenerationTask.objects.advance_many(moves, cause=cause):
        logger.info("tasks moved count=%d cause=%s", len(moves), cause)
        rest = [item for item in news if not item.move]
    for item in rest:
        _write(item, cause)


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


def _not_found(task: GenerationTask, exc: NotFoundError) -> None:
    now = timezone.now()
    age = now - (task.submitted_at or task.created_at)
    if age < INITIALISING:
        task.amend(next_poll_at=now + dt.timedelta(seconds=5))
        return
    forgotten = age > REMEMBERED
    task.amend(next_poll_at=None if forgotten else now + dt.timedelta(seconds=LONGEST_PAUSE))
    task.flag(Attention.GONE, cause="poll", detail=exchange(exc))
