"""One row: guarded moves, the timeline, flags and erasing."""

import datetime as dt

import pytest
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from seedance.exceptions import TransitionError
from seedance.models import Attention, GenerationTask, Status
from seedance.models.ids import uuid7
from seedance.signals import task_status_changed


def test_ids_sort_by_time_of_creation():
    ids = [uuid7() for _ in range(1000)]

    assert [i.int >> 64 for i in ids] == sorted(i.int >> 64 for i in ids)
    assert {i.version for i in ids} == {7}


def test_advance_writes_the_move_on_the_timeline(make_task):
    task = make_task(status="pending")

    task.advance(Status.CANCELLED, cause="admin", actor="alice", detail="why not")

    event = task.events.get()
    assert (event.from_status, event.to_status, event.cause, event.actor, event.detail) == (
        "pending",
        "cancelled",
        "admin",
        "alice",
        "why not",
    )


def test_advance_of_a_stale_instance_starts_from_the_row_as_it_is(make_task):
    task = make_task(status="queued")
    stale = GenerationTask.objects.get()
    task.advance(Status.RUNNING, cause="test")

    moved = stale.advance(Status.SUCCEEDED, cause="test")

    assert moved
    steps = task.events.values_list("from_status", "to_status")
    assert list(steps) == [("queued", "running"), ("running", "succeeded")]


def test_advance_loses_against_whoever_was_first(make_task):
    task = make_task(status="pending")
    stale = GenerationTask.objects.get()
    task.advance(Status.CANCELLED, cause="test")

    moved = stale.advance(Status.SUBMITTING, cause="test", lease_until=timezone.now())

    assert not moved
    assert stale.status == "cancelled"


def test_advance_refuses_older_news(make_task):
    now = timezone.now()
    task = make_task(status="queued", provider_updated_at=now)

    moved = task.advance(Status.RUNNING, cause="test", reported_at=now - dt.timedelta(seconds=1))

    assert not moved
    assert GenerationTask.objects.get().status == "queued"


def test_advance_to_a_final_status_sets_the_time(make_task):
    task = make_task(status="running")

    task.advance(Status.FAILED, cause="test")

    assert GenerationTask.objects.get().finished_at is not None


def test_signal_follows_the_commit(make_task, django_capture_on_commit_callbacks):
    task = make_task(status="queued")
    heard = []
    receiver = lambda **signal: heard.append((signal["old_status"], signal["new_status"], signal["task"].pk))  # noqa: E731
    task_status_changed.connect(receiver)

    with django_capture_on_commit_callbacks(execute=True):
        task.advance(Status.RUNNING, cause="test")
        heard_before_commit = list(heard)
    task_status_changed.disconnect(receiver)

    assert heard_before_commit == []
    assert heard == [("queued", "running", task.pk)]


def test_amend_leaves_a_row_that_moved_on_alone(make_task):
    task = make_task(status="queued")
    stale = GenerationTask.objects.get()
    task.advance(Status.RUNNING, cause="test")

    amended = stale.amend(poll_failures=7)

    assert not amended
    assert GenerationTask.objects.get().poll_failures == 0


def test_flag_is_raised_once_per_reason(make_task):
    task = make_task(status="running")

    task.flag(Attention.OVERDUE, cause="test")
    task.flag(Attention.OVERDUE, cause="test")

    assert task.needs_attention
    assert task.events.count() == 1


@pytest.mark.parametrize("status", ["submitting", "unconfirmed", "queued", "running"])
def test_erase_is_refused_while_it_may_cost_money(make_task, status):
    task = make_task(status=status)

    with pytest.raises(TransitionError):
        task.erase()

    assert GenerationTask.objects.count() == 1


def test_erase_takes_the_files_along(make_task, django_capture_on_commit_callbacks):
    task = make_task(status="succeeded")
    task.video.save("video.mp4", ContentFile(b"x"), save=False)
    task.amend(video=task.video.name, archived_at=timezone.now())
    storage, name = task.video.storage, task.video.name

    with django_capture_on_commit_callbacks(execute=True):
        task.erase()

    assert not storage.exists(name)
    assert not GenerationTask.objects.exists()


def test_provider_task_id_belongs_to_one_task_of_a_provider(make_task):
    make_task(status="queued", provider_task_id="cgt-1")

    with pytest.raises(IntegrityError), transaction.atomic():
        make_task(status="queued", provider_task_id="cgt-1")


def test_provider_task_id_may_recur_at_another_provider(make_task):
    make_task(status="queued", provider_task_id="cgt-1")

    make_task(status="queued", provider_task_id="cgt-1", provider="other")

    assert GenerationTask.objects.count() == 2


@pytest.mark.parametrize(
    "columns",
    [
        {"status": "queued", "provider_task_id": ""},
        {"status": "failed", "finished_at": None},
        {"status": "running", "finished_at": timezone.now()},
        {"status": "submitting", "lease_until": None},
    ],
    ids=["queued-without-id", "final-without-time", "active-with-time", "submitting-without-lease"],
)
def test_database_refuses_what_must_never_be(make_task, columns):
    with pytest.raises(IntegrityError), transaction.atomic():
        make_task(**columns)


def test_database_refuses_an_unknown_status(make_task):
    task = make_task()

    with pytest.raises(IntegrityError), transaction.atomic():
        GenerationTask.objects.filter(pk=task.pk).update(status="paused")


def test_existing_row_is_never_overwritten_whole(make_task):
    task = make_task(status="queued")
    stale = GenerationTask.objects.get()
    task.advance(Status.RUNNING, cause="test")

    with pytest.raises(TypeError, match="update_fields"):
        stale.save()

    assert GenerationTask.objects.get().status == "running"


def test_named_columns_of_an_existing_row_are_saved(make_task):
    task = make_task()
    task.metadata = {"order": 17}

    task.save(update_fields=["metadata"])

    assert GenerationTask.objects.get().metadata == {"order": 17}


@pytest.mark.parametrize("status", ["new", "failed"])
def test_erase_of_a_task_that_the_site_protects_is_refused_whole(make_task, monkeypatch, status):
    task = make_task(status=status)

    def protected(self, *args, **kwargs):
        raise ProtectedError("an order", {task})

    monkeypatch.setattr(GenerationTask, "delete", protected)

    with pytest.raises(TransitionError, match="protects"):
        task.erase()

    assert GenerationTask.objects.get().status == status


def stale_pair(make_task, status):
    """The row, and an instance of it that was read before it moved on."""
    task = make_task(status=status)
    return task, GenerationTask.objects.get(pk=task.pk)


def send_out(task):
    """As a worker does: claimed, then accepted by the provider."""
    task.advance(Status.SUBMITTING, cause="test", lease_until=timezone.now())
    task.advance(Status.QUEUED, cause="test", provider_task_id="cgt-1")


def test_erasing_what_was_sent_meanwhile_is_refused(make_task):
    task, stale = stale_pair(make_task, "pending")
    send_out(task)

    with pytest.raises(TransitionError, match="may still cost money"):
        stale.erase()
    assert GenerationTask.objects.get().status == "queued"


def test_submitting_again_what_is_being_sent_does_not_send_it_twice(make_task):
    task, stale = stale_pair(make_task, "new")
    task.advance(Status.PENDING, cause="test")
    task.advance(Status.SUBMITTING, cause="test", lease_until=timezone.now())

    with pytest.raises(TransitionError):
        GenerationTask.objects.submit_once(stale, cause="test")
    assert GenerationTask.objects.get().status == "submitting"
