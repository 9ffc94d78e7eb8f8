"""Submit a task: one POST, which is never repeated once it may have reached the provider."""

import datetime as dt
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID, uuid4

from django.db import (
    DEFAULT_DB_ALIAS,
    IntegrityError,
    InterfaceError,
    OperationalError,
    connections,
)
from django.utils import timezone

from .. import conf, intake, translate
from ..catalogue import find_error, only_errors, pause_scope
from ..exceptions import (
    AuthenticationError,
    ConfigurationError,
    ProtocolError,
    ProviderError,
    RateLimitError,
    ServerError,
    TransportError,
    UploadError,
    Veto,
)
from ..models import (
    Account,
    Attention,
    Cause,
    Charged,
    EventText,
    GenerationTask,
    ModelPause,
    RateLimit,
    Status,
    TaskEvent,
)
from ..models.queryset import UNCLAIMED, GenerationTaskQuerySet
from ..provider.types import Client, TaskRequest
from ..signals import task_submitting
from . import backoff
from .clients import describe_exchange, error_code_of, get_client
from .poll_schedule import first_poll_time

logger = logging.getLogger(__name__)

#: How long to keep trying to save the id of a paid task. Seconds.
COMMIT_PATIENCE = 60.0

#: Seconds' worth of creates that may be sent at once after an idle time.
BURST = 5.0
#: Prefix of the keys of our create rate limits.
_CREATE_LIMIT = "create:"

#: A relay could not parse our request, so nothing was started, whatever the HTTP status.
UNREAD_CODE = "json_parse_error"


def next_to_dispatch(limit: int) -> list[UUID]:
    """Which pending tasks to send next, in order.

    Those of paused or full accounts, of paused models, and of models at their rate limit are left out, so that they do
    not hold up the others.
    """
    rows = GenerationTask.objects.sendable().exclude(provider__in=_full_aliases())
    for key in RateLimit.objects.exhausted(_CREATE_LIMIT):
        provider, model_name = key.removeprefix(_CREATE_LIMIT).split(":", 1)
        rows = rows.exclude(provider=provider, model_name=model_name)
    return list(rows.in_dispatch_order(limit).values_list("pk", flat=True))


def claim(pk: UUID) -> GenerationTask | None:
    """Claim a pending task just before its POST, if the provider's limits allow it now.

    One at a time, so that a worker that dies leaves only few tasks unconfirmed.

    Returns:
        ``None`` when another worker has it, its account or model is paused, or it has to wait.
    """
    task = GenerationTask.objects.ready().filter(pk=pk).first()
    if task is None or not _has_room(task):
        return None
    ready = GenerationTask.objects.ready()
    if not task.advance(
        Status.SUBMITTING, cause=Cause.DISPATCH, among=ready, lease_owner=uuid4().hex, lease_until=_lease_end(task)
    ):
        return None
    if task.provider in _full_aliases(beyond=True):
        # Another worker claimed at the same moment; neither has sent anything yet.
        detail = EventText("given_back")
        task.advance(Status.PENDING, cause=Cause.DISPATCH, detail=detail, **UNCLAIMED)
        return None
    return task


def _lease_end(task: GenerationTask) -> dt.datetime:
    """When a claim that is taken or renewed now lapses."""
    longest = conf.provider(task.provider).TIMEOUT if task.provider in conf.provider_aliases() else 60.0
    return timezone.now() + dt.timedelta(seconds=2 * longest + 30)


def _full_aliases(*, beyond: bool = False) -> list[str]:
    """Accounts that have as many tasks at the provider as they may; with ``beyond``, only those that have more."""
    limits = {alias: conf.provider(alias).MAX_ACTIVE for alias in conf.provider_aliases()}
    active = GenerationTask.objects.may_cost()
    return [alias for alias, most in limits.items() if most and active.filter(provider=alias).count() >= most + beyond]


