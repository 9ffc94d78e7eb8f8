"""Result files behind signed links, as object storage serves them: GET only, without a key, for a day."""

from __future__ import annotations

import hashlib
import json
import re
from email.utils import formatdate

from .links import link_trouble, succeeded_at
from .tasks import Task
from .wire import Answer, Heard
from .world import World

_TYPES = {"mp4": "video/mp4", "mov": "video/quicktime", "png": "image/png"}
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def serve(world: World, heard: Heard, task_id: str, name: str, suffix: str) -> Answer:
    """The video or last frame of a task."""
    task = world.state.results.get(task_id)
    if task is None:
        return _refusal(404, "NoSuchKey")
    trouble = _trouble(world, heard, task, name, suffix)
    if trouble:
        return _refusal(403, trouble)
    return file_answer(heard, result_file(world, task, suffix), suffix, succeeded_at(task))


def _trouble(world: World, heard: Heard, task: Task, name: str, suffix: str) -> str:
    if heard.method != "GET":
        return "AccessDenied"
    if "Authorization" in heard.headers:
        return "InvalidAuthorization"
    if trouble := link_trouble(world, task, suffix, name, heard):
        return trouble
    with world.lock:
        task.downloads += 1
        exhausted = task.order.model.download_cap and task.downloads > world.options.download_cap
    return "DownloadLimitExceeded" if exhausted else ""


def result_file(world: World, task: Task, suffix: str) -> bytes:
    """The bytes of a task's result, drawn now if nobody asked before. Slow; never call it with the lock held."""
    if suffix == "png":
        return world.renderer.last_frame(task.order, world.options.render)
    return world.renderer.video(task.order, world.options.render)


def file_answer(heard: Heard, data: bytes, suffix: str, modified_at: float) -> Answer:
    """The whole file, or the one range of it that was asked for."""
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"',
        "Last-Modified": formatdate(modified_at, usegmt=True),
    }
    wanted = _RANGE.fullmatch(heard.headers.get("Range", ""))
    if wanted is None or wanted.groups() == ("", ""):
        return Answer(200, data, headers, _TYPES[suffix])
    start, stop = _span(wanted, len(data))
    if start >= stop:
        return Answer(416, b"", {**headers, "Content-Range": f"bytes */{len(data)}"}, _TYPES[suffix])
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
    return Answer(206, data[start:stop], headers, _TYPES[suffix])


def _span(wanted: re.Match[str], size: int) -> tuple[int, int]:
    """First byte, and the one after the last; empty when the range lies outside."""
    first, last = wanted.groups()
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size


def _refusal(status: int, code: str) -> Answer:
    return Answer(status, json.dumps({"Code": code, "Message": "The link does not open this file."}).encode())
