"""Bring finished videos home."""

from django.utils.translation import gettext as _

from ... import tasks
from ...models import GenerationTask
from ...queue import ShutdownSignal
from ..base import VerbCommand


class Command(VerbCommand):
    """Copies the videos of the tasks named, or of whatever waits, into storage."""

    help = "Brings finished videos home: those of the tasks named, or all that wait, those that die first first."

    def do_to(self, tasks_named: list[GenerationTask]) -> None:
        done = sum(tasks.archive_one(task) for task in tasks_named)
        self.report(done, tasks_named)

    def do_what_is_due(self, sign: ShutdownSignal) -> None:
        brought = 0
        while not sign.is_set and tasks.archive_next():
            brought += 1
        if brought:
            self.stdout.write(_("Brought home: %(count)d.") % {"count": brought})
