"""Send tasks."""

from django.utils.translation import gettext as _

from ... import tasks
from ...models import Cause, GenerationTask
from ...queue import ShutdownSignal
from ..base import VerbCommand


class Command(VerbCommand):
    """Sends new tasks that are named, or whatever is pending."""

    help = "Sends tasks to the provider: new ones by id, or everything pending that may leave now."

    def do_to(self, tasks_named: list[GenerationTask]) -> None:
        rows = GenerationTask.objects.filter(pk__in=[task.pk for task in tasks_named])
        self.report(rows.submit(cause=Cause.COMMAND), tasks_named)
        tasks.send_pending()

    def do_what_is_due(self, sign: ShutdownSignal) -> None:
        if sent := tasks.send_pending(sign):
            self.stdout.write(_("Sent: %(count)d.") % {"count": sent})
