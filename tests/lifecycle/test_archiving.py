"""The video is stored completely, once, and before its link expires; or the row says why not."""

import datetime as dt
import hashlib

import pytest
from django.db import connection
from django.utils import timezone

from seedance import lifecycle
from seedance.lifecycle import archiving
from seedance.models import GenerationTask
from seedance.signals import task_archived

from ..conftest import content_of


@pytest.fixture
def finished(provider, sent, polled):
    """Returns a function that brings a task to the point where its video waits at the provider."""

    def finish(**request):
        task = sent(**request)
        provider.finish()
        return polled(task)

    return finish


def archived():
    claimed = lifecycle.claim_archivable()
    lifecycle.archive(claimed)
    return GenerationTask.objects.get(pk=claimed.pk)


def downloads(provider):
    return [heard for heard in provider.requests if heard.path.startswith("/files/")]


def test_video_is_stored_with_size_and_checksum(finished):
    finished()

    task = archived()

    content = content_of(task.video)
    assert (task.video_bytes, task.video_sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert task.archived_at is not None


def test_video_has_a_poster(finished):
    finished()

    task = archived()

    assert content_of(task.poster)[:3] == b"\xff\xd8\xff"


def test_last_frame_is_stored_when_it_was_asked_for(finished):
    finished(return_last_frame=True)

    task = archived()

    assert content_of(task.last_frame)[:4] == b"\x89PNG"


def test_link_is_fetched_without_our_key(provider, finished):
    finished()

    archived()

    assert all("authorization" not in {name.lower() for name in heard.headers} for heard in downloads(provider))


@pytest.mark.django_db(transaction=True)
def test_archived_signal_reaches_all_receivers_after_the_commit(finished, caplog):
    finished()
    heard = []

    def fails(**_signal):
        raise ValueError("a receiver of the site")

    def hears(task, **_signal):
        heard.append((task.pk, connection.in_atomic_block))

    task_archived.connect(fails)
    task_archived.connect(hears)
    task = archived()
    task_archived.disconnect(fails)
    task_archived.disconnect(hears)

    assert heard == [(task.pk, False)]
    assert "a receiver of the site" in caplog.text


@pytest.mark.parametrize("fault", ["truncated_mp4", "html_for_mp4"])
def test_broken_download_is_tried_again_and_stores_nothing(provider, finished, fault):
    finished()
    provider.fault(fault, on="download", times=None)

    task = archived()

    assert (task.archived_at, task.video.name, task.archive_attempts) == (None, "", 1)
    assert task.next_archive_at > timezone.now()
    assert task.events.filter(what="archive_failed").exists()


def test_video_of_an_alias_that_left_the_settings_is_stored(finished, settings, monkeypatch):
    finished()
    GenerationTask.objects.update(provider="gone")
    # Stands for a public host, which no test may speak to.
    monkeypatch.setattr("seedance.provider.download.is_private_host", lambda name: False)

    task = archived()

    assert task.archived_at is not None


def test_dead_link_is_renewed_by_asking_again(provider, finished):
    task = finished()
    provider.fail_next(403, on="download")
    GenerationTask.objects.update(video_url=task.video_url + "&stale=1")

    task = archived()

    assert task.archived_at is not None
    assert len(provider.creates) == 1


def test_video_that_is_lost_for_good_is_flagged_and_left_alone(provider, finished):
    finished()
    provider.clock.advance(25 * 3600)
    GenerationTask.objects.update(video_url_expires_at=timezone.now() - dt.timedelta(hours=1), archive_attempts=4)

    task = archived()

    assert (task.status, task.attention, task.next_archive_at) == ("succeeded", "lost_media", None)


def test_link_that_came_dead_is_not_given_up_at_once(provider, finished):
    provider.fault("url_expired", gets=3)
    finished()
    archived()
    GenerationTask.objects.all().poll_now()

    task = archived()

    assert task.archived_at is not None


def test_video_over_the_cap_is_refused(finished, settings):
    finished()
    settings.SEEDANCE = {**settings.SEEDANCE, "MAX_VIDEO_BYTES": 1000}

    task = archived()

    assert task.archived_at is None
    assert "MAX_VIDEO_BYTES" in task.events.filter(what="archive_failed").get().detail


def test_second_archive_job_finds_nothing_to_do(finished):
    finished()
    lifecycle.claim_archivable()

    assert lifecycle.claim_archivable() is None


def test_video_that_is_as_asked_raises_no_flag(finished):
    finished(ratio="16:9")

    assert archived().attention == ""


def test_video_that_differs_from_what_was_asked_is_kept_and_flagged(provider, finished):
    provider.configure(render=False)
    finished(ratio="16:9", duration=9)

    task = archived()

    assert task.archived_at is not None
    assert task.attention == "mismatch"
    assert "asked for 9 s" in task.attention_detail


def test_video_that_always_comes_broken_is_kept_rather_than_lost(provider, finished):
    finished()
    broken = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + b"\xff" * 500
    provider.fail_next(200, on="download", body=broken, headers={"Content-Type": "video/mp4"}, times=None)
    GenerationTask.objects.update(archive_attempts=2)

    task = archived()

    assert content_of(task.video) == broken
    assert task.attention == "mismatch"


def test_link_dies_by_our_clock_when_the_providers_is_wrong(provider, finished):
    provider.clock.advance(90 * 86_400)

    task = finished()

    assert task.video_url_expires_at < timezone.now() + dt.timedelta(hours=25)


def test_video_does_not_wait_for_ever_for_its_last_frame(provider, finished):
    task = finished(return_last_frame=True)
    GenerationTask.objects.update(archive_attempts=2, last_frame_url=task.video_url)

    task = archived()

    assert (task.archived_at is not None, task.last_frame.name) == (True, "")
    assert "last frame" in task.attention_detail


def test_storage_that_fails_is_tried_again_and_flagged(finished, settings, tmp_path, monkeypatch):
    monkeypatch.setattr(archiving, "SAVE_PAUSES", (0, 0))
    finished()
    (tmp_path / "media").write_text("not a folder")
    settings.MEDIA_ROOT = str(tmp_path / "media")

    task = archived()

    assert (task.archived_at, task.archive_attempts) == (None, 1)
    assert "storage" in task.events.filter(what="archive_failed").get().detail
