"""``Prefer: wait=N`` and ``?wait=N``: hold an answer until a task is final, without holding a transaction."""

import re
import time
from dataclasses import dataclass
from math import isfinite
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from ..conf import provider, settings
from ..exceptions import ConfigurationError
from ..models import FINAL, GenerationTask

#: Seconds between two looks at the row; short, because each is one indexed SELECT.
_LOOK_SECONDS = 0.25
#: When to come back if the task's provider is no longer configured.
_RETRY_SECONDS = 10.0

_PREFERENCE = re.compile(r"\s*wait\s*=\s*\"?(\d{1,9})\"?\s*(?:;.*)?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Wait:
    """For how long to hold the answer, and what to say about it."""

    seconds: float
    #: Value of ``Preference-Applied``; empty when nothing was preferred.
    applied: str = ""


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
        if match := _PREFERENCE.fullmatch(preference):
            seconds = min(int(match[1]), most)
            return Wait(seconds, f"wait={seconds:g}")
    return Wait(0)


def wait_for(task_id: Any, wait: Wait) -> None:
    """Return when the task is final or gone, or when the time is over."""
    deadline = time.monotonic() + wait.seconds
    while (left := deadline - time.monotonic()) > 0:
        status = GenerationTask.objects.filter(pk=task_id).values_list("status", flat=True).first()
        if status is None or status in FINAL:
            return
        time.sleep(min(_LOOK_SECONDS, left))


def headers(alias: str, status: str, wait: Wait | None = None) -> dict[str, str]:
    """``Retry-After`` while a task in this status may still change, and ``Preference-Applied``."""
    found = {} if status in FINAL else {"Retry-After": str(retry_after(alias))}
    return {**found, "Preference-Applied": wait.applied} if wait and wait.applied else found


def retry_after(alias: str) -> int:
    """In how many seconds a task of this provider may look different."""
    try:
        seconds = provider(alias).POLL_SECONDS
    except ConfigurationError:
        seconds = _RETRY_SECONDS
    return max(1, round(seconds))


def _seconds(given: str) -> float:
    try:
        seconds = float(given)
    except ValueError:
        seconds = -1.0
    if not isfinite(seconds) or seconds < 0:
        raise ValidationError({"wait": [_("This must be a number of seconds.")]})
    return seconds
