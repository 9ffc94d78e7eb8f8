"""``Prefer: wait=N`` and ``?wait=N``: delay a response until a task is done, without an open transaction."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import ceil, isfinite
from threading import Lock
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from ..conf import provider, settings
from ..exceptions import ConfigurationError
from ..models import Account, GenerationTask, Status

#: Seconds between two reads of the row; short, because each is one indexed SELECT.
_READ_SECONDS = 0.25
#: ``Retry-After`` if the task's provider is no longer configured.
_RETRY_SECONDS = 10.0
#: ``Retry-After`` for a video that is being archived; most take less.
_STORE_SECONDS = 2.0

_PREFERENCE = re.compile(r"\s*wait\s*(?:=\s*\"?(\d{1,9})\"?)?\s*(?:;.*)?", re.IGNORECASE | re.ASCII)

#: The columns that decide whether a task is done and when to read it again.
_COLUMNS = (
    "status",
    "provider",
    "attention",
    "archived_at",
    "next_archive_at",
    "next_search_at",
    "not_before",
)


@dataclass(frozen=True)
class Wait:
    """For how long to delay the response, and what to report about it."""

    seconds: float
    #: Value of ``Preference-Applied``; empty without a preference, or if it was not granted.
    applied: str = ""


class WaiterLimit:
    """Limits the requests that wait in this process, so that its other threads stay free."""

    def __init__(self) -> None:
        self._lock, self._waiting = Lock(), 0

    @contextmanager
    def acquire(self, most: int) -> Iterator[bool]:
        """Whether fewer than ``most`` requests wait; if so, this one counts until the block ends."""
        with self._lock:
            granted = self._waiting < most
            self._waiting += granted
        try:
            yield granted
        finally:
            with self._lock:
                self._waiting -= granted


_waiters = WaiterLimit()


def requested_wait(request: Request) -> Wait:
    """How long the caller wants to wait, up to ``MAX_WAIT_SECONDS``; ``?wait=`` takes precedence over ``Prefer``.

    Raises:
        ValidationError: ``?wait=`` is not a number of seconds. An invalid preference is ignored (RFC 7240).
    """
    most = settings().MAX_WAIT_SECONDS
    given = request.query_params.get("wait")
    if given is not None:
        return Wait(min(_seconds(given), most))
    for preference in request.headers.get("Prefer", "").split(","):
        if (match := _PREFERENCE.fullmatch(preference)) and most:
            seconds = min(int(match[1]), most) if match[1] else most
            return Wait(seconds, f"wait={seconds:g}")
    return Wait(0)


def wait_for(task_id: Any, wait: Wait) -> Wait:
    """Return when the task is done or erased, when it needs a person, or when the time is over.

    Returns:
        What was granted: no wait if ``MAX_WAITERS`` other requests wait in this process.
    """
    if not wait.seconds:
        return wait
    with _waiters.acquire(settings().MAX_WAITERS) as granted:
        if not granted:
            return replace(wait, seconds=0, applied="")
        deadline = time.monotonic() + wait.seconds
        while (left := deadline - time.monotonic()) > 0:
            task = GenerationTask.objects.filter(pk=task_id).only(*_COLUMNS).first()
            if task is None or not _will_change(task):
                break
            time.sleep(min(_READ_SECONDS, left))
    return wait


def headers(task: GenerationTask, wait: Wait | None = None) -> dict[str, str]:
    """``Retry-After`` while the task will change without a person, and ``Preference-Applied``."""
    seconds = retry_after(task)
    found = {"Retry-After": str(seconds)} if seconds else {}
    return {**found, "Preference-Applied": wait.applied} if wait and wait.applied else found


def retry_after(task: GenerationTask) -> int | None:
    """In how many seconds a task may have changed; ``None`` if it never will, or not without a person."""
    if not _will_change(task):
        return None
    due = {
        Status.PENDING: task.not_before,
        Status.UNCONFIRMED: task.next_search_at,
        Status.SUCCEEDED: task.next_archive_at,
    }.get(Status(task.status))
    left = (due - timezone.now()).total_seconds() if due else 0.0
    return max(1, round(_usual_seconds(task)), ceil(left))


def _will_change(task: GenerationTask) -> bool:
    if task.is_done or task.waits_for_person:
        return False
    # The attention flag is set by the next dispatch; the pause itself is known at once.
    return task.status != Status.PENDING or task.provider not in Account.objects.paused_aliases()


def _usual_seconds(task: GenerationTask) -> float:
    if task.status == Status.SUCCEEDED:
        return _STORE_SECONDS
    try:
        return provider(task.provider).POLL_SECONDS
    except ConfigurationError:
        return _RETRY_SECONDS


def _seconds(given: str) -> float:
    try:
        seconds = float(given)
    except ValueError:
        seconds = -1.0
    if not isfinite(seconds) or seconds < 0:
        raise ValidationError({"wait": [_("This must be a number of seconds.")]})
    return seconds
