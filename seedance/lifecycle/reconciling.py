"""Reconcile unconfirmed tasks: find out whether a create call without an answer made a task. Never sends again."""

import datetime as dt
import logging
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from .. import conf, translate
from ..exceptions import ConfigurationError, NotFoundError, ProviderError, RequestError, TransitionError
from ..models import Attention, Cause, EventText, GenerationTask, Status, TaskEvent
from ..models.after_commit import wake_workers
from ..models.queryset import GenerationTaskQuerySet
from ..provider.types import RemoteTask
from . import backoff
from .clients import describe_exchange, get_client, wait_for_slot
from .polling import update

logger = logging.getLogger(__name__)

#: Clocks differ, and a create may take this long to show at the provider.
BEFORE = dt.timedelta(minutes=2)
AFTER = dt.timedelta(minutes=5)
#: Searches after the first one; then only a callback or a person can resolve the task.
MORE_SEARCHES = 5


def claim_unconfirmed(limit: int) -> list[GenerationTask]:
    """Claim unconfirmed tasks that should be searched for now."""
    now = timezone.now()
    rows = _unconfirmed().filter(next_search_at__lte=now).order_by("next_search_at")
    return rows.claim(limit, 60, next_search_at=now + dt.timedelta(seconds=60))


def reconcile(task: GenerationTask) -> bool:
    """Search for the provider's task of an unconfirmed row.

    By the id that a person gave, by its callbacks, then by the provider's list, if it has one.

    Returns:
        True when it was found and linked.
    """
    try:
        if _link_requested(task) or _reconcile_by_callbacks(task) or _reconcile_by_list(task):
            return True
    except (ProviderError, ConfigurationError) as exc:
        logger.warning("search failed task=%s error=%s", task.pk, type(exc).__name__)
    _schedule_next_search(task)
    return False


def link_provider_task(task: GenerationTask, provider_task_id: str, *, cause: str, actor: str = "") -> None:
    """Link an unconfirmed row to a provider's task, after fetching it.

    Raises:
        NotFoundError: the provider does not know it.
        ProviderError, ConfigurationError: the provider could not be asked.
        TransitionError: the row is not unconfirmed, or another row owns this id, or its model is another.
    """
    remote = get_client(task.provider).get_task(provider_task_id)
    if not _same_model(task, remote):
        raise TransitionError(_("That task was made with the model %(name)s.") % {"name": remote.model_name})
    if not _link(task, provider_task_id, remote, cause=cause, actor=actor):
        raise TransitionError(_("Another task has this id, or this one changed in the meantime."))


def request_link(task: GenerationTask, provider_task_id: str, *, cause: str, actor: str = "") -> None:
    """Have a worker link an unconfirmed row to the provider's task of this id. The provider is not asked here.

    Raises:
        TransitionError: the row is not unconfirmed, or another row owns this id.
    """
    if task.status == Status.UNCONFIRMED and task.requested_provider_task_id == provider_task_id:
        return  # a form that was posted twice
    if GenerationTask.objects.filter(provider=task.provider, provider_task_id=provider_task_id).exists():
        raise TransitionError(_("Another task has this id already."))
    with transaction.atomic(using=task._state.db):
        noted = task.status == Status.UNCONFIRMED and task.amend(
            requested_provider_task_id=provider_task_id,
            next_search_at=timezone.now(),
            search_attempts=0,
            attention_detail="",
        )
        if not noted:
            raise TransitionError(_("Only an unconfirmed task can be linked; this one changed in the meantime."))
        detail = EventText("link_requested", id=provider_task_id)
        task.note(TaskEvent.What.NOTE, cause=cause, actor=actor, detail=detail)
        wake_workers(task._state.db or "default")