def _has_room(task: GenerationTask) -> bool:
    """Whether the account may take one more now; if so, takes a slot of its rate limit."""
    if task.provider not in conf.provider_aliases():
        return True  # submit() says what is wrong
    if task.provider in _full_aliases() or not GenerationTask.objects.sendable().filter(pk=task.pk).exists():
        return False
    per_minute = conf.provider(task.provider).CREATE_PER_MINUTE
    interval = 60.0 / per_minute if per_minute else 0.0
    return RateLimit.objects.acquire(_rate_limit_key(task), interval, burst=BURST) == 0.0


def _rate_limit_key(task: GenerationTask) -> str:
    return f"{_CREATE_LIMIT}{task.provider}:{task.model_name}"


def submit(task: GenerationTask) -> None:
    """Send a claimed task: one POST, whose outcome is written before anything else happens."""
    create = _prepare(task)
    if create is None or not _is_allowed(task):
        return
    _persist(task, _post(task, create))


@dataclass(frozen=True)
class _Create:
    """A create call that is ready; nothing was sent yet."""

    provider: conf.Provider
    key: str = field(repr=False)
    client: Client
    request: TaskRequest


@dataclass(frozen=True)
class _Outcome:
    """The outcome of a create call: how to write it, and its text for the log."""

    write: Callable[[], None]
    log_text: str


def _prepare(task: GenerationTask) -> _Create | None:
    """Prepare the create call; ``None`` when it cannot be made, which is then written on the row."""
    violations = only_errors(intake.check(task.inputs, task.provider))
    if violations:
        _refuse(task, violations[0].code, " ".join(str(violation) for violation in violations))
        return None
    try:
        provider = conf.provider(task.provider)
        key, client = provider.key, get_client(task.provider)
        request = translate.to_request(task, provider)
    except ConfigurationError as exc:
        _postpone(task, str(exc), pause=backoff.CONFIGURATION.seconds(1), attention=Attention.PROVIDER)
        return None
    return _Create(provider, key, client, request)


def _post(task: GenerationTask, create: _Create) -> _Outcome:
    """Make the create call. Writes nothing."""
    try:
        provider_task_id = create.client.create_task(create.request, reference=str(task.pk))
    except UploadError as exc:
        return _Outcome(partial(_refuse, task, "media_unreadable", str(exc)), "error=UploadError")
    except AuthenticationError as exc:
        if exc.status_code == 401 and create.provider.renew_key(create.key):
            detail = EventText("with_answer", text=describe_exchange(exc), answer=EventText("key_renewed"))
            return _Outcome(partial(_postpone, task, detail), "error=AuthenticationError key=renewed")
        return _Outcome(partial(_reject, task, exc), f"error=AuthenticationError status={exc.status_code}")
    except ProviderError as exc:
        return _Outcome(partial(_reject, task, exc), f"error={type(exc).__name__} status={exc.status_code}")
    write = partial(_record_accepted, task, provider_task_id, create.provider, timezone.now())
    return _Outcome(write, f"provider_task_id={provider_task_id}")


def _reject(task: GenerationTask, exc: ProviderError) -> None:
    """Write the outcome of a create call that returned no id."""
    match exc:
        case TransportError(sent=False):
            _postpone(task, describe_exchange(exc))
        case RateLimitError():
            _back_off(task, exc)
        case ServerError() | ProtocolError() if error_code_of(exc) == UNREAD_CODE:
            _refuse(task, UNREAD_CODE, str(exc), error=exc)
        case TransportError() | ServerError() | ProtocolError():
            _mark_unconfirmed(task, describe_exchange(exc))
        case _:
            _pause(task, exc)
            _refuse(task, error_code_of(exc), str(exc), error=exc)


