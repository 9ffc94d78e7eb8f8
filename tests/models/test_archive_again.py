"""A video that was paid for is fetched again, not paid again."""

import pytest
from django.utils import timezone

from seedance.models import GenerationTask
from seedance.signals import work_available

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("flag", ["", "no_video", "archive", "lost_media"])
def test_video_that_is_not_stored_is_fetched_with_tries_counted_anew(make_task, flag):
    task = make_task(status="succeeded", attention=flag, attention_detail="x", next_archive_at=None, archive_attempts=9)

    count = GenerationTask.objects.archive_again(cause="test", actor="alice")

    task.refresh_from_db()
    assert (count, task.attention, task.archive_attempts) == (1, "", 0)
    assert list(GenerationTask.objects.archivable()) == [task]
    assert (task.events.get().cause, task.events.get().actor) == ("test", "alice")


def test_video_that_was_kept_although_it_looked_wrong_stays_until_its_successor_is_stored(make_task):
    now = timezone.now()
    columns = {"video": "a.mp4", "video_sha256": "5e88", "archived_at": now, "next_archive_at": None}
    task = make_task(status="succeeded", attention="mismatch", **columns)

    GenerationTask.objects.archive_again(cause="test")

    task.refresh_from_db()
    assert (task.video.name, task.video_sha256, task.archived_at, task.attention) == ("a.mp4", "", None, "")


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param({"video": "a.mp4", "archived_at": timezone.now()}, id="stored"),
        pytest.param({"archived_at": timezone.now()}, id="deleted by retention"),
        pytest.param({"status": "failed"}, id="failed"),
        pytest.param({"status": "running"}, id="running"),
    ],
)
def test_what_has_no_video_to_fetch_is_left_alone(make_task, columns):
    task = make_task(**{"status": "succeeded", **columns})

    assert GenerationTask.objects.archive_again(cause="test") == 0
    assert not task.can_archive_again
    assert not task.events.exists()


def test_workers_are_woken_once_for_many(make_task, django_capture_on_commit_callbacks):
    for _number in range(3):
        make_task(status="succeeded", next_archive_at=None)
    woken = []
    receiver = lambda **signal: woken.append(1)  # noqa: E731
    work_available.connect(receiver)

    with django_capture_on_commit_callbacks(execute=True):
        GenerationTask.objects.archive_again(cause="test")

    work_available.disconnect(receiver)
    assert woken == [1]


def test_many_are_asked_for_in_a_few_statements(make_task, django_assert_max_num_queries):
    for _number in range(10):
        make_task(status="succeeded", attention="lost_media", next_archive_at=None)

    with django_assert_max_num_queries(8):
        GenerationTask.objects.archive_again(cause="test")
