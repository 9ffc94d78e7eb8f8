"""Every provider of the matrix at once, and a way through our doors to it."""

from dataclasses import dataclass

import pytest

from seedance import intake, lifecycle
from seedance.models import GenerationTask

from .wishes import PLACES


@dataclass(frozen=True)
class Verdict:
    """What became of a wish: our own refusals, or else where its task stands after one create call."""

    refusals: tuple[str, ...]
    status: str = ""
    error: str = ""

    @property
    def agrees(self):
        """Whether the provider took what our rules let through."""
        return bool(self.refusals) or self.status == "queued"


@pytest.fixture
def places(provider, settings):
    """The emulator, standing in for every kind of host."""
    provider.configure(render=False)
    entries = {alias: place.settings(provider) for alias, place in PLACES.items()}
    settings.SEEDANCE = {**settings.SEEDANCE, "PROVIDERS": {**settings.SEEDANCE["PROVIDERS"], **entries}}
    return provider


@pytest.fixture
def ask(db, places):
    """Returns a function that asks for a wish as every door does, and sends it when our rules let it through."""

    def evaluate(request):
        prepared = intake.prepare(**request.arguments())
        if prepared.errors:
            return Verdict(tuple(f"{violation.field}: {violation}" for violation in prepared.errors))
        task = GenerationTask.objects.create_prepared(prepared, submit=True)
        lifecycle.submit(lifecycle.claim(task.pk))
        task.refresh_from_db()
        return Verdict((), task.status, f"{task.error_code} {task.error_message}")

    return evaluate
