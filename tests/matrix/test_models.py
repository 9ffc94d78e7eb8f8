"""Every model in every mode: from a wish to a stored video of the size and length that the catalogue promises."""

import pytest
from django.core.files.base import File

from seedance.catalogue import load
from seedance.media.measure import measure
from seedance.models import GenerationTask, Status

from ..conftest import run_to_the_end
from .wishes import ADDRESSES, MEDIA_ROLES, PLACES, PROMPT

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

ROLES = {
    "t2v": (),
    "i2v": ("first_frame",),
    "flf2v": ("first_frame", "last_frame"),
    "r2v": ("reference_image",),
}
CASES = [(row, mode) for row in load().models_for(PLACES["emulator"].host) for mode in row.capabilities.modes]


def made(row, mode):
    """A pending task: smallest resolution, shortest duration. Its picture is drawn once for all modes of a model."""
    media = [{"role": role, "url": ADDRESSES[MEDIA_ROLES[role]]} for role in ROLES[mode]]
    ratio = "adaptive" if mode in row.capabilities.adaptive_only else "16:9"
    return GenerationTask.objects.create_task(
        prompt=PROMPT,
        model_name=row.name,
        media=media,
        resolution="480p",
        ratio=ratio,
        duration=row.limits.duration.minimum,
        submit=True,
    )


@pytest.mark.parametrize(("row", "mode"), CASES, ids=[f"{row.family}-{mode}" for row, mode in CASES])
def test_model_makes_what_was_asked_for(provider, row, mode):
    task = made(row, mode)

    run_to_the_end(provider, task)

    assert (task.status, task.attention) == (Status.SUCCEEDED, "")
    with task.video.open("rb") as video:
        facts = measure(File(video))
    assert (facts.width, facts.height) == row.size("480p", "16:9")
    assert facts.duration == pytest.approx(row.limits.duration.minimum, abs=0.1)
    assert facts.frames_per_second == 24


def test_every_mode_of_every_model_has_a_case():
    assert {mode for _row, mode in CASES} == set(ROLES)
    assert len(CASES) >= 28


EXACT = [(row, mode) for row, mode in CASES if mode not in row.capabilities.adaptive_only]


@pytest.mark.parametrize(("row", "mode"), EXACT, ids=[f"{row.family}-{mode}" for row, mode in EXACT])
def test_estimate_is_what_the_provider_then_counts(provider, row, mode):
    provider.configure(render=False)
    task = made(row, mode)
    estimated = task.estimate_amount

    run_to_the_end(provider, task)

    assert task.cost_amount == estimated


def test_estimate_of_an_adaptive_ratio_is_not_exceeded(provider):
    provider.configure(render=False)
    task = made(CASES[0][0], "i2v")
    estimated = task.estimate_amount

    run_to_the_end(provider, task)

    assert task.cost_amount <= estimated


@pytest.mark.parametrize("row", load().models_for(PLACES["cometapi-videos"].host), ids=lambda row: row.family)
def test_model_makes_what_was_asked_for_in_the_unified_dialect(provider, settings, row):
    settings.SEEDANCE = {"PROVIDERS": {"default": PLACES["cometapi-videos"].settings(provider)}}
    task = made(row, "t2v")

    run_to_the_end(provider, task)

    assert (task.status, task.attention) == (Status.SUCCEEDED, "")
    with task.video.open("rb") as video:
        facts = measure(File(video))
    assert (facts.width, facts.height) == row.size("480p", "16:9")
    assert facts.duration == pytest.approx(row.limits.duration.minimum, abs=0.1)
