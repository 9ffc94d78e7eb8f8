"""Everything that can be made to go wrong, by name.

Four kinds of fault:

- *response*: something else is answered and nothing is done (with `acted=True` it is done all the same);
- *distort*: the request is done and the response is damaged on its way out;
- *life*: the next accepted task behaves oddly for good;
- *callback*: the next accepted task's callbacks do.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .corruption import ANSWERS, DISTORTIONS, Builder, Distorter, custom_response
from .prompt import read_markers
from .wire import Response

OPERATIONS = ("create", "get", "list", "delete", "download")
_API = ("create", "get", "list", "delete")
#: Options that must be numbers, whatever fault they belong to.
_NUMBERS = ("status", "retry_after", "seconds", "kept", "gets")
_MARKED = re.compile(rb"\[\[\s*fault\s*:[^\[\]]*\]\]")


@dataclass(frozen=True, slots=True)
class Fault:
    """The definition of a named fault."""

    name: str
    kind: str
    #: Operations it applies to when none is named.
    operations: tuple[str, ...] = ("create",)


FAULTS: Mapping[str, Fault] = {
    fault.name: fault
    for fault in (
        Fault("connection_reset", "response", _API),
        Fault("rate_limited", "response", _API),
        Fault("html_502", "response", _API),
        Fault("redirect_301", "response", _API),
        Fault("html_200", "response", _API),
        Fault("invalid_request_500", "response", _API),
        Fault("wrapped_451", "response", _API),
        Fault("flat_error", "response", _API),
        Fault("response_metadata_error", "response", _API),
        Fault("comet_parse_error", "response"),
        Fault("html_for_mp4", "response", ("download",)),
        Fault("lost_response_after_accept", "distort"),
        Fault("empty_id", "distort"),
        Fault("missing_id", "distort"),
        Fault("truncated_json", "distort", _API),
        Fault("empty_body", "distort", _API),
        Fault("gzip_mislabel", "distort", _API),
        Fault("null_instead_of_omitted", "distort", ("get", "list")),
        Fault("truncated_mp4", "distort", ("download",)),
        Fault("slow_headers", "distort", (*_API, "download")),
        Fault("slow_body", "distort", (*_API, "download")),
        Fault("error_at_transition", "life"),
        Fault("unknown_status", "life"),
        Fault("status_backwards", "life"),
        Fault("frozen_running", "life"),
        Fault("success_without_url", "life"),
        Fault("url_expired", "life"),
        Fault("callback_dropped", "callback"),
        Fault("callback_doubled", "callback"),
        Fault("callback_late", "callback"),
        Fault("callback_early", "callback"),
        Fault("callback_reordered", "callback"),
        Fault("callback_forged", "callback"),
    )
}
_LASTING = ("life", "callback")


@dataclass(slots=True)
class Armed:
    """A fault waiting to strike. `times` counts down; None strikes for ever."""

    name: str
    operations: tuple[str, ...]
    times: int | None = 1
    task_id: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def acts_first(self) -> bool:
        """Whether the request is carried out although the response will not say so."""
        return self.name in DISTORTIONS or bool(self.options.get("acted"))

    @property
    def is_lasting(self) -> bool:
        """Whether it shapes a task's whole life instead of one request."""
        return bool(self.name) and FAULTS[self.name].kind in _LASTING

    def response(self) -> Response:
        """The false response of a *response* fault."""
        build: Builder = custom_response if self.name == "" else ANSWERS[self.name]
        return build(self.options)

    def spoil(self, response: Response) -> Response:
        """What becomes of the true response."""
        if self.name in DISTORTIONS:
            distort: Distorter = DISTORTIONS[self.name]
            return distort(response, self.options)
        false = self.response()
        false.after = response.after
        return false


def arm(
    name: str, on: str | Iterable[str] | None, times: int | None, task_id: str, options: Mapping[str, Any]
) -> Armed:
    """Make a named fault ready.

    Raises:
        ValueError: for an unknown fault or operation, or an option that should be a number.
    """
    if name not in FAULTS:
        raise ValueError(f"unknown fault {name!r}; known: {', '.join(sorted(FAULTS))}")
    if wrong := _not_numbers(options):
        raise ValueError(f"{wrong[0]} must be a number")
    operations = FAULTS[name].operations if on is None else _operations(on)
    return Armed(name, operations, times, task_id, dict(options))


def _not_numbers(options: Mapping[str, Any]) -> list[str]:
    return [name for name in _NUMBERS if name in options and not isinstance(options[name], int | float)]


def _operations(on: str | Iterable[str]) -> tuple[str, ...]:
    wanted = (on,) if isinstance(on, str) else tuple(on)
    if wrong := [each for each in wanted if each not in OPERATIONS]:
        raise ValueError(f"unknown operation {wrong[0]!r}; known: {', '.join(OPERATIONS)}")
    return wanted


class FaultQueue:
    """The faults armed for this emulator, applied in the order in which they were armed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: list[Armed] = []

    def reset(self) -> None:
        with self._lock:
            self._armed = []

    def add(self, armed: Armed) -> None:
        with self._lock:
            self._armed = [*self._armed, armed]

    def fail_next(self, on: str, times: int | None, options: Mapping[str, Any]) -> None:
        """Answer the next requests of an operation with a status and body of one's own."""
        self.add(Armed("", _operations(on), times, "", dict(options)))

    def take(self, operation: str, task_id: str = "", own: list[Armed] | None = None) -> Armed | None:
        """Use up the first fault of the wire that fits a request; a task's `own` faults come first."""
        if not own and not self._armed:
            return None
        with self._lock:
            for armed in [*(own or ()), *self._armed]:
                if not armed.is_lasting and operation in armed.operations and armed.task_id in ("", task_id):
                    self._use(armed, own)
                    return armed
        return None

    def _use(self, armed: Armed, own: list[Armed] | None = None) -> None:
        if armed.times is None:
            return
        armed.times -= 1
        if armed.times <= 0:
            self._armed = [each for each in self._armed if each is not armed]
            if own is not None and armed in own:
                own.remove(armed)

    def behaviours_for_new_task(self) -> dict[str, Mapping[str, Any]]:
        """Use up one of each lasting fault armed for the next accepted task."""
        with self._lock:
            lasting = [each for each in self._armed if each.is_lasting]
            for armed in lasting:
                self._use(armed)
        return {armed.name: armed.options for armed in lasting}


def sort_markers(faults: Iterable[tuple[str, dict[str, Any]]]) -> tuple[dict[str, Mapping[str, Any]], list[Armed]]:
    """The faults asked for in a prompt: lasting behaviours, and transport faults. Nonsense is ignored."""
    behaviours: dict[str, Mapping[str, Any]] = {}
    wire: list[Armed] = []
    for name, options in faults:
        if name not in FAULTS or _not_numbers(options):
            continue
        if FAULTS[name].kind in _LASTING:
            behaviours[name] = options
            continue
        rest = dict(options)
        on = rest.pop("on", None)
        operations = (on,) if on in OPERATIONS else FAULTS[name].operations
        times = rest.pop("times", 1)
        wire.append(Armed(name, operations, times if isinstance(times, int | None) else 1, "", rest))
    return behaviours, wire


def faults_marked_in(body: bytes) -> list[Armed]:
    """Faults of the wire asked for inside a create request that has not been understood yet."""
    if b"[[" not in body:
        return []
    text = b" ".join(_MARKED.findall(body)).replace(b'\\"', b'"').decode("utf-8", "replace")
    return sort_markers(read_markers(text).faults)[1]
