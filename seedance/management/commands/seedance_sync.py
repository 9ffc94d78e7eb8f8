"""Keep tasks in step with the provider."""

from django.utils.translation import gettext as _

from ... import tasks
from ...models import GenerationTask
from ...queue import ShutdownSignal
from ..base import TaskCommand


class Command(TaskCommand):
    """Polls the given tasks; or does a whole round: sends, polls, archives."""

    help = (
        "Asks the provider about the tasks named. Without ids: everything a round does, that is sending what is "
        "pending, polling what is due and archiving finished videos; with --every 5 a site needs no cluster."
    )

    def handle_tasks(self, tasks_named: list[GenerationTask]) -> None:
        in_flight = [task for task in tasks_named if task.is_in_flight]
        tasks.poll(in_flight)
        self.report(len(in_flight), tasks_named)

    def handle_due(self, shutdown: ShutdownSignal) -> None:
        tasks.step(shutdown)
        stored = 0
        while not shutdown.is_set and (task := tasks.archive_next(tasks.touch_round_lease)):
            stored += task.archived_at is not None
            tasks.touch_round_lease()
        if stored:
            self.stdout.write(_("Stored: %(count)d.") % {"count": stored})
