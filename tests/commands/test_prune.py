"""What retention deletes, and what it leaves alone."""

import datetime as dt

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone
from django_q.models import Failure, Success

from seedance import queue, retention
from seedance.models import ACTIVE, Callback, GenerationTask, MediaItem, Status, TaskEvent

pytestmark = pytest.mark.django_db(transaction=True)


def ago(days):
    return timezone.now() - dt.timedelta(days=days)


@pytest.fixture
def keep(settings):
    """Returns a function that sets how many days things are kept."""

    def set_days(**days):
        settings.SEEDANCE = {
            **settings.SEEDANCE,
            **{f"KEEP_{name.upper()}_DAYS": value for name, value in days.items()},
        }

    return set_days


@pytest.fixture
def archived(make_task, settings, tmp_path):
    """Returns a function that makes a succeeded task with its files in storage."""
    settings.MEDIA_ROOT = tmp_path

    def make(days, **columns):
        task = make_task(
            status=Status.SUCCEEDED, finished_at=ago(days), archived_at=ago(days), next_archive_at=None, **columns
        )
        for name in ("video", "poster", "last_frame"):
            getattr(task, name).save(f"{task.pk}-{name}.bin", ContentFile(b"content"), save=False)
        task.save(update_fields=["video", "poster", "last_frame"])
        return task

    return make


@pytest.fixture
def called(make_task):
    """Returns a function that makes a callback which came so many days ago."""

    def make(days, **columns):
        callback = Callback.objects.create(task=make_task(**columns), body="{}")
        Callback.objects.filter(pk=callback.pk).update(received_at=ago(days))
        return callback

    return make


def stored_files(path):
    return [each for each in path.rglob("*") if each.is_file()]


def test_nothing_but_callbacks_is_deleted_by_default(run, archived, called):
    archived(4000)
    called(29, status=Status.SUCCEEDED)
    called(31, status=Status.SUCCEEDED)

    spoken = run("seedance_prune")

    assert spoken.lines == ["Deleted:", "  result files of 0 tasks", "  0 tasks", "  1 callback", "  0 failed jobs"]
    assert GenerationTask.objects.count() == 3
    assert Callback.objects.count() == 1


def test_old_result_files_go_and_their_task_stays(run, keep, archived, tmp_path):
    keep(videos=30)
    task = archived(31)

    run("seedance_prune")

    task.refresh_from_db()
    assert (task.video.name, task.poster.name, task.last_frame.name) == ("", "", "")
    assert task.archived_at is not None
    assert stored_files(tmp_path) == []


def test_task_whose_files_went_says_so_in_its_timeline(run, keep, archived):
    keep(videos=30)
    task = archived(31)

    run("seedance_prune")

    assert task.events.get(what=TaskEvent.What.NOTE).cause == "prune"


def test_young_result_files_stay(run, keep, archived, tmp_path):
    keep(videos=30)
    archived(29)

    run("seedance_prune")

    assert len(stored_files(tmp_path)) == 3


def test_old_task_goes_with_everything_that_belongs_to_it(run, keep, archived, tmp_path):
    keep(tasks=365)
    task = archived(366)
    MediaItem.objects.create(task=task, role="first_frame", file=ContentFile(b"upload", name="a.png"))
    Callback.objects.create(task=task, body="{}")

    run("seedance_prune")

    assert not GenerationTask.objects.exists()
    assert not Callback.objects.exists()
    assert stored_files(tmp_path) == []


@pytest.mark.parametrize("status", sorted(ACTIVE))
def test_task_that_may_still_change_is_never_touched(run, keep, make_task, called, status):
    keep(videos=1, tasks=1, callbacks=1)
    callback = called(4000, status=status, created_at=ago(4000))

    run("seedance_prune")

    assert list(Callback.objects.all()) == [callback]


def test_task_that_awaits_its_video_is_never_touched(run, keep, make_task):
    keep(tasks=1)
    make_task(status=Status.SUCCEEDED, finished_at=ago(4000), archived_at=None)

    run("seedance_prune")

    assert GenerationTask.objects.count() == 1


def test_task_whose_video_was_lost_goes(run, keep, make_task):
    keep(tasks=1)
    make_task(status=Status.SUCCEEDED, finished_at=ago(4000), archived_at=None, next_archive_at=None)

    run("seedance_prune")

    assert not GenerationTask.objects.exists()


@pytest.mark.parametrize("days", [0, None])
def test_no_limit_keeps_for_ever(run, keep, archived, called, days):
    keep(videos=days, tasks=days, callbacks=days)
    archived(4000)
    called(4000, status=Status.SUCCEEDED)

    run("seedance_prune")

    assert GenerationTask.objects.count() == 2
    assert Callback.objects.count() == 1


def failure(pk, func="seedance.tasks.run_round", days=31, kind=Failure):
    moment = ago(days)
    return kind.objects.create(
        id=pk, name=pk, func=func, started=moment, stopped=moment, success=kind is Success, attempt_count=1
    )


def test_old_failures_of_our_jobs_go_and_all_others_stay(run, db):
    failure("old")
    failure("young", days=29)
    failure("foreign", func="shop.tasks.send_mail")
    failure("good", kind=Success)

    spoken = run("seedance_prune")

    assert "  1 failed job" in spoken.lines
    assert set(Failure.objects.values_list("pk", flat=True)) == {"young", "foreign"}
    assert Success.objects.filter(pk="good").exists()


def test_site_without_a_queue_has_no_failures_to_prune(run, db, monkeypatch):
    monkeypatch.setattr(queue, "is_installed", lambda: False)

    assert "  0 failed jobs" in run("seedance_prune").lines


def test_dry_run_counts_and_deletes_nothing(run, keep, archived, called, tmp_path):
    keep(videos=30, tasks=365)
    archived(31)
    archived(366)
    called(31, status=Status.SUCCEEDED, finished_at=ago(31))
    failure("old")

    spoken = run("seedance_prune", "--dry-run")

    assert spoken.lines == ["To delete:", "  result files of 1 task", "  1 task", "  1 callback", "  1 failed job"]
    assert GenerationTask.objects.count() == 3
    assert len(stored_files(tmp_path)) == 6


def test_dry_run_promises_what_is_done(run, keep, archived, called):
    keep(videos=30, tasks=365)
    archived(31)
    archived(366)
    called(400, status=Status.SUCCEEDED, finished_at=ago(400))
    promised = run("seedance_prune", "--dry-run").lines[1:]

    done = run("seedance_prune").lines[1:]

    assert done == promised


def test_more_than_a_batch_is_deleted(keep, archived, called, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 2)
    keep(videos=30)
    tasks = [archived(31) for _ in range(5)]
    callbacks = [called(31, status=Status.SUCCEEDED) for _ in range(5)]

    pruned = retention.prune(retention.policy())

    assert (pruned.videos, pruned.callbacks) == (len(tasks), len(callbacks))


def test_file_that_will_not_go_stays_for_the_next_time(run, keep, archived, tmp_path):
    keep(videos=30)
    task = archived(31)
    name = task.video.name
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()
    (tmp_path / name / "in the way").touch()

    spoken = run("seedance_prune")

    task.refresh_from_db()
    assert "  result files of 0 tasks" in spoken.lines
    assert task.video.name == name


def test_second_run_finds_nothing(run, keep, archived):
    keep(videos=30)
    archived(31)
    run("seedance_prune")

    assert run("seedance_prune").lines[1] == "  result files of 0 tasks"
