"""Commands are called as a shell calls them, and heard."""

import io
from dataclasses import dataclass

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError


@dataclass(frozen=True)
class Spoken:
    """What a command said, and how it ended."""

    out: str
    err: str
    status: int

    @property
    def lines(self):
        return self.out.splitlines()


@pytest.fixture
def run():
    """Returns a function that runs a command with arguments as a shell would give them."""

    def run_command(name, *arguments):
        out, err = io.StringIO(), io.StringIO()
        try:
            call_command(name, *map(str, arguments), stdout=out, stderr=err, no_color=True)
        except CommandError as exc:
            return Spoken(out.getvalue(), err.getvalue() + str(exc), exc.returncode)
        return Spoken(out.getvalue(), err.getvalue(), 0)

    return run_command


@pytest.fixture
def quick(provider, settings):
    """The emulator finishes everything at once, and the first poll is due at once."""
    provider.configure(queue_seconds=0, run_seconds=0, render=False)
    entry = settings.SEEDANCE["PROVIDERS"]["default"]
    settings.SEEDANCE = {
        **settings.SEEDANCE,
        "TICK_SECONDS": 0.01,
        "PROVIDERS": {"default": {**entry, "FIRST_POLL_SECONDS": 0, "POLL_SECONDS": 0.01}},
    }
    return provider
