"""``Prefer: wait=N`` and ``?wait=N``: hold an answer until a task is done, without holding a transaction."""

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

#: Seconds between two looks at the row; short, because each is one indexed SELECT.
_LOOK_SECONDS = 0.25
#: When to come back if the task's provider is no longer configured.
_RETRY_SECONDS = 10.0
#: When to come back for a video that is being stored; most are within this time.
_STORE_SECONDS = 2.0

_PREFERENCE = re.compile(r"\s*wait\s*(?:=\s*\"?(\d{1,9})\"?)?\s*(?:;.*)?", re.IGNORECASE | re.ASCII)

#: What tells whether a task is done and when to look again.
_COLUMNS = (
    "status",
    "provider",
    "attention",
    "archived_at",
    "next_archive_at",
    "next_poll_at",
    "not_before",
)


@dataclass(frozen=True)
class Wait:
    """For how long to hold the answer, and what to say about it."""

    seconds: float
    #: Value of ``Preference-Applied``; empty when nothing was preferred, or it was not granted.
    applied: str = ""


class Places:
    """Places for those who wait in this process, so that its other threads are left for everybody else."""

    def __init__(self) -> None:
        self._lock, self._taken = Lock(), 0

    @contextmanager
    def one_of(self, most: int) -> Iterator[bool]:
        """Whether one of so many places was free; it is taken until the block ends."""
        with self._lock:
            granted = self._taken < most
            self._taken += granted
        try:
            yield granted
        finally:
            with self._lock:
                self._taken -= granted


_places = Places()


def asked(request: Request) -> Wait:
    """How long the caller wants to wait, up to ``MAX_WAIT_SECONDS``; ``?wait=`` wins over ``Prefer``.

    Raises:
        ValidationError: ``?wait=`` is no number of seconds. An unreadable preference is no preference (RFC 7240).
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
    """Return when the task is done or gone, when only a person can move it on, or when the time is over.

    Returns:
        What was granted: no wait at all where ``MAX_WAITERS`` others wait in this process.
    """
    if not wait.seconds:
        return wait
    with _places.one_of(settings().MAX_WAITERS) as granted:
        if not granted:
            return replace(wait, seconds=0, applied="")
        deadline = time.monotonic() + wait.seconds
        while (left := deadline - time.monotonic()) > 0:
            task = GenerationTask.objects.filter(pk=task_id).only(*_COLUMNS).first()
            if task is None or not _moves_by_itself(task):
                break
            time.sleep(min(_LOOK_SECONDS, left))
    return wait


def headers(task: GenerationTask, wait: Wait | None = None) -> dict[str, str]:
    """``Retry-After`` while waiting for the task makes sense, and ``Preference-Applied``."""
    seconds = retry_after(task)
    found = {"Retry-After": str(seconds)} if seconds else {}
    return {**found, "Preference-Applied": wait.applied} if wait and wait.applied else found


def retry_after(task: GenerationTask) -> int | None:
    """In how many seconds a task may look different; ``None`` when it never will, or not without a person."""
    if not _moves_by_itself(task):
        return None
    due = {
        Status.PENDING: task.not_before,
        Status.UNCONFIRMED: task.next_poll_at,
        Status.SUCCEEDED: task.next_archive_at,
    }.get(Status(task.status))
    left = (due - timezone.now()).total_seconds() if due else 0.0
    return max(1, round(_usual_seconds(task)), ceil(left))


def _moves_by_itself(task: GenerationTask) -> bool:
    if task.is_done or task.waits_for_person:
        return False
    # The flag that says so is raised by the next round; the pause itself is known at once.
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
