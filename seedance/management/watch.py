"""Stay with one task until it is over: watch a cluster work, or do the work where there is none."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.core.management.base import OutputWrapper
from django.utils.translation import gettext as _

from .. import conf, tasks
from ..models import GenerationTask, Lease, Status
from ..models.lease import ROUND_LEASE
from ..queue import ShutdownSignal

try:
    from rich.console import Console
except ImportError:  # only the demonstration needs it
    Console = None  # type: ignore[assignment,misc]

#: How often the row is looked at. Seconds.
LOOK = 0.5


def wait_for(task: GenerationTask, sign: ShutdownSignal, report: Callable[[str], None]) -> bool:
    """Wait until the task is over. Returns False when the stop sign went up before.

    Over means: done, or in a state that only a person can mend.
    """
    last_step = float("-inf")
    while not sign.is_set:
        # A call under way is finished first: breaking a create off would leave a paid task in doubt.
        if not is_round_awake() and time.monotonic() - last_step >= conf.settings().TICK_SECONDS:
            tasks.step(sign)
            tasks.archive_next(tasks.show_life)
            last_step = time.monotonic()
        task.refresh_from_db()
        report(stage(task))
        if is_done(task):
            return True
        sign.wait(min(LOOK, conf.settings().TICK_SECONDS))
    return False


def is_round_awake() -> bool:
    """Whether a round is at work at this very moment, so that nothing is to be done here."""
    return Lease.objects.held().filter(name=ROUND_LEASE).exists()


def stage(task: GenerationTask) -> str:
    """Where a task stands, with the step behind its success."""
    if task.status == Status.SUCCEEDED:
        return str(_("stored") if task.archived_at else _("bringing the video home"))
    return str(task.get_status_display())


def is_done(task: GenerationTask) -> bool:
    """Whether waiting any longer would be in vain."""
    if task.is_done or task.waits_for_person:
        return True
    if task.status == Status.PENDING:
        return not GenerationTask.objects.sendable().filter(pk=task.pk).exists()
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

    def report(text: str) -> None:
        if told[-1:] != [text]:
            told.append(text)
            stdout.write(f"{seconds():6.1f} s  {text}")
            stdout.flush()

    yield report
