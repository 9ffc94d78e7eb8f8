"""When to poll a task next after a success: as rarely as possible, by the history of similar tasks."""

import datetime as dt
import random

from django.utils import timezone

from .. import conf
from ..models import GenerationTask
from . import history

#: Longest pause between two polls of a task that takes long. Seconds.
LONGEST_PAUSE = 300.0
#: Pause while callbacks arrive: polling is then only a safety net. Seconds.
CALLED_PAUSE = 120.0
#: Pause for the flex tier, whose tasks take minutes to hours. Seconds.
FLEX_PAUSE = 60.0
#: How much of the shortest run time seen lately to wait before the first poll.
FIRST_SHARE = 0.8


def first_poll_time(task: GenerationTask, provider: conf.Provider) -> dt.datetime:
    """When to ask for the first time: not before any similar task was seen to finish."""
    now = timezone.now()
    if _is_called(provider):
        return now + dt.timedelta(seconds=max(CALLED_PAUSE, provider.FIRST_POLL_SECONDS))
    pause = max(provider.FIRST_POLL_SECONDS, min(FIRST_SHARE * history.run_times(task).shortest, LONGEST_PAUSE))
    return now + dt.timedelta(seconds=pause)


def next_poll_time(task: GenerationTask, provider: conf.Provider) -> dt.datetime:
    """When to ask again: every ``POLL_SECONDS``, slower the longer it takes, spread a little."""
    now = timezone.now()
    age = (now - (task.submitted_at or now)).total_seconds()
    least = max(
        provider.POLL_SECONDS,
        FLEX_PAUSE if task.parameters.get("service_tier") == "flex" and provider.PRESET != "emulator" else 0.0,
        CALLED_PAUSE if _is_called(provider) else 0.0,
    )
    pause = min(max(least, age / 30), max(LONGEST_PAUSE, least))
    return now + dt.timedelta(seconds=pause * random.uniform(0.95, 1.05))  # noqa: S311


def _is_called(provider: conf.Provider) -> bool:
    """Whether callbacks are requested from this provider, and arrived recently."""
    return bool(provider.CALLBACKS and conf.settings().PUBLIC_URL) and history.is_called(provider.alias)
