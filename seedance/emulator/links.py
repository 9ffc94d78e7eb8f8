"""Signed, expiring addresses of result files, in the shape object storage gives them."""

from __future__ import annotations

import calendar
import hashlib
import hmac
import time
from urllib.parse import urlencode

from .app_state import AppState
from .tasks import Task
from .wire import Request

_EXPIRED_SECONDS_AGO = 2 * 86_400


def succeeded_at(task: Task) -> float:
    """When the file came to be, Unix seconds."""
    return next((at for status, at in reversed(task.history) if status == "succeeded"), task.updated_at)


def result_url(app: AppState, task: Task, suffix: str, stale: bool = False) -> str:
    """The link to a task's video or last frame; `stale` makes one that has run out already."""
    signed_at = succeeded_at(task) - (_EXPIRED_SECONDS_AGO if stale else 0)
    date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(signed_at))
    expires = str(int(app.options.url_seconds))
    query = {
        "X-Tos-Algorithm": "TOS4-HMAC-SHA256",
        "X-Tos-Credential": f"EMULATOR/{date[:8]}/local/tos/request",
        "X-Tos-Date": date,
        "X-Tos-Expires": expires,
        "X-Tos-Signature": _signature(app, task.id, suffix, date, expires),
        "X-Tos-SignedHeaders": "host",
    }
    return f"{app.url}/files/{task.id}/{_name(app, task.id)}.{suffix}?{urlencode(query)}"


def link_trouble(app: AppState, task: Task, suffix: str, name: str, request: Request) -> str:
    """Why this link does not open the file; empty when it does."""
    date, expires = request.parameter("X-Tos-Date"), request.parameter("X-Tos-Expires")
    signature = _signature(app, task.id, suffix, date, expires)
    genuine = hmac.compare_digest(signature, request.parameter("X-Tos-Signature"))
    if not genuine or not hmac.compare_digest(name, _name(app, task.id)):
        return "SignatureDoesNotMatch"
    signed_at = calendar.timegm(time.strptime(date, "%Y%m%dT%H%M%SZ"))
    return "RequestExpired" if app.clock.now() >= signed_at + int(expires) + 1 else ""


def _name(app: AppState, task_id: str) -> str:
    return hashlib.blake2b(task_id.encode(), key=app.secret, digest_size=16).hexdigest()


def _signature(app: AppState, *parts: str) -> str:
    return hmac.new(app.secret, "\n".join(parts).encode(), hashlib.sha256).hexdigest()
