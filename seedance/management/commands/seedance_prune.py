"""Retention: delete what is older than the settings say."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ... import retention


class Command(BaseCommand):
    """Calls ``retention``."""

    help = (
        "Deletes result files, tasks and callbacks that are older than KEEP_VIDEOS_DAYS, KEEP_TASKS_DAYS and "
        "KEEP_CALLBACKS_DAYS, and old failures of our jobs. Tasks that may still change are never touched."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Only say how many there are of each.")

    def handle(self, *args: Any, **options: Any) -> None:
        keep = retention.policy()
        pruned = retention.count(keep) if options["dry_run"] else retention.prune(keep)
        self.stdout.write(_("To delete:") if options["dry_run"] else _("Deleted:"))
        for text, number in (
            (ngettext("result files of %(n)d task", "result files of %(n)d tasks", pruned.videos), pruned.videos),
            (ngettext("%(n)d task", "%(n)d tasks", pruned.tasks), pruned.tasks),
            (ngettext("%(n)d callback", "%(n)d callbacks", pruned.callbacks), pruned.callbacks),
            (ngettext("%(n)d failed job", "%(n)d failed jobs", pruned.failures), pruned.failures),
        ):
            self.stdout.write("  " + text % {"n": number})
