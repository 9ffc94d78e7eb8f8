"""When to look at a task again: as seldom as will do, by what is known of such tasks."""

import datetime as dt
import functools
import random
import time

from django.utils import timezone

from .. import conf
from ..models import Callback, GenerationTask

#: Longest pause between two looks at a task that takes long. Seconds.
LONGEST_PAUSE = 300.0
#: Pause while the provider calls us: looking is then only a safety net. Seconds.
CALLED_PAUSE = 120.0
#: Pause for the flex tier, whose tasks take minutes to hours. Seconds.
FLEX_PAUSE = 60.0
#: How much of the shortest run time seen lately to wait before the first look.
FIRST_SHARE = 0.8
#: How many finished tasks the history looks at, and how old they may be.
HISTORY, HISTORY_AGE = 20, dt.timedelta(days=2)
#: How long a call of the provider proves that its calls arrive.
CALLS_PROVE = dt.timedelta(hours=1)
#: How long what was read for this is good. Seconds.
MEMORY = 30.0


def first_poll_time(task: GenerationTask, provider: conf.Provider) -> dt.datetime:
    """When to ask for the first time: not before such a task was ever seen to finish."""
    now = timezone.now()
    if _is_called(provider):
        return now + dt.timedelta(seconds=max(CALLED_PAUSE, provider.FIRST_POLL_SECONDS))
    shortest = _shortest_run(provider.alias, task.model_name, task.resolution, task.duration, _period())
    pause = max(provider.FIRST_POLL_SECONDS, min(FIRST_SHARE * shortest, LONGEST_PAUSE))
    return now + dt.timedelta(seconds=pause)


def next_poll_time(task: GenerationTask, provider: conf.Provider) -> dt.datetime:
    """When to ask again: every ``POLL_SECONDS``, slower the longer it takes, spread a little."""
    now = timezone.now()
    age = (now - (task.submitted_at or now)).total_seconds()
    least = max(
        provider.POLL_SECONDS,
        FLEX_PAUSE if task.service_tier == "flex" and provider.PRESET != "emulator" else 0.0,
        CALLED_PAUSE if _is_called(provider) else 0.0,
    )
    pause = min(max(least, age / 30), max(LONGEST_PAUSE, least))
    return now + dt.timedelta(seconds=pause * random.uniform(0.95, 1.05))  # noqa: S311


def _is_called(provider: conf.Provider) -> bool:
    """Whether this provider is asked to call us, and was heard lately."""
    return bool(provider.CALLBACKS and conf.settings().PUBLIC_URL) and _was_heard(provider.alias, _period())


@functools.lru_cache(maxsize=64)
def _was_heard(alias: str, _period: int) -> bool:
    since = timezone.now() - CALLS_PROVE
    return Callback.objects.filter(received_at__gte=since, task__provider=alias).exists()


@functools.lru_cache(maxsize=256)
def _shortest_run(alias: str, model_name: str, resolution: str | None, duration: int | None, _period: int) -> float:
    """Seconds that the quickest of the last such tasks took, by the provider's own clock; 0 when none is known."""
    alike = GenerationTask.objects.filter(
        status="succeeded", provider=alias, model_name=model_name, resolution=resolution, duration=duration
    )
    recent = alike.filter(finished_at__gte=timezone.now() - HISTORY_AGE).order_by("-pk")
    times = recent.values_list("provider_created_at", "provider_updated_at")[:HISTORY]
    return min(((end - start).total_seconds() for start, end in times if start and end), default=0.0)


def _period() -> int:
    """A number that changes when what was read is to be read again."""
    return int(time.monotonic() // MEMORY)
