"""Store finished videos."""

from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from ... import tasks
from ...models import Cause, GenerationTask, Status, TaskEvent
from ...queue import ShutdownSignal
from ..base import TaskCommand


class Command(TaskCommand):
    """Copies the videos of the tasks named, also lost ones, or of whatever waits, into storage."""

    help = (
        "Stores finished videos, never paying again: those of the tasks named, with a fresh link where the old one is "
        "dead, or all that wait, those whose links die first first."
    )

    def handle_tasks(self, tasks_named: list[GenerationTask]) -> None:
        refused: list[str] = []
        for task in tasks_named:
            tasks.archive_one(task, cause=Cause.COMMAND)
            task.refresh_from_db()
            if not task.video or task.archived_at is None:
                refused.append(f"{task.pk}: {_reason(task)}")
            else:
                self.stdout.write(f"{task.pk}: {task.video.name} {task.attention_detail}".strip())
        self.report(len(tasks_named) - len(refused), tasks_named)
        if refused:
            raise CommandError(_("Not stored:\n%(reasons)s") % {"reasons": "\n".join(refused)})

    def handle_due(self, shutdown: ShutdownSignal) -> None:
        stored = failed = 0
        while not shutdown.is_set and (task := tasks.archive_next()):
            stored, failed = (stored + 1, failed) if task.archived_at else (stored, failed + 1)
        if stored:
            self.stdout.write(_("Stored: %(count)d.") % {"count": stored})
        if failed:
            self.stdout.write(_("Failed, to be tried again: %(count)d.") % {"count": failed})


def _reason(task: GenerationTask) -> str:
    """Why the video of a task is not stored."""
    if task.status != Status.SUCCEEDED:
        return _("It is %(status)s; only a succeeded task has a video.") % {"status": task.get_status_display()}
    if task.archived_at:
        return _("The result files were deleted; they were kept long enough.")
    if task.lease_owner:
        return _("Another worker is storing it.")
    failure = task.events.filter(what=TaskEvent.What.ARCHIVE_FAILED).last()
    return failure.detail if failure else str(task.get_attention_display())
