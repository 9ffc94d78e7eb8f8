"""Send a task: one POST, and never a second one after silence."""

import datetime as dt
import logging
import random
import time
from typing import Any
from uuid import UUID

from django.db import IntegrityError, InterfaceError, OperationalError, connections
from django.utils import timezone

from .. import conf, intake, translate
from ..catalogue.errors import find
from ..catalogue.problems import errors
from ..exceptions import (
    AuthenticationError,
    ConfigurationError,
    ProtocolError,
    ProviderError,
    RateLimitError,
    ServerError,
    TransportError,
)
from ..models import Account, Attention, GenerationTask, Pace, Status, TaskEvent
from .cadence import first_look
from .clients import get_client
from .wording import code_of, exchange

logger = logging.getLogger(__name__)

#: Longest pause between two tries to send. Seconds.
LONGEST_PAUSE = 300.0
#: How long to keep trying to write down an id that was paid for. Seconds.
COMMIT_PATIENCE = 60.0

#: Seconds' worth of creates that may leave at once after a quiet time.
BURST = 5.0
#: Beginning of the names of our create paces.
_PACE = "create:"
#: Limits that do not pass by themselves. Source: "Errors" in docs/provider.md.
EXHAUSTED_CODES = frozenset({"QuotaExceeded", "SetLimitExceeded"})

#: A relay says that it could not even parse our request, so nothing was started, whatever the HTTP status.
UNREAD_CODE = "json_parse_error"

#: Columns that give a claim back.
UNCLAIMED: dict[str, Any] = {"lease_owner": "", "lease_until": None}


def next_in_turn(limit: int) -> list[UUID]:
    """Which pending tasks should leave next, in order.

    Those of paused or full accounts, and of models whose pace leaves no room now, are left out, so that they
    do not hold up the others.
    """
    rows = GenerationTask.objects.exclude(provider__in=[*Account.objects.paused_aliases(), *_full_aliases()])
    for key in Pace.objects.busy(_PACE):
        provider, model_name = key.removeprefix(_PACE).split(":", 1)
        rows = rows.exclude(provider=provider, model_name=model_name)
    return list(rows.in_turn(limit).values_list("pk", flat=True))


def claim(pk: UUID) -> GenerationTask | None:
    """Claim a pending task just before its POST, if the provider's limits leave room for it now.

    One at a time, so that a worker that dies leaves at most its own tasks in doubt.

    Returns:
        ``None`` when another worker has it, its account is paused, or it has to wait.
    """
    task = GenerationTask.objects.ready().filter(pk=pk).first()
    if task is None or not _has_room(task):
        return None
    longest = conf.provider(task.provider).TIMEOUT if task.provider in conf.provider_aliases() else 60.0
    for claimed in GenerationTask.objects.ready().filter(pk=pk).claim(1, 2 * longest + 30, status=Status.SUBMITTING):
        if claimed.provider in _full_aliases(beyond=True):
            # Another worker claimed at the same moment; neither has sent anything yet.
            ours = GenerationTask.objects.filter(pk=pk, status=Status.SUBMITTING, lease_owner=claimed.lease_owner)
            ours.update(status=Status.PENDING, **UNCLAIMED)
            return None
        claimed.note(TaskEvent.What.STATUS, from_status=Status.PENDING, to_status=Status.SUBMITTING, cause="dispatch")
        return claimed
    return None


def _full_aliases(*, beyond: bool = False) -> list[str]:
    """Accounts that have as many tasks at the provider as they may; with ``beyond``, only those that have more."""
    limits = {alias: conf.provider(alias).MAX_ACTIVE for alias in conf.provider_aliases()}
    active = GenerationTask.objects.may_cost()
    return [alias for alias, most in limits.items() if most and active.filter(provider=alias).count() >= most + beyond]


def _has_room(task: GenerationTask) -> bool:
    """Whether the account may take one more now; takes a slot of its pace when so."""
    if task.provider not in conf.provider_aliases():
        return True  # submit() says what is wrong
    if task.provider in Account.objects.paused_aliases() or task.provider in _full_aliases():
        return False
    per_minute = conf.provider(task.provider).CREATE_PER_MINUTE
    interval = 60.0 / per_minute if per_minute else 0.0
    return Pace.objects.reserve(_pace_of(task), interval, burst=BURST) == 0.0


def _pace_of(task: GenerationTask) -> str:
    return f"{_PACE}{task.provider}:{task.model_name}"


def submit(task: GenerationTask) -> None:
    """Send a claimed task: one POST, and its outcome written down before anything else happens."""
    problems = errors(intake.check(task.inputs, task.provider))
    if problems:
        _refuse(task, problems[0].code, " ".join(str(problem) for problem in problems))
        return
    try:
        provider = conf.provider(task.provider)
        client = get_client(task.provider)
        request = translate.to_request(task, provider)
    except ConfigurationError as exc:
        _postpone(task, str(exc), pause=60.0, attention=Attention.PROVIDER)
        return
    except OSError as exc:
        _refuse(task, "media_unreadable", f"An uploaded file could not be read ({type(exc).__name__}).")
        return
    try:
        provider_task_id = client.create_task(request, reference=str(task.pk))
    except TransportError as exc:
        if exc.sent:
            _leave_unconfirmed(task, exchange(exc))
        else:
            _postpone(task, exchange(exc))
    except RateLimitError as exc:
        _slow_down(task, exc)
    except (ServerError, ProtocolError) as exc:
        if code_of(exc) == UNREAD_CODE:
            _refuse(task, UNREAD_CODE, str(exc), error=exc)
        else:
            _leave_unconfirmed(task, exchange(exc))
    except AuthenticationError as exc:
        _pause_account(task, exc)
        _refuse(task, code_of(exc), str(exc), error=exc)
    except ProviderError as exc:
        _refuse(task, code_of(exc), str(exc), error=exc)
    else:
        _accept(task, provider_task_id, provider)