def resubmit(task: GenerationTask, *, cause: str, actor: str = "") -> None:
    """Send an unconfirmed task again, on a person's decision. It may be billed twice.

    Raises:
        TransitionError: it is not unconfirmed.
    """
    moved = task.status == Status.UNCONFIRMED and task.advance(
        Status.PENDING,
        cause=cause,
        actor=actor,
        among=_unconfirmed(),
        detail=EventText("resubmitted"),
        attention="",
        attention_detail="",
        not_before=None,
        submitted_at=None,
    )
    if not moved:
        raise TransitionError(_("Only an unconfirmed task can be resubmitted; this one changed in the meantime."))
    wake_workers(task._state.db or "default")


def _link_requested(task: GenerationTask) -> bool:
    """Link the row to the id that a person gave, or flag why not; keep the request while the provider is away."""
    asked = task.requested_provider_task_id
    if not asked:
        return False
    try:
        wait_for_slot(task.provider, "get", conf.provider(task.provider).GET_PER_SECOND)
        remote = get_client(task.provider).get_task(asked)
    except (NotFoundError, RequestError) as exc:
        _refuse_link(task, EventText("link_not_found", id=asked), describe_exchange(exc))
        return False
    except (ProviderError, ConfigurationError) as exc:
        reason = EventText("link_postponed", id=asked)
        if not task.search_attempts:
            detail = describe_exchange(exc) if isinstance(exc, ProviderError) else str(exc)
            task.note(TaskEvent.What.ANSWER, cause=Cause.LINK, detail=detail)
        _amend_request(task, attention=Attention.UNCONFIRMED, attention_detail=reason, attention_seen="")
        raise
    if not _same_model(task, remote):
        _refuse_link(task, EventText("link_other_model", id=asked, name=remote.model_name))
        return False
    if _link(task, asked, remote, cause=Cause.LINK):
        return True
    if task.status == Status.UNCONFIRMED:
        _refuse_link(task, EventText("link_taken", id=asked))
    return False


def _refuse_link(task: GenerationTask, reason: str, answer: str = "") -> None:
    """Clear a link request that cannot be met; flag the reason, and note the provider's answer in the timeline."""
    with transaction.atomic(using=task._state.db):
        cleared = _amend_request(
            task,
            requested_provider_task_id="",
            attention=Attention.UNCONFIRMED,
            attention_detail=reason,
            attention_seen="",
        )
        if cleared:
            detail = EventText("with_answer", text=reason, answer=answer) if answer else reason
            task.note(TaskEvent.What.ANSWER, cause=Cause.LINK, detail=detail)


def _amend_request(task: GenerationTask, **changes: Any) -> bool:
    """Write columns, unless a person has given another id meanwhile, which is not checked yet."""
    same = GenerationTask.objects.filter(requested_provider_task_id=task.requested_provider_task_id)
    return task.amend(among=same, **changes)


def _reconcile_by_callbacks(task: GenerationTask) -> bool:
    reported = task.callbacks.exclude(provider_task_id="").values_list("provider_task_id", flat=True)
    for provider_task_id in dict.fromkeys(reported):
        try:
            remote = get_client(task.provider).get_task(provider_task_id)
        except NotFoundError as exc:
            task.note(TaskEvent.What.ANSWER, cause=Cause.CALLBACK, detail=describe_exchange(exc))
            continue
        if _same_model(task, remote) and _link(task, provider_task_id, remote, cause=Cause.CALLBACK):
            return True
    return False


