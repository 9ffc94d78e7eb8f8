"""Statistics of recent tasks: how long they ran, and whether callbacks arrive. Cached, and read from bounded ranges.

The poll schedule and the flag for slow tasks both build on it.
"""

import datetime as dt
import math
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils import timezone

from ..models import Callback, EventText, GenerationTask
from ..models.ids import first_id_of

#: How many finished tasks of a kind are read, and when the oldest of them was created.
ROWS, AGE = 100, dt.timedelta(days=3)
#: How long a callback proves that callbacks arrive.
CALLS_PROVE = dt.timedelta(hours=1)
#: How long what was read is good. Seconds.
TTL = 60.0
#: Answers kept at a time.
CACHE_SIZE = 512

#: A task is slow after this many times the run time that ``USUAL_SHARE`` of its kind stayed below.
SLOW_FACTOR, USUAL_SHARE = 2.0, 0.95
#: Fewer finished tasks than this say nothing about what is usual.
LEAST_HISTORY = 10
#: No task is slow before this, however quick its kind is. Seconds.
LEAST_SLOW = 300.0
#: When a task is slow while too little is known of its kind: for videos up to ``FLOOR_VIDEO`` seconds; longer, later.
FLOOR, FLOOR_VIDEO = 1200.0, 10
#: The flex tier may take hours: no task of it is slow before this. Seconds.
FLEX_FLOOR = 6 * 3600.0

#: Parameters that tell how long a task takes, beside its service tier.
_KIND = ("resolution", "duration", "frames")


class TtlCache:
    """Answers by key, each for ``seconds``; one for each process, safe to share between threads."""

    def __init__(self, seconds: float, size: int) -> None:
        self._seconds, self._size = seconds, size
        self._answers: dict[Hashable, tuple[float, Any]] = {}

    def get(self, key: Hashable, read: Callable[[], Any]) -> Any:
        """The answer for this key, read again once it is too old. Two threads may read at the same moment."""
        now = time.monotonic()
        known = self._answers.get(key)
        if known is not None and now - known[0] < self._seconds:
            return known[1]
        answer = read()
        if len(self._answers) >= self._size:
            self._answers = {}
        self._answers[key] = (now, answer)
        return answer

    def clear(self) -> None:
        """Forget everything."""
        self._answers = {}


_cache = TtlCache(TTL, CACHE_SIZE)


def forget() -> None:
    """Read everything anew from here on, for tests."""
    _cache.clear()


@dataclass(frozen=True)
class RunTimes:
    """How long the latest finished tasks of one kind took from create to end, in seconds, shortest first."""

    seconds: tuple[float, ...] = ()

    @property
    def shortest(self) -> float:
        """The quickest; 0 when none is known."""
        return self.seconds[0] if self.seconds else 0.0

    @property
    def usual_count(self) -> int:
        """How many of them make up ``USUAL_SHARE``."""
        return math.ceil(USUAL_SHARE * len(self.seconds))

    @property
    def usual(self) -> float | None:
        """The time that ``usual_count`` of them stayed within; ``None`` when too few are known."""
        return self.seconds[self.usual_count - 1] if len(self.seconds) >= LEAST_HISTORY else None


def run_times(task: GenerationTask) -> RunTimes:
    """How long finished tasks of the same provider, model, resolution, length and tier took lately."""
    kind = tuple(task.parameters.get(name) for name in _KIND)
    key = ("run times", task.provider, task.model_name, *kind, _is_flex(task))
    return _cache.get(key, lambda: _read_run_times(task))


def is_called(alias: str) -> bool:
    """Whether a callback of this provider arrived lately."""
    return _cache.get(("callbacks", alias), lambda: _read_is_called(alias))


def slow_after(task: GenerationTask) -> float:
    """Seconds after its create at which a task counts as slow, compared with similar ones; a flag, not a status."""
    usual = run_times(task).usual
    if usual is None:
        limit = FLOOR * max(1.0, (_video_seconds(task) or 0) / FLOOR_VIDEO)
    else:
        limit = max(LEAST_SLOW, SLOW_FACTOR * usual)
    return max(limit, FLEX_FLOOR) if _is_flex(task) else limit


def is_slow(task: GenerationTask) -> bool:
    """Whether a task at the provider takes far longer than similar ones. Costs no query for a young one."""
    age = _age(task)
    return age > LEAST_SLOW and age > slow_after(task)


def why_slow(task: GenerationTask) -> EventText:
    """The figures behind ``is_slow``."""
    seconds, resolution = task.parameters.get("duration") or 0, task.parameters.get("resolution")
    words = [f"{seconds} s" if seconds > 0 else "", f"at {resolution}" if resolution else ""]
    kind = " ".join(filter(None, words)) or EventText("similar_tasks")
    known, so_far = run_times(task), _in_words(_age(task))
    if known.usual is None:
        return EventText("slow_without_history", kind=kind, limit=_in_words(slow_after(task)), so_far=so_far)
    counts = {"count": known.usual_count, "total": len(known.seconds)}
    return EventText("slow", kind=kind, usual=_in_words(known.usual), so_far=so_far, **counts)


def _read_run_times(task: GenerationTask) -> RunTimes:
    flex = Q(parameters__service_tier="flex")
    alike = GenerationTask.objects.filter(
        flex if _is_flex(task) else Q(parameters__service_tier__isnull=True) | ~flex,
        *(_has(name, task.parameters.get(name)) for name in _KIND),
        pk__gte=first_id_of(timezone.now() - AGE),
        status="succeeded",
        provider=task.provider,
        model_name=task.model_name,
    )
    columns = ("provider_created_at", "provider_updated_at", "submitted_at", "finished_at")
    rows = alike.order_by("-pk").values_list(*columns)[:ROWS]
    return RunTimes(tuple(sorted(seconds for row in rows if (seconds := _seconds(*row)) is not None)))


def _has(name: str, value: object) -> Q:
    """Rows with this value of a parameter; ``None``: without the parameter."""
    key = f"parameters__{name}"
    return Q(**{f"{key}__isnull": True}) if value is None else Q(**{key: value})


def _seconds(
    created: dt.datetime | None,
    updated: dt.datetime | None,
    submitted: dt.datetime | None,
    finished: dt.datetime | None,
) -> float | None:
    """By the provider's own clock, or by ours, which also counts the time until we asked."""
    if created and updated:
        return max(0.0, (updated - created).total_seconds())
    if submitted and finished:
        return max(0.0, (finished - submitted).total_seconds())
    return None


def _read_is_called(alias: str) -> bool:
    since = timezone.now() - CALLS_PROVE
    return Callback.objects.filter(received_at__gte=since, task__provider=alias).exists()


def _is_flex(task: GenerationTask) -> bool:
    return task.parameters.get("service_tier") == "flex"


def _video_seconds(task: GenerationTask) -> float | None:
    """Length of the video asked for; ``None`` when the model decides."""
    frames, seconds = task.parameters.get("frames") or 0, task.parameters.get("duration") or 0
    if frames > 0:
        return frames / 24
    return seconds if seconds > 0 else None


def _age(task: GenerationTask) -> float:
    return (timezone.now() - task.submitted_at).total_seconds() if task.submitted_at else 0.0


def _in_words(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 2 * 3600 else f"{seconds / 3600:.1f} h"
