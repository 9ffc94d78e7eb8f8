"""Result files behind signed links, as object storage serves them: GET only, without a key, for a day."""

from __future__ import annotations

import hashlib
import json
import re
from email.utils import formatdate

from .app_state import AppState
from .links import link_trouble, succeeded_at
from .tasks import Task
from .wire import Request, Response

_TYPES = {"mp4": "video/mp4", "mov": "video/quicktime", "png": "image/png"}
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def serve(app: AppState, request: Request, task_id: str, name: str, suffix: str) -> Response:
    """The video or last frame of a task."""
    task = app.store.results.get(task_id)
    if task is None:
        return _refusal(404, "NoSuchKey")
    trouble = _trouble(app, request, task, name, suffix)
    if trouble:
        return _refusal(403, trouble)
    return file_response(request, result_file(app, task, suffix), suffix, succeeded_at(task))


def _trouble(app: AppState, request: Request, task: Task, name: str, suffix: str) -> str:
    if request.method != "GET":
        return "AccessDenied"
    if "Authorization" in request.headers:
        return "InvalidAuthorization"
    if trouble := link_trouble(app, task, suffix, name, request):
        return trouble
    with app.lock:
        task.downloads += 1
        exhausted = task.spec.model.download_cap and task.downloads > app.options.download_cap
    return "DownloadLimitExceeded" if exhausted else ""


def result_file(app: AppState, task: Task, suffix: str) -> bytes:
    """The bytes of a task's result, drawn now if nobody asked before. Slow; never call it with the lock held."""
    if suffix == "png":
        return app.renderer.last_frame(task.spec, app.options.render)
    return app.renderer.video(task.spec, app.options.render)


def file_response(request: Request, data: bytes, suffix: str, modified_at: float) -> Response:
    """The whole file, or the one range of it that was asked for."""
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"',
        "Last-Modified": formatdate(modified_at, usegmt=True),
    }
    wanted = _RANGE.fullmatch(request.headers.get("Range", ""))
    if wanted is None or wanted.groups() == ("", ""):
        return Response(200, data, headers, _TYPES[suffix])
    start, stop = _span(wanted, len(data))
    if start >= stop:
        return Response(416, b"", {**headers, "Content-Range": f"bytes */{len(data)}"}, _TYPES[suffix])
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
    return Response(206, data[start:stop], headers, _TYPES[suffix])


def _span(wanted: re.Match[str], size: int) -> tuple[int, int]:
    """First byte, and the one after the last; empty when the range lies outside."""
    first, last = wanted.groups()
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size


def _refusal(status: int, code: str) -> Response:
    return Response(status, json.dumps({"Code": code, "Message": "The link does not open this file."}).encode())