def _reconcile_by_list(task: GenerationTask) -> bool:
    """Link the one task in the provider's list that can only be this one; if ambiguous, none."""
    provider = conf.provider(task.provider)
    if not provider.LISTS or task.submitted_at is None:
        return False
    since, until = _sent_between(task)
    if _has_ambiguous_tasks(task, since, until):
        return False
    tier = "flex" if task.parameters.get("service_tier") == "flex" else "default"
    pause = 1.0 / provider.LIST_PER_SECOND if provider.LIST_PER_SECOND else 0.0
    wait_for_slot(provider.alias, "list", provider.LIST_PER_SECOND)
    found = get_client(task.provider).recent_tasks(since=since, service_tier=tier, pause=pause)
    if _has_ambiguous_tasks(task, since, until):
        return False  # another row was sent meanwhile; the task in the list may be its own
    # Of any alias: two of them may share an account, and then they share its list.
    owned = GenerationTask.objects.filter(provider_task_id__in=[remote.provider_task_id for remote in found])
    taken = set(owned.values_list("provider_task_id", flat=True))
    candidates = [
        remote
        for remote in found
        if remote.provider_task_id not in taken
        and remote.created_at
        and since <= remote.created_at <= until
        and _matches(task, remote)
    ]
    if len(candidates) != 1:
        return False
    return _link(task, candidates[0].provider_task_id, candidates[0], cause=Cause.LIST)


def _sent_between(task: GenerationTask) -> tuple[dt.datetime, dt.datetime]:
    """The time in which the create can have reached the provider."""
    claimed = task.events.filter(to_status=Status.SUBMITTING).order_by("-pk").first()
    submitted_at = task.submitted_at or task.updated_at
    return (claimed.at if claimed else submitted_at) - BEFORE, submitted_at + AFTER


def _has_ambiguous_tasks(task: GenerationTask, since: dt.datetime, until: dt.datetime) -> bool:
    """Whether another row of ours may be the owner of what the list shows."""
    doubtful = GenerationTask.objects.filter(provider=task.provider, model_name=task.model_name).exclude(pk=task.pk)
    return (
        doubtful.filter(status=Status.SUBMITTING).exists()
        or doubtful.filter(status=Status.UNCONFIRMED, submitted_at__range=(since - AFTER, until + BEFORE)).exists()
    )


def _same_model(task: GenerationTask, remote: RemoteTask) -> bool:
    """Whether a remote task can be of this row's model; an endpoint id is resolved by the provider."""
    return not remote.model_name or task.model_name.startswith("ep-") or remote.model_name == task.model_name


def _matches(task: GenerationTask, remote: RemoteTask) -> bool:
    """Whether everything that the provider reports of a task agrees with what this row requested."""
    asked = {name: value for name, value in task.parameters.items() if value not in ("adaptive", -1)}
    reported = {**remote.result, "execution_expires_after": remote.expires_after}
    differs = any(reported.get(name) not in (None, value) for name, value in asked.items())
    return _same_model(task, remote) and not differs


def _link(task: GenerationTask, provider_task_id: str, remote: RemoteTask, *, cause: str, actor: str = "") -> bool:
    try:
        moved = task.status == Status.UNCONFIRMED and task.advance(
            Status.QUEUED,
            cause=cause,
            actor=actor,
            among=_unconfirmed(),
            detail=EventText("found", id=provider_task_id),
            provider_task_id=provider_task_id,
            expires_at=translate.deadline(task, remote),
            next_poll_at=timezone.now(),
            attention="",
            attention_detail="",
            error_charged="",
        )
    except IntegrityError:
        task.refresh_from_db()
        return False
    if moved:
        update(task, remote, cause=cause)
    return moved


def _unconfirmed() -> GenerationTaskQuerySet:
    """Rows that are unconfirmed when a query runs: one may have been resubmitted meanwhile."""
    return GenerationTask.objects.filter(status=Status.UNCONFIRMED)


def _schedule_next_search(task: GenerationTask) -> None:
    """Search with growing pauses, and a limited number of times; an id that a person gave is tried without limit."""
    searches = task.search_attempts + 1
    is_listed = task.provider in conf.provider_aliases() and conf.provider(task.provider).LISTS
    is_worthwhile = bool(task.requested_provider_task_id) or (is_listed and searches <= MORE_SEARCHES)
    again = timezone.now() + backoff.RECONCILE.delay(searches) if is_worthwhile else None
    _amend_request(task, search_attempts=searches, next_search_at=again)
