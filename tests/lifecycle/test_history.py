"""A task that takes far longer than its like is flagged, by what the site itself has seen, and never judged."""

import datetime as dt
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from seedance import lifecycle
from seedance.lifecycle import history
from seedance.models import Attention, GenerationTask
from seedance.models.ids import first_id_of
from seedance.provider.types import RemoteTask

pytestmark = pytest.mark.django_db

KIND = {"duration": 5, "resolution": "720p"}


def ago(**span):
    return timezone.now() - dt.timedelta(**span)


def said(task, status="running"):
    """What the provider says of a task."""
    return RemoteTask(
        provider_task_id=task.provider_task_id, status=status, status_word=status, updated_at=timezone.now()
    )


@pytest.fixture
def finished(make_task):
    """Returns a function that leaves so many finished tasks that took so many seconds each."""

    def make(count, seconds, **columns):
        start = ago(hours=2)
        end = start + dt.timedelta(seconds=seconds)
        for _ in range(count):
            make_task(status="succeeded", provider_created_at=start, provider_updated_at=end, **{**KIND, **columns})

    return make


def poll(task, status="running"):
    """The row after a poll that returned this status."""
    history.forget()
    lifecycle.update(GenerationTask.objects.get(pk=task.pk), said(task, status), cause="poll")
    return GenerationTask.objects.get(pk=task.pk)


def test_task_that_takes_far_longer_than_its_like_is_flagged_with_the_figures(make_task, finished):
    finished(38, 240)
    finished(2, 400)
    task = make_task(status="running", submitted_at=ago(minutes=20), **KIND)

    row = poll(task)

    assert (row.status, row.attention) == ("running", "slow")
    assert row.attention_detail == (
        "5 s at 720p: 38 of the last 40 ended within 4 min; this one has taken 20 min so far."
    )


def test_task_no_slower_than_twice_its_like_is_left_alone(make_task, finished):
    finished(40, 900)
    task = make_task(status="running", submitted_at=ago(minutes=29), **KIND)

    assert poll(task).attention == ""


def test_quick_kind_is_given_five_minutes(make_task, finished):
    finished(40, 20)
    task = make_task(status="running", submitted_at=ago(minutes=4), **KIND)

    assert poll(task).attention == ""


@pytest.mark.parametrize(
    "other",
    [{"duration": 12}, {"resolution": "480p"}, {"model_name": "another"}, {"provider": "b"}, {"service_tier": "flex"}],
    ids=lambda other: next(iter(other)),
)
def test_history_of_another_kind_says_nothing(make_task, finished, other):
    finished(40, 20, **other)
    task = make_task(status="running", submitted_at=ago(minutes=10), **KIND)

    assert poll(task).attention == ""


@pytest.mark.parametrize(
    ("columns", "minutes", "attention"),
    [
        ({"duration": 5}, 19, ""),
        ({"duration": 5}, 21, "slow"),
        ({"duration": -1}, 21, "slow"),
        ({"duration": 30}, 50, ""),
        ({"duration": 30}, 61, "slow"),
        ({"frames": 289}, 23, ""),
        ({"duration": 5, "service_tier": "flex"}, 350, ""),
        ({"duration": 5, "service_tier": "flex"}, 361, "slow"),
    ],
)
def test_floor_holds_while_nothing_is_known(make_task, columns, minutes, attention):
    task = make_task(status="running", submitted_at=ago(minutes=minutes), **columns)

    assert poll(task).attention == attention


def test_flex_task_is_not_slow_before_hours_whatever_is_known(make_task, finished):
    finished(40, 60, service_tier="flex")
    task = make_task(status="running", submitted_at=ago(hours=2), service_tier="flex", **KIND)

    assert poll(task).attention == ""


def test_few_finished_tasks_do_not_make_a_rule(make_task, finished):
    finished(9, 20)
    task = make_task(status="running", submitted_at=ago(minutes=10), **KIND)

    assert poll(task).attention == ""


