"""Send tasks."""

from django.utils.translation import gettext as _

from ... import tasks
from ...models import Cause, GenerationTask
from ...queue import ShutdownSignal
from ..base import TaskCommand


class Command(TaskCommand):
    """Sends new tasks that are named, or whatever is pending."""

    help = "Sends tasks to the provider: new ones by id, or everything pending that may be sent now."

    def handle_tasks(self, tasks_named: list[GenerationTask]) -> None:
        rows = GenerationTask.objects.filter(pk__in=[task.pk for task in tasks_named])
        self.report(rows.submit(cause=Cause.COMMAND), tasks_named)
        tasks.send_pending()

    def handle_due(self, shutdown: ShutdownSignal) -> None:
        if sent := tasks.send_pending(shutdown):
            self.stdout.write(_("Sent: %(count)d.") % {"count": sent})
