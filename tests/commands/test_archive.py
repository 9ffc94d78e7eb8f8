"""``seedance_archive ID``: a lost video is had again without paying, and the command says what happened."""

import pytest
from django.utils import timezone

from seedance import tasks
from seedance.models import GenerationTask

from ..conftest import SAMPLE_MODEL, SAMPLE_PROMPT

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def finished(provider):
    """A task whose video waits at the provider."""
    request = {"model_name": SAMPLE_MODEL, "prompt": SAMPLE_PROMPT, "duration": 4, "resolution": "480p"}
    task = GenerationTask.objects.create_task(submit=True, **request)
    tasks.send_pending()
    provider.finish()
    GenerationTask.objects.all().poll_now()
    tasks.poll_due()
    return task


def test_lost_video_is_stored_by_way_of_a_fresh_link(run, provider, finished):
    GenerationTask.objects.update(
        attention="lost_media",
        next_archive_at=None,
        archive_attempts=5,
        video_url=f"{provider.url}/files/gone.mp4",
        video_url_expires_at=timezone.now(),
    )

    said = run("seedance_archive", finished.pk)

    row = GenerationTask.objects.get()
    assert (said.status, said.lines[-1], row.attention) == (0, "Done: 1 of 1.", "")
    assert row.video.name in said.out
    assert len(provider.creates) == 1


def test_video_that_cannot_be_had_is_reported_with_the_reason(run, provider, finished):
    provider.fault("html_for_mp4", on="download", times=None)

    said = run("seedance_archive", finished.pk)

    assert (said.status, said.lines[-1]) == (1, "Done: 0 of 1.")
    assert "not a video" in said.err


def test_video_that_fails_is_not_counted_as_stored(run, provider, finished):
    provider.fault("html_for_mp4", on="download", times=None)

    assert run("seedance_archive").lines == ["Failed, to be tried again: 1."]


def test_task_without_a_video_is_reported_as_such(run, make_task):
    said = run("seedance_archive", make_task(status="failed").pk)

    assert said.status == 1
    assert "only a succeeded task has a video" in said.err


def test_video_that_is_stored_already_is_not_fetched_again(run, provider, finished):
    tasks.archive_next()
    before = len(provider.requests)

    said = run("seedance_archive", finished.pk)

    assert (said.status, len(provider.requests)) == (0, before)