def mark_paused() -> None:
    """Flag pending tasks that wait for a paused account, with its reason, and lower the flag when it is resumed."""
    pending = GenerationTask.objects.filter(status=Status.PENDING)
    paused = Account.objects.filter(paused_at__isnull=False)
    for account in paused:
        waiting = pending.filter(provider=account.alias).exclude(attention=Attention.PAUSED)
        waiting.update(attention=Attention.PAUSED, attention_detail=account.reason)
    resumed = pending.filter(attention=Attention.PAUSED).exclude(provider__in=[account.alias for account in paused])
    resumed.update(attention="", attention_detail="")


def mark_abandoned() -> int:
    """Find tasks whose worker died around the POST; they may be running and billed. Returns how many."""
    abandoned = list(GenerationTask.objects.abandoned()[:100])
    for task in abandoned:
        _leave_unconfirmed(task, "The worker that was sending it died; it is not known how far it came.")
    return len(abandoned)


def _accept(task: GenerationTask, provider_task_id: str, provider: conf.Provider) -> None:
    """Write down the id that was paid for, whatever the database is doing at the moment."""
    logger.info("task accepted task=%s provider_task_id=%s", task.pk, provider_task_id)
    now = timezone.now()
    task.submitted_at = now
    changes: dict[str, Any] = {
        "provider_task_id": provider_task_id,
        "submitted_at": now,
        "expires_at": translate.deadline(task),
        "next_poll_at": now if task.callbacks.exists() else first_look(task, provider),
        "poll_failures": 0,
        "attention": "",
        "attention_detail": "",
        "error_charged": "",
        **UNCLAIMED,
    }
    give_up_at = time.monotonic() + COMMIT_PATIENCE
    while True:
        try:
            moved = task.advance(Status.QUEUED, cause="dispatch", detail=f"Accepted as {provider_task_id}.", **changes)
            break
        except IntegrityError:
            _leave_unconfirmed(task, f"The provider answered with an id that another task has: {provider_task_id}")
            return
        except (OperationalError, InterfaceError):
            if time.monotonic() > give_up_at:
                logger.critical("paid task not written down task=%s provider_task_id=%s", task.pk, provider_task_id)
                raise
            connections[task._state.db or "default"].close()
            time.sleep(0.5)
    if not moved and task.provider_task_id != provider_task_id:
        logger.critical("paid task has no row task=%s provider_task_id=%s", task.pk, provider_task_id)


def _slow_down(task: GenerationTask, exc: RateLimitError) -> None:
    """Turned away by a limit: this task waits, and so do all others under the same limit."""
    pause = exc.retry_after if exc.retry_after is not None else _backoff(task.submit_attempts + 1)
    if exc.code in EXHAUSTED_CODES and "queue" not in str(exc).lower():
        _pause_account(task, exc)
    Pace.objects.push_back(_pace_of(task), max(1.0, pause))
    _postpone(task, exchange(exc), pause=pause)


def _pause_account(task: GenerationTask, exc: ProviderError) -> None:
    """Nobody but a person can mend this: send nothing more, so that no further task is burnt."""
    if Account.objects.pause(task.provider, code=code_of(exc), reason=str(exc)):
        logger.error("account paused provider=%s code=%s", task.provider, exc.code)


def _postpone(
    task: GenerationTask, detail: str, *, pause: float | None = None, attention: Attention | str = ""
) -> None:
    """Back to the queue: it certainly did not reach the provider, or was turned away by its limits."""
    attempts = task.submit_attempts + 1
    pause = _backoff(attempts) if pause is None else max(pause, 1.0)
    task.advance(
        Status.PENDING,
        cause="dispatch",
        detail=detail,
        submit_attempts=attempts,
        not_before=timezone.now() + dt.timedelta(seconds=pause),
        attention=attention,
        attention_detail=detail if attention else "",
        **UNCLAIMED,
    )
    logger.warning("create postponed task=%s attempt=%d seconds=%.0f", task.pk, attempts, pause)


def _refuse(task: GenerationTask, code: str, message: str, *, error: ProviderError | None = None) -> None:
    """End a task that was turned down before anything started; nothing was billed."""
    if error is not None:
        task.note(TaskEvent.What.ANSWER, cause="dispatch", detail=exchange(error))
    task.advance(
        Status.FAILED,
        cause="dispatch",
        detail="Refused before anything was started; nothing was billed.",
        error_code=code[:128],
        error_message=message,
        error_charged="no",
        error_retryable=find(code).retry == "later",
        request_id=error.request_id if error else "",
        attention="",
        attention_detail="",
        **UNCLAIMED,
    )
    request_id = error.request_id if error else ""
    logger.warning("create refused task=%s code=%r request_id=%r", task.pk, code[:128], request_id)


def _leave_unconfirmed(task: GenerationTask, detail: str) -> None:
    """Silence after sending: it may be running and billed, so it is never sent again by itself."""
    moved = task.advance(
        Status.UNCONFIRMED,
        cause="dispatch",
        detail=detail,
        submitted_at=timezone.now(),
        next_poll_at=timezone.now(),  # the search for it begins at once
        poll_failures=0,
        error_charged="unknown",
        attention=Attention.UNCONFIRMED,
        attention_detail="",
        **UNCLAIMED,
    )
    if moved:
        logger.warning("create unconfirmed task=%s", task.pk)


def _backoff(attempts: int) -> float:
    return min(LONGEST_PAUSE, 2.0 ** min(attempts, 9)) * random.uniform(0.8, 1.2)  # noqa: S311
