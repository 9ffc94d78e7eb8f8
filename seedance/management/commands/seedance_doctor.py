"""Check whether everything is in order, or show what would be sent."""

import uuid
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, transaction
from django.utils.translation import gettext as _

from ...models import GenerationTask
from ..doctor import OK, TROUBLE, Result, diagnose
from ..request_options import add_request_arguments, prepared
from ..request_preview import show


class Command(BaseCommand):
    """Prints one line for each check."""

    help = (
        "Checks settings, key, provider, storage, database, cluster, schedules and rows: one line each, exit status "
        "1 on trouble. With --show-request prints the create call of a task, or of what --prompt and the other options "
        "ask for, without sending it."
    )
    # The system checks are part of the diagnosis.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--show-request",
            nargs="?",
            const="",
            metavar="ID",
            help="Print the create call of this task, or without an id that of --prompt, and send nothing.",
        )
        parser.add_argument("--prompt", default="", help="With --show-request: what to show.")
        add_request_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["show_request"] is None:
            self._diagnose()
        else:
            self.stdout.write(_shown(options))

    def _diagnose(self) -> None:
        troubles = 0
        for result in diagnose():
            self.stdout.write(self._line(result))
            troubles += result.mark == TROUBLE
        if troubles:
            raise CommandError(_("Found trouble: %(count)d.") % {"count": troubles})

    def _line(self, result: Result) -> str:
        style = {OK: self.style.SUCCESS, TROUBLE: self.style.ERROR}.get(result.mark, self.style.WARNING)
        return f"{style(f'{result.mark:<8}')} {result.subject}: {result.text}"


def _shown(options: Mapping[str, Any]) -> str:
    try:
        return show(_stored(options["show_request"])) if options["show_request"] else _shown_once(options)
    except DatabaseError as exc:
        text = _("The database cannot be used (%(error)s); run “manage.py migrate” first.")
        raise CommandError(text % {"error": exc}) from exc


def _stored(text: str) -> GenerationTask:
    try:
        return GenerationTask.objects.get(pk=uuid.UUID(text))
    except (ValueError, GenerationTask.DoesNotExist):
        raise CommandError(_("There is no task %(ids)s.") % {"ids": text}) from None


def _shown_once(options: Mapping[str, Any]) -> str:
    """The create call of a task that exists only while it is shown."""
    with prepared(options["prompt"], options) as request, transaction.atomic(using=GenerationTask.objects.db):
        task = GenerationTask.objects.create_prepared(request)
        try:
            return show(task)
        finally:
            for item in task.media.exclude(file=""):
                item.file.delete(save=False)
            transaction.set_rollback(True)
