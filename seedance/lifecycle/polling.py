"""Poll tasks, alone or in lists, and write what changed."""

import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Sequence

from django.db.models import prefetch_related_objects
from django.utils import timezone

from .. import conf
from ..exceptions import AuthenticationError, ConfigurationError, NotFoundError, ProviderError, RequestError
from ..models import Attention, Cause, GenerationTask, TaskEvent
from ..provider.types import RemoteTask
from . import backoff
from .cancelling import cancel_at_provider
from .clients import describe_exchange, get_client, renew_key, wait_for_slot
from .poll_schedule import next_poll_time
from .updating import TaskUpdate, evaluate, is_unchanged, late

logger = logging.getLogger(__name__)

#: A task the provider does not find this soon after its create may still be on its way in.
INITIALISING = dt.timedelta(minutes=2)
#: How long a provider keeps the record of a task, with a day of grace.
REMEMBERED = dt.timedelta(days=8)
#: Failed polls in a row, over half an hour or more, after which the task is flagged.
FAILED_POLLS_BEFORE_FLAG = 12
#: How long a claim on a due poll holds; a second poll is harmless, a long gap after a kill is not. Seconds.
CLAIM = 45.0


def claim_due_polls(limit: int) -> list[GenerationTask]:
    """Claim tasks whose next poll is due; no other worker polls them until the claim lapses."""
    return GenerationTask.objects.due().claim(limit, CLAIM, next_poll_at=timezone.now() + dt.timedelta(seconds=CLAIM))


def poll(task: GenerationTask, *, cause: str = Cause.POLL) -> bool:
    """Ask the provider about one task and write what changed.

    Returns:
        False when nothing changed: nothing is written then, and the caller passes the task to ``reschedule``, best
        together with all other unchanged ones.
    """
    try:
        wait_for_slot(task.provider, "get", conf.provider(task.provider).GET_PER_SECOND)
        client = get_client(task.provider)
        cancels = task.cancel_requested_at is not None
        remote = cancel_at_provider(task, client) if cancels else client.get_task(task.provider_task_id)
    except NotFoundError as exc:
        _not_found(task, exc)
    except (ProviderError, ConfigurationError) as exc:
        back_off([task], exc)
    else:
        if not task.poll_failures and is_unchanged(task, remote):
            return False
        update(task, remote, cause=cause)
    return True


def poll_many(tasks: Sequence[GenerationTask], provider: conf.Provider) -> list[GenerationTask]:
    """Ask about tasks of one provider and service tier in one list call, and write what changed.

    Returns:
        The tasks that the list does not hold: each must be polled alone.
    """
    by_id = {task.provider_task_id: task for task in tasks if not task.cancel_requested_at}
    tier = "flex" if tasks[0].parameters.get("service_tier") == "flex" else "default"
    wait_for_slot(provider.alias, "list", provider.LIST_PER_SECOND)
    try:
        found = get_client(provider.alias).list_tasks(list(by_id), service_tier=tier) if by_id else []
    except (RequestError, NotFoundError) as exc:
        logger.warning("list refused provider=%s status=%s", provider.alias, exc.status_code)
        return list(tasks)
    except (ProviderError, ConfigurationError) as exc:
        back_off(tasks, exc)
        return []
    found_by_id = {remote.provider_task_id: remote for remote in found if remote.provider_task_id in by_id}
    unchanged = [task_id for task_id, remote in found_by_id.items() if is_unchanged(by_id[task_id], remote)]
    reschedule([by_id[task_id] for task_id in unchanged])
    changed = [task_id for task_id in found_by_id if task_id not in set(unchanged)]
    prefetch_related_objects([by_id[task_id] for task_id in changed], "media")
    updates = [evaluate(by_id[task_id], found_by_id[task_id]) for task_id in changed]
    _write_many([item for item in updates if item], cause=Cause.LIST)
    return [task for task in tasks if task.provider_task_id not in found_by_id]


def update(task: GenerationTask, remote: RemoteTask, *, cause: str) -> None:
    """Write what a remote task says onto the row, if it changed. Idempotent, in any order."""
    if changes := evaluate(task, remote):
        _write(changes, cause)


def reschedule(tasks: Sequence[GenerationTask]) -> None:
    """Set the next poll of unchanged tasks in one statement per provider, so that one list answers for all."""
    accounts: dict[str, list[GenerationTask]] = defaultdict(list)
    for task in tasks:
        accounts[task.provider].append(task)
    for alias, account in accounts.items():
        oldest = min(account, key=lambda task: task.pk)
        rows = GenerationTask.objects.in_flight().filter(pk__in=[task.pk for task in account])
        rows.update(next_poll_at=next_poll_time(oldest, conf.provider(alias)), poll_failures=0)


def back_off(tasks: Sequence[GenerationTask], exc: ProviderError | ConfigurationError) -> None:
    """Polling failed: wait longer. For a task that was polled alone the timeline says when that began."""
    logger.warning("poll failed tasks=%d error=%s", len(tasks), type(exc).__name__)
    if isinstance(exc, AuthenticationError) and exc.status_code == 401:
        renew_key(tasks[0].provider)
    failures = 1 + min(task.poll_failures for task in tasks)
    pause = backoff.POLL.delay(failures, getattr(exc, "retry_after", None) or None)
    rows = GenerationTask.objects.in_flight().filter(pk__in=[task.pk for task in tasks])
    rows.update(poll_failures=failures, next_poll_at=timezone.now() + pause)
    if len(tasks) == 1 and failures == 1:
        detail = describe_exchange(exc) if isinstance(exc, ProviderError) else str(exc)
        tasks[0].note(TaskEvent.What.ANSWER, cause=Cause.POLL, detail=detail)
    for task in tasks:
        if task.attention not in ("", Attention.SLOW):
            continue
        flag, detail = late(task, None)
        if flag:
            task.flag(flag, cause=Cause.POLL, detail=detail)
        elif failures == FAILED_POLLS_BEFORE_FLAG:
            task.flag(Attention.PROVIDER, cause=Cause.POLL, detail=str(exc))


def _write(update: TaskUpdate, cause: str) -> None:
    task = update.task
    if update.to:
        if task.advance(update.to, cause=cause, detail=update.detail, reported_at=update.reported_at, **update.changes):
            logger.info("task updated task=%s status=%s cause=%s", task.pk, update.to, cause)
        return
    task.amend(reported_at=update.reported_at, **update.changes)
    if update.flag:
        task.flag(update.flag, cause=cause, detail=update.flag_detail)


def _write_many(updates: list[TaskUpdate], cause: str) -> None:
    """Write the changes of a list: the transitions in one short transaction, or one by one after a conflict."""
    transitions = [item.transition for item in updates if item.transition]
    rest = updates
    if len(transitions) > 1 and GenerationTask.objects.transition_many(transitions, cause=cause):
        logger.info("tasks updated count=%d cause=%s", len(transitions), cause)
        rest = [item for item in updates if not item.transition]
    for item in rest:
        _write(item, cause)


def _not_found(task: GenerationTask, exc: NotFoundError) -> None:
    now = timezone.now()
    age = now - (task.submitted_at or task.created_at)
    if age < INITIALISING:
        task.amend(next_poll_at=now + backoff.NOT_FOUND_YET.delay(1))
        return
    forgotten = age > REMEMBERED
    task.amend(next_poll_at=None if forgotten else now + dt.timedelta(seconds=backoff.POLL.maximum))
    task.flag(Attention.GONE, cause=Cause.POLL, detail=describe_exchange(exc))
