"""Base class of the commands that act on tasks: given ids, or whatever is due; once, or periodically."""

import logging
import uuid
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error, close_old_connections
from django.utils.translation import gettext as _

from ..models import GenerationTask
from ..queue import ShutdownSignal, shutdown_signal

logger = logging.getLogger(__name__)


class TaskCommand(BaseCommand):
    """Acts on the given tasks, or on whatever is due."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ids", nargs="*", metavar="ID", help="Tasks to take; without any, whatever is due.")
        parser.add_argument(
            "--every",
            type=_positive_seconds,
            metavar="SECONDS",
            help="Keep going, this often, until SIGTERM or Ctrl-C; a call to the provider under way is finished first.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["ids"] and options["every"]:
            raise CommandError(_("Give either ids or --every, not both."))
        if options["ids"]:
            self.handle_tasks(self._tasks(options["ids"]))
            return
        with shutdown_signal() as shutdown:
            while True:
                try:
                    self.handle_due(shutdown)
                except Error as exc:
                    if not options["every"]:
                        raise
                    # The database may be back next time; what was begun is in the rows.
                    logger.warning("database error in command error=%s", type(exc).__name__)
                if not options["every"] or shutdown.wait(options["every"]):
                    break
                close_old_connections()

    def handle_tasks(self, tasks: list[GenerationTask]) -> None:
        """Act on these tasks."""
        raise NotImplementedError

    def handle_due(self, shutdown: ShutdownSignal) -> None:
        """Act on whatever is due now."""
        raise NotImplementedError

    def report(self, done: int, tasks: list[GenerationTask]) -> None:
        """Say how many were done, and which were not because of their status."""
        self.stdout.write(_("Done: %(done)d of %(all)d.") % {"done": done, "all": len(tasks)})

    def _tasks(self, ids: list[str]) -> list[GenerationTask]:
        keys = [_uuid(text) for text in ids]
        found = GenerationTask.objects.in_bulk(keys)
        if missing := [str(key) for key in keys if key not in found]:
            raise CommandError(_("There is no task %(ids)s.") % {"ids": ", ".join(missing)})
        return [found[key] for key in keys]


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise CommandError(_("“%(text)s” is not a task id.") % {"text": text}) from None


def _positive_seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= 86_400:
        raise ValueError(text)
    return seconds
