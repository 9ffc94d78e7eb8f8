"""Fixtures that submit and poll a task."""

from collections.abc import Callable
from typing import Any

import pytest

from seedance import lifecycle
from seedance.models import GenerationTask

from ..conftest import SAMPLE_MODEL, SAMPLE_PROMPT


def claim_next() -> GenerationTask | None:
    """Claim the next pending task, as the dispatch does."""
    return next((task for pk in lifecycle.next_to_dispatch(1) if (task := lifecycle.claim(pk))), None)


@pytest.fixture
def sent(db: None, provider: Any) -> Callable[..., GenerationTask]:
    """Returns a function that creates a pending task and sends it, whatever comes of that."""

    def send(prompt: str = SAMPLE_PROMPT, **request: Any) -> GenerationTask:
        small = {"model_name": SAMPLE_MODEL, "duration": 4, "resolution": "480p"}
        task = GenerationTask.objects.create_task(prompt=prompt, submit=True, **{**small, **request})
        claimed = claim_next()
        assert claimed == task
        lifecycle.submit(claimed)
        return GenerationTask.objects.get(pk=task.pk)

    return send


@pytest.fixture
def polled() -> Callable[[GenerationTask], GenerationTask]:
    """Returns a function that polls a task and returns its row afterwards."""

    def poll(task: GenerationTask) -> GenerationTask:
        lifecycle.poll(GenerationTask.objects.get(pk=task.pk))
        return GenerationTask.objects.get(pk=task.pk)

    return poll
