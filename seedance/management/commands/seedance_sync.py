"""Keep tasks in step with the provider."""

from django.utils.translation import gettext as _

from ... import tasks
from ...models import GenerationTask
from ...queue import ShutdownSignal
from ..base import VerbCommand


class Command(VerbCommand):
    """Asks about tasks that are named; or does a whole round: sends, looks, brings videos home."""

    help = (
        "Asks the provider about the tasks named. Without ids: everything a round does, that is sending what is "
        "pending, asking about what is due and bringing finished videos home; with --every 5 a site needs no cluster."
    )

    def do_to(self, tasks_named: list[GenerationTask]) -> None:
        in_flight = [task for task in tasks_named if task.is_in_flight]
        tasks.poll(in_flight)
        self.report(len(in_flight), tasks_named)

    def do_what_is_due(self, sign: ShutdownSignal) -> None:
        tasks.step(sign)
        brought = 0
        while not sign.is_set and (task := tasks.archive_next(tasks.show_life)):
            brought += task.archived_at is not None
            tasks.show_life()
        if brought:
            self.stdout.write(_("Brought home: %(count)d.") % {"count": brought})
