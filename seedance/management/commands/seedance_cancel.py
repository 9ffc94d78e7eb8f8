"""Cancel tasks."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from ... import lifecycle, tasks
from ...exceptions import TransitionError
from ...models import Cause, GenerationTask
from ...queue import ShutdownSignal
from ..base import TaskCommand


class Command(TaskCommand):
    """Cancels the tasks named; a queued one is asked of the provider at once."""

    help = "Cancels tasks: here and now while the provider does not know them, by asking it while they are queued."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ids", nargs="+", metavar="ID", help="Tasks to cancel.")
        parser.set_defaults(every=None)

    def handle_tasks(self, tasks_named: list[GenerationTask]) -> None:
        refused: list[str] = []
        for task in tasks_named:
            try:
                lifecycle.cancel(task, cause=Cause.COMMAND)
            except TransitionError as exc:
                refused.append(f"{task.pk}: {exc}")
        tasks.poll([task for task in tasks_named if task.cancel_requested_at])
        self.report(len(tasks_named) - len(refused), tasks_named)
        if refused:
            raise CommandError(_("Not cancelled:\n%(reasons)s") % {"reasons": "\n".join(refused)})

    def handle_due(self, shutdown: ShutdownSignal) -> Any:
        raise CommandError(_("Name the tasks to cancel."))
