"""What the commands that do an admin's verb have in common: ids, or whatever is due; once, or every so often."""

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


class VerbCommand(BaseCommand):
    """Does a verb to the tasks named, or to whatever is due."""

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
            self.do_to(self._tasks(options["ids"]))
            return
        with shutdown_signal() as sign:
            while True:
                try:
                    self.do_what_is_due(sign)
                except Error as exc:
                    if not options["every"]:
                        raise
                    # The database may be back at the next turn; what was begun is in the rows.
                    logger.warning("command met a database error error=%s", type(exc).__name__)
                if not options["every"] or sign.wait(options["every"]):
                    break
                close_old_connections()

    def do_to(self, tasks: list[GenerationTask]) -> None:
        """The verb, for tasks that somebody named."""
        raise NotImplementedError

    def do_what_is_due(self, sign: ShutdownSignal) -> None:
        """The verb, for whatever is due now."""
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
