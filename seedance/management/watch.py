"""Wait for one task: watch a cluster work, or do the work where no cluster runs."""

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

#: How often the row is read. Seconds.
READ_SECONDS = 0.5


def wait_for(task: GenerationTask, shutdown: ShutdownSignal, report: Callable[[str], None]) -> bool:
    """Wait until the task is done, or only a person can resolve it. Returns False after a shutdown signal."""
    last_step = float("-inf")
    while not shutdown.is_set:
        # A call under way is finished first: interrupting a create would leave the task unconfirmed.
        if not is_round_running() and time.monotonic() - last_step >= conf.settings().TICK_SECONDS:
            tasks.step(shutdown)
            tasks.archive_next(tasks.touch_round_lease)
            last_step = time.monotonic()
        task.refresh_from_db()
        report(stage(task))
        if is_done(task):
            return True
        shutdown.wait(min(READ_SECONDS, conf.settings().TICK_SECONDS))
    return False


def is_round_running() -> bool:
    """Whether a round is running now, so that the command only waits."""
    return Lease.objects.held().filter(name=ROUND_LEASE).exists()


def stage(task: GenerationTask) -> str:
    """The status of a task, with the archiving that follows a success."""
    if task.status == Status.SUCCEEDED:
        return str(_("stored") if task.archived_at else _("storing the video"))
    return str(task.get_status_display())


def is_done(task: GenerationTask) -> bool:
    """Whether waiting any longer is useless."""
    if task.is_done or task.waits_for_person:
        return True
    if task.status == Status.PENDING:
        return not GenerationTask.objects.sendable().filter(pk=task.pk).exists()
    return task.is_final and (task.status != Status.SUCCEEDED or task.archived_at is not None)


@contextmanager
def progress_line(stdout: OutputWrapper) -> Iterator[Callable[[str], None]]:
    """A function that shows a stage: in one line on a terminal with rich installed, else a line for each new one."""
    started = time.monotonic()

    def seconds() -> float:
        return time.monotonic() - started

    if Console is not None and stdout.isatty():
        with Console().status("") as line:
            yield lambda text: line.update(f"{seconds():4.0f} s  {text}")
        return
    reported: list[str] = []

    def report(text: str) -> None:
        if reported[-1:] != [text]:
            reported.append(text)
            stdout.write(f"{seconds():6.1f} s  {text}")
            stdout.flush()

    yield report
