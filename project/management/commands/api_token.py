"""``manage.py api_token USER``"""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from project.accounts import fresh_token, get_or_create_user


class Command(BaseCommand):
    """Print a token and nothing else, for use in a shell."""

    help = "Prints a new API token for USER, who is created if missing. The user's old token stops working."

    def add_arguments(self, parser: CommandParser) -> None:
        """The user name."""
        parser.add_argument("user", metavar="USER", help="user name")

    def handle(self, *args: Any, **options: Any) -> None:
        """Replace the token."""
        self.stdout.write(fresh_token(get_or_create_user(options["user"])))
