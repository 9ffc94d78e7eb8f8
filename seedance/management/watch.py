"""Stay with one task until it is over: watch a cluster work, or do the work where there is none."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.core.management.base import OutputWrapper
from django.utils.translation import gettext as _

from .. import conf, tasks
from ..models import Account, Attention, GenerationTask, Lease, Status
from ..models.lease import ROUND
from ..queue import StopSign

try:
    from rich.console import Console
except ImportError:  # only the demonstration needs it
    Console = None  # type: ignore[assignment,misc]

#: How often the row is looked at. Seconds.
LOOK = 0.5
#: What no waiting will mend.
_HOPELESS = frozenset({Attention.PROVIDER, Attention.GONE, Attention.NO_VIDEO, Attention.LOST_MEDIA})


def stay_with(task: GenerationTask, sign: StopSign, tell: Callable[[str], None]) -> bool:
    """Wait until the task is over. Returns False when the stop sign went up before.

    Over means: final, with its video at home when it succeeded; or in a state that only a person can mend.
    """
    last_step = float("-inf")
    while not sign.is_up:
        # A call under way is finished first: breaking a create off would leave a paid task in doubt.
        if not is_round_awake() and time.monotonic() - last_step >= conf.settings().TICK_SECONDS:
            tasks.step(sign)
            tasks.archive_next(tasks.show_life)
            last_step = time.monotonic()
        task.refresh_from_db()
        tell(stage(task))
        if is_over(task):
            return True
        sign.wait(min(LOOK, conf.settings().TICK_SECONDS))
    return False


def is_round_awake() -> bool:
    """Whether a round is at work at this very moment, so that nothing is to be done here."""
    return Lease.objects.held().filter(name=ROUND).exists()


def stage(task: GenerationTask) -> str:
    """Where a task stands, with the step behind its success."""
    if task.status == Status.SUCCEEDED:
        return str(_("stored") if task.archived_at else _("bringing the video home"))
    return str(task.get_status_display())


def is_over(task: GenerationTask) -> bool:
    """Whether waiting any longer would be in vain."""
    if task.status == Status.UNCONFIRMED or task.attention in _HOPELESS:
        return True
    if task.status == Status.PENDING:
        return task.provider in Account.objects.paused_aliases()
    return task.is_final and (task.status != Status.SUCCEEDED or task.archived_at is not None)


@contextmanager
def progress_line(stdout: OutputWrapper) -> Iterator[Callable[[str], None]]:
    """Something to tell stages to: one moving line on a terminal with rich installed, else a line for each new one."""
    started = time.monotonic()

    def seconds() -> float:
        return time.monotonic() - started

    if Console is not None and stdout.isatty():
        with Console().status("") as line:
            yield lambda text: line.update(f"{seconds():4.0f} s  {text}")
        return
    told: list[str] = []

    def tell(text: str) -> None:
        if told[-1:] != [text]:
            told.append(text)
            stdout.write(f"{seconds():6.1f} s  {text}")
            stdout.flush()

    yield tell
