"""``manage.py api_token USER``"""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from project.accounts import fresh_token, person


class Command(BaseCommand):
    """Prints a token and nothing else, so that a shell can take it over."""

    help = "Prints a fresh API token for USER, who is made when missing. The user's old token stops working."

    def add_arguments(self, parser: CommandParser) -> None:
        """One name."""
        parser.add_argument("user", metavar="USER", help="user name")

    def handle(self, *args: Any, **options: Any) -> None:
        """Replace the token."""
        self.stdout.write(fresh_token(person(options["user"])))
