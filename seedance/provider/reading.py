"""Read what providers and relays answer: tolerant of what is missing, strict about what it would mean.

Source: "Task object", "Errors", "CometAPI specifics" and "Relay-gateway dialects" in docs/provider.md.
"""

import datetime as dt
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .types import RemoteTask

#: The provider's status words, in lower case, to ours. An unknown word changes nothing.
STATUS_WORDS = {
    "queued": "queued",
    "pending": "queued",
    "created": "queued",
    "submitted": "queued",
    "not_start": "queued",
    "running": "running",
    "in_progress": "running",
    "processing": "running",
    "succeeded": "succeeded",
    "success": "succeeded",
    "completed": "succeeded",
    "failed": "failed",
    "failure": "failed",
    "error": "failed",
    "cancelled": "cancelled",
    "canceled": "cancelled",
    "expired": "expired",
}

#: What the provider reports of the finished video: its name for it, ours, and the type it must have to count.
RESULT_KEYS: tuple[tuple[str, str, type | tuple[type, ...]], ...] = (
    ("duration", "duration", (int, float)),
    ("frames", "frames", int),
    ("ratio", "ratio", str),
    ("resolution", "resolution", str),
    ("framespersecond", "frames_per_second", (int, float)),
    ("seed", "seed", int),
    ("generate_audio", "generate_audio", bool),
    ("draft", "draft", bool),
    ("service_tier", "service_tier", str),
    ("revised_prompt", "revised_prompt", str),
)

_REQUEST_ID = re.compile(r"request id:\s*([\w-]{6,128})", re.IGNORECASE)


@dataclass(frozen=True)
class ErrorDetail:
    """What an error answer says: the provider's code, its message, its request id; each may be empty."""

    code: str = ""
    message: str = ""
    request_id: str = ""


#: No valid answer is nested deeper.
DEEPEST = 100


def read_object(body: bytes) -> dict[str, Any] | None:
    """The JSON object in an answer, ``None`` when there is none.

    What databases cannot keep is replaced: numbers that are not finite, NUL, and halves of surrogate pairs.
    """
    try:
        data = _storable(json.loads(body.decode("utf-8-sig"), parse_constant=lambda _: None))
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _storable(value: Any, depth: int = 0) -> Any:
    if depth > DEEPEST:
        raise ValueError("nested too deep")
    if isinstance(value, dict):
        return {_storable(name): _storable(item, depth + 1) for name, item in value.items()}
    if isinstance(value, list):
        return [_storable(item, depth + 1) for item in value]
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\x00", "\N{REPLACEMENT CHARACTER}")
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def read_error(data: Mapping[str, Any] | None) -> ErrorDetail:
    """Code and message out of any of the envelopes seen; a JSON error wrapped in the message is opened once."""
    error = _error_of(data or {})
    if error.message.lstrip().startswith("{"):
        inner = _error_of(read_object(error.message.encode("utf-8", "replace")) or {})
        error = ErrorDetail(inner.code or error.code, inner.message or error.message)
    found = _REQUEST_ID.search(error.message)
    request_id = found[1] if found else _text(_mapping((data or {}).get("ResponseMetadata")).get("RequestId"))
    return ErrorDetail(error.code, error.message, request_id)


def _error_of(data: Mapping[str, Any]) -> ErrorDetail:
    metadata = _mapping(data.get("ResponseMetadata"))
    for candidate in (data.get("error"), data.get("failure_reason"), metadata.get("Error"), data):
        if isinstance(candidate, str) and candidate:
            return ErrorDetail("", candidate)
        if isinstance(candidate, Mapping):
            code = candidate.get("code") or candidate.get("Code")
            message = candidate.get("message") or candidate.get("Message") or candidate.get("fail_reason")
            if code or message:
                return ErrorDetail(_text(code), _text(message))
    return ErrorDetail()


def read_task(data: Mapping[str, Any]) -> RemoteTask:
    """A task object of any dialect; what is missing or of the wrong type counts as absent."""
    task = _unwrapped(data)
    status_word = _text(task.get("status"))
    status = STATUS_WORDS.get(status_word.strip().lower(), "")
    error = read_error(task) if status in ("failed", "expired", "cancelled") else ErrorDetail()
    content = _mapping(task.get("content"))
    return RemoteTask(
        # Where a relay gives both, its ``id`` may be the number of its own row.
        provider_task_id=_text(task.get("task_id")) or _text(task.get("id")),
        status=status,
        status_word=status_word,
        model_name=_text(task.get("model")),
        video_url=_video_url(task, content) if status == "succeeded" else "",
        last_frame_url=_address(content.get("last_frame_url")),
        error_code=error.code,
        error_message=error.message,
        request_id=error.request_id,
        total_tokens=_total_tokens(_mapping(task.get("usage"))),
        result={ours: task[theirs] for theirs, ours, kind in RESULT_KEYS if _is(task.get(theirs), kind)},
        created_at=_moment(task.get("created_at") or task.get("submit_time")),
        updated_at=_moment(task.get("updated_at") or task.get("completed_at") or task.get("finish_time")),
        expires_after=_whole(task.get("execution_expires_after")) or None,
        raw=dict(data),
    )


def _unwrapped(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The task inside a relay's ``{code, message, data}``; the object itself otherwise."""
    inner = data.get("data")
    return inner if "status" not in data and isinstance(inner, Mapping) and "status" in inner else data


def _video_url(task: Mapping[str, Any], content: Mapping[str, Any]) -> str:
    candidates = (
        content.get("video_url"),
        task.get("video_url"),
        task.get("result_url"),
        _mapping(task.get("metadata")).get("url"),
        task.get("fail_reason"),  # older relays put the link of a success there
    )
    return next(filter(None, map(_address, candidates)), "")


def _total_tokens(usage: Mapping[str, Any]) -> int | None:
    total = _whole(usage.get("total_tokens"))
    return _whole(usage.get("completion_tokens")) if total is None else total


def _address(value: object) -> str:
    return value if isinstance(value, str) and value.lower().startswith(("http://", "https://")) else ""


def _text(value: object) -> str:
    return "" if value is None or isinstance(value, (dict, list)) else str(value)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _is(value: object, kind: type | tuple[type, ...]) -> bool:
    """``isinstance``, except that a boolean is no number."""
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _whole(value: object) -> int | None:
    """A count that a database can keep; negative and monstrous ones are as good as none."""
    try:
        number = int(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else -1
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number < 2**63 else None


def _moment(value: object) -> dt.datetime | None:
    """Unix seconds, or milliseconds as some relays send them, as an aware time."""
    seconds = _whole(value)
    if not seconds:
        return None
    try:
        return dt.datetime.fromtimestamp(seconds / 1000 if seconds > 10**11 else seconds, tz=dt.UTC)
    except (ValueError, OverflowError, OSError):
        return None