def test_old_tasks_are_no_history(make_task, finished):
    for number in range(40):
        finished(1, 20, id=UUID(int=first_id_of(ago(days=4)).int + number))
    task = make_task(status="running", submitted_at=ago(minutes=10), **KIND)

    assert poll(task).attention == ""


def test_slow_task_is_flagged_once(make_task):
    task = make_task(status="running", submitted_at=ago(minutes=30), **KIND)

    poll(task)
    GenerationTask.objects.update(submitted_at=ago(minutes=40))
    poll(task)

    assert task.events.filter(what="attention").count() == 1


def test_flag_stays_when_the_slow_task_begins_to_run(make_task):
    task = poll(make_task(status="queued", submitted_at=ago(minutes=30), **KIND), "queued")

    row = poll(task, "running")

    assert (row.status, row.attention) == ("running", "slow")


def test_flag_is_lowered_when_the_slow_task_ends(make_task):
    task = poll(make_task(status="running", submitted_at=ago(minutes=30), **KIND))

    row = poll(task, "failed")

    assert (row.status, row.attention, row.attention_detail) == ("failed", "", "")


def test_slow_task_becomes_overdue_past_the_providers_own_deadline(make_task):
    task = poll(make_task(status="running", submitted_at=ago(hours=40), **KIND))
    GenerationTask.objects.update(submitted_at=ago(hours=50))

    assert [task.attention, poll(task).attention] == ["slow", "overdue"]


def test_slow_task_is_flagged_although_polls_fail(provider, make_task):
    provider.fail_next(500, on="get", times=None)
    task = make_task(status="running", submitted_at=ago(minutes=30), **KIND)

    lifecycle.poll(task)

    assert GenerationTask.objects.get().attention == "slow"


def test_slow_task_is_flagged_although_its_provider_says_nothing_new(provider, sent):
    task = sent()
    lifecycle.poll(task)
    GenerationTask.objects.update(submitted_at=ago(minutes=30))

    assert lifecycle.poll(GenerationTask.objects.get()) is True
    assert GenerationTask.objects.get().attention == "slow"


def test_unchanged_slow_task_writes_nothing(provider, sent, django_assert_num_queries):
    task = sent()
    GenerationTask.objects.update(submitted_at=ago(minutes=30))
    lifecycle.poll(GenerationTask.objects.get(pk=task.pk))
    task = GenerationTask.objects.get(pk=task.pk)

    with django_assert_num_queries(0):
        update = lifecycle.poll(task)

    assert (task.attention, update) == (Attention.SLOW, False)


def test_history_is_read_once_for_many_tasks_of_a_kind(make_task, django_assert_num_queries):
    tasks = [make_task(status="running", submitted_at=ago(minutes=10), **KIND) for _ in range(5)]

    with django_assert_num_queries(1):
        slow = [history.is_slow(task) for task in tasks]

    assert slow == [False] * 5


def test_young_task_asks_for_no_history(make_task, django_assert_num_queries):
    task = make_task(status="running", **KIND)

    with django_assert_num_queries(0):
        assert history.is_slow(task) is False


def test_history_reads_a_bounded_part_of_the_table(make_task):
    task = make_task(status="running", **KIND)

    with CaptureQueriesContext(connection) as queries:
        history.run_times(task)

    sql = queries.captured_queries[0]["sql"]
    assert '"id" >= ' in sql
    assert sql.endswith(f"LIMIT {history.ROWS}")


def test_answers_are_forgotten_when_there_are_too_many():
    cache = history.TtlCache(seconds=60, size=2)
    reads = []

    for key in ("a", "b", "a", "c", "a"):
        cache.get(key, lambda key=key: reads.append(key))

    assert reads == ["a", "b", "c", "a"]


def test_answers_are_read_again_when_they_are_old():
    cache = history.TtlCache(seconds=0, size=2)
    reads = []

    for _ in range(2):
        cache.get("a", lambda: reads.append(1))

    assert reads == [1, 1]