def _persist(task: GenerationTask, outcome: _Outcome) -> None:
    """Write an outcome, with retries on new connections while the database is unavailable.

    Raises:
        OperationalError, InterfaceError: the database was unavailable for longer than ``COMMIT_PATIENCE``.
    """
    give_up_at = time.monotonic() + COMMIT_PATIENCE
    lost: BaseException | None = None
    try:
        while True:
            try:
                if lost:
                    task.refresh_from_db()  # a commit whose answer was lost may have succeeded
                outcome.write()
                return
            except (OperationalError, InterfaceError) as exc:
                if time.monotonic() > give_up_at:
                    raise
                lost = exc
                logger.warning(
                    "outcome not written yet task=%s error=%s %s", task.pk, type(exc).__name__, outcome.log_text
                )
            connections[task._state.db or DEFAULT_DB_ALIAS].close()
            time.sleep(0.5)
    except BaseException:  # also a worker that is shutting down
        logger.critical("outcome not written task=%s %s", task.pk, outcome.log_text)
        raise


def _is_allowed(task: GenerationTask) -> bool:
    """Send ``task_submitting``; where a receiver refuses or fails, the outcome is written and nothing is sent."""
    if not task_submitting.has_listeners(GenerationTask):
        return True
    try:
        task_submitting.send(sender=GenerationTask, task=task)
    except Veto as veto:
        _refuse(task, veto.code or "vetoed", str(veto))
        return False
    except Exception as exc:  # a failing budget check must not let the paid call through
        logger.exception("task_submitting failed task=%s", task.pk)
        detail = EventText("receiver_failed", error=type(exc).__name__)
        _postpone(task, detail, attention=Attention.RECEIVER)
        return False
    # A receiver may be slow; a worker that no longer holds the claim must not send.
    held = GenerationTask.objects.filter(pk=task.pk, status=Status.SUBMITTING, lease_owner=task.lease_owner)
    return held.filter(lease_until__gt=timezone.now()).update(lease_until=_lease_end(task)) == 1


def mark_paused() -> None:
    """Flag pending tasks that wait for a paused account or model, with the reason; clear it when that is resumed."""
    pending = GenerationTask.objects.filter(status=Status.PENDING)
    accounts = {account.alias: account for account in Account.objects.filter(paused_at__isnull=False)}
    for account in accounts.values():
        _mark(pending.filter(provider=account.alias), account.reason)
    for pause in ModelPause.objects.exclude(provider__in=accounts):
        _mark(pending.filter(provider=pause.provider, model_name=pause.model_name), pause.detail)
    pending.sendable().filter(attention=Attention.PAUSED).update(attention="", attention_detail="")


def _mark(tasks: GenerationTaskQuerySet, reason: str) -> None:
    tasks.exclude(attention=Attention.PAUSED, attention_detail=reason).update(
        attention=Attention.PAUSED, attention_detail=reason
    )


def mark_abandoned() -> int:
    """Mark tasks whose worker died around the POST as unconfirmed; they may be billed. Returns how many."""
    abandoned = list(GenerationTask.objects.abandoned()[:100])
    for task in abandoned:
        _mark_unconfirmed(task, EventText("worker_died"))
    return len(abandoned)


def _record_accepted(task: GenerationTask, provider_task_id: str, provider: conf.Provider, at: dt.datetime) -> None:
    """Save the id of the paid task first, and only then what takes another query."""
    task.submitted_at = at
    try:
        moved = task.accept(
            provider_task_id,
            cause=Cause.DISPATCH,
            detail=EventText("accepted", id=provider_task_id),
            submitted_at=at,
            expires_at=translate.deadline(task),
            next_poll_at=at + dt.timedelta(seconds=provider.FIRST_POLL_SECONDS),
            poll_failures=0,
            attention="",
            attention_detail="",
            error_charged="",
            **UNCLAIMED,
        )
    except IntegrityError:
        _mark_unconfirmed(task, EventText("id_taken", id=provider_task_id))
        return
    if task.provider_task_id != provider_task_id:
        logger.critical("paid task has no row task=%s provider_task_id=%s", task.pk, provider_task_id)
        return
    logger.info("task accepted task=%s provider_task_id=%s", task.pk, provider_task_id)
    if moved:
        _schedule(task, provider)


