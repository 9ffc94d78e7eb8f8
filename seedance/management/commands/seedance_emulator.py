"""`manage.py seedance_emulator`: run the local provider."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from seedance.emulator import cli


class Command(BaseCommand):
    """Serve a stand-in for the Seedance provider on this machine until interrupted."""

    help = "Run a local stand-in for the Seedance provider. It listens on loopback only."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        cli.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            cli.serve(options, self._tell)
        except (OSError, ValueError) as exc:
            raise CommandError(str(exc)) from exc

    def _tell(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
