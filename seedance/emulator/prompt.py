"""What hides inside a prompt: the provider's legacy `--flags`, and our own `[[markers]]`."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from typing import Any

_FLAG_NAMES = {
    "resolution": "resolution",
    "rs": "resolution",
    "ratio": "ratio",
    "rt": "ratio",
    "duration": "duration",
    "dur": "duration",
    "frames": "frames",
    "framespersecond": "",
    "fps": "",
    "seed": "seed",
    "camerafixed": "camera_fixed",
    "cf": "camera_fixed",
    "watermark": "watermark",
    "wm": "watermark",
}
_FLAG = re.compile(r"(?<!\S)--([A-Za-z_]+)(?:[ =]+(?!--)(\S+))?")
_MARKER = re.compile(r"\[\[\s*(fault|fail|run|queue)\s*:\s*([^\[\]]*?)\s*\]\]")
_BOOLEANS = {"true": True, "false": False}


def read_flags(text: str) -> dict[str, Any]:
    """The legacy flags of a prompt by body field name.

    Numbers become ints and booleans bools where they can. A flag that nobody knows, or whose value is nonsense, is
    dropped without a word, except that `duration` and `resolution` are kept as text for the validator to refuse.
    """
    found: dict[str, Any] = {}
    for name, value in _FLAG.findall(text):
        field_name = _FLAG_NAMES.get(name.lower(), "")
        if field_name:
            found[field_name] = _flag_value(field_name, value)
    return {name: value for name, value in found.items() if value is not None}


def _flag_value(name: str, value: str) -> Any:
    if name in ("camera_fixed", "watermark"):
        return _BOOLEANS.get(value.lower())
    if name in ("frames", "seed"):
        return int(value) if re.fullmatch(r"-?\d{1,10}", value) else None
    if name == "duration" and re.fullmatch(r"-?\d{1,10}", value):
        return int(value)
    return value


def spoken_words(text: str) -> str:
    """The prompt without flags and markers: what a person meant to see."""
    return " ".join(_MARKER.sub(" ", _FLAG.sub(" ", text)).split())


@dataclass(slots=True)
class Markers:
    """The `[[…]]` markers of one prompt."""

    #: Fault name and its options, in order of appearance.
    faults: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    #: Error code and message with which the task is to fail.
    failure: tuple[str, str] | None = None
    run_seconds: float | None = None
    queue_seconds: float | None = None


def read_markers(text: str) -> Markers:
    """Find `[[fault:NAME key=value …]]`, `[[fail:CODE message]]`, `[[run:SECONDS]]` and `[[queue:SECONDS]]`."""
    markers = Markers()
    for kind, value in _MARKER.findall(text):
        if kind == "fault" and value:
            markers.faults.append(_fault_marker(value))
        elif kind == "fail" and value:
            code, _, message = value.partition(" ")
            markers.failure = (code, message.strip())
        elif kind == "run":
            markers.run_seconds = _seconds(value)
        elif kind == "queue":
            markers.queue_seconds = _seconds(value)
    return markers


def _fault_marker(value: str) -> tuple[str, dict[str, Any]]:
    try:
        name, *pairs = shlex.split(value)
    except ValueError:
        name, *pairs = value.split()
    options = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    return name, {key: plain_value(text) for key, text in options.items()}


def plain_value(text: str) -> Any:
    """Read an option typed by a person: number, boolean, `none`, or the text itself."""
    lowered = text.lower()
    if lowered in ("none", "always"):
        return None
    if lowered in _BOOLEANS:
        return _BOOLEANS[lowered]
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def _seconds(value: str) -> float | None:
    try:
        return max(0.0, float(value))
    except ValueError:
        return None