def _schedule(task: GenerationTask, provider: conf.Provider) -> None:
    """Set the first poll by the history of similar tasks, unless it was changed meanwhile."""
    try:
        first = timezone.now() if task.callbacks.exists() else first_poll_time(task, provider)
        unchanged = GenerationTask.objects.filter(pk=task.pk, status=task.status, next_poll_at=task.next_poll_at)
        if unchanged.update(next_poll_at=first):
            task.next_poll_at = first
    except (OperationalError, InterfaceError) as exc:  # the id is saved, and so is a time for the first poll
        logger.warning("first poll not set task=%s error=%s", task.pk, type(exc).__name__)
        connections[task._state.db or DEFAULT_DB_ALIAS].close()


def _back_off(task: GenerationTask, exc: RateLimitError) -> None:
    """Back off after a rate limit: this task waits, and so do all others under the same limit."""
    pause = backoff.SUBMIT.seconds(task.submit_attempts + 1, exc.retry_after)
    _pause(task, exc)
    RateLimit.objects.postpone(_rate_limit_key(task), pause)
    _postpone(task, describe_exchange(exc), pause=pause)


def _pause(task: GenerationTask, exc: ProviderError) -> None:
    """Where only a person can resolve a refusal, pause the account or model, so that no further task fails from it."""
    code = error_code_of(exc)
    what = pause_scope(
        code, exc.status_code, str(exc), model_name=task.model_name, refers_to_provider=_refers_to_provider(task)
    )
    if what == "account" and Account.objects.pause(task.provider, code=code, reason=str(exc)):
        logger.error("account paused provider=%s code=%s", task.provider, code)
    elif what == "model" and ModelPause.objects.pause(task.provider, task.model_name, code=code, reason=str(exc)):
        logger.error("model paused provider=%s model=%s code=%s", task.provider, task.model_name, code)


def _refers_to_provider(task: GenerationTask) -> bool:
    """Whether the request names something that the provider keeps: a draft, or a medium of its library."""
    return bool(task.draft_task_id) or any(item.url.startswith("asset:") for item in task.media.all())


def _postpone(
    task: GenerationTask, detail: str, *, pause: float | None = None, attention: Attention | str = ""
) -> None:
    """Back to pending: it certainly did not reach the provider, or met a rate limit."""
    attempts = task.submit_attempts + 1
    pause = backoff.SUBMIT.seconds(attempts) if pause is None else pause
    task.advance(
        Status.PENDING,
        cause=Cause.DISPATCH,
        detail=detail,
        submit_attempts=attempts,
        not_before=timezone.now() + dt.timedelta(seconds=pause),
        attention=attention,
        attention_detail=detail if attention else "",
        **UNCLAIMED,
    )
    logger.warning("create postponed task=%s attempt=%d seconds=%.0f", task.pk, attempts, pause)


def _refuse(task: GenerationTask, code: str, message: str, *, error: ProviderError | None = None) -> None:
    """End a task that was refused before anything started; nothing was billed."""
    if error is not None:
        task.note(TaskEvent.What.ANSWER, cause=Cause.DISPATCH, detail=describe_exchange(error))
    task.advance(
        Status.FAILED,
        cause=Cause.DISPATCH,
        detail=EventText("rejected"),
        error_code=code[:128],
        error_message=message,
        error_charged=Charged.NO,
        error_retryable=find_error(code).retry == "later",
        request_id=error.request_id if error else "",
        attention="",
        attention_detail="",
        **UNCLAIMED,
    )
    request_id = error.request_id if error else ""
    logger.warning("create refused task=%s code=%r request_id=%r", task.pk, code[:128], request_id)


def _mark_unconfirmed(task: GenerationTask, detail: str) -> None:
    """No answer after sending: it may be running and billed, so it is never sent again automatically."""
    moved = task.advance(
        Status.UNCONFIRMED,
        cause=Cause.DISPATCH,
        detail=detail,
        submitted_at=timezone.now(),
        next_search_at=timezone.now(),  # the search for it begins at once
        search_attempts=0,
        error_charged=Charged.UNKNOWN,
        attention=Attention.UNCONFIRMED,
        attention_detail="",
        **UNCLAIMED,
    )
    if moved:
        logger.warning("create unconfirmed task=%s", task.pk)
