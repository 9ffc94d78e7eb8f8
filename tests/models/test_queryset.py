"""Many rows: claims, verbs, and making tasks."""

import datetime as dt
import threading
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import connections, transaction
from django.utils import timezone

from seedance import intake
from seedance.exceptions import TransitionError
from seedance.intake import Order
from seedance.models import GenerationTask, Lease, TaskEvent
from seedance.signals import work_available

from ..conftest import SAMPLE_MODEL, SAMPLE_PROMPT

HOUR = dt.timedelta(hours=1)


def test_ready_leaves_out_what_must_wait(make_task):
    ready = make_task(status="pending")
    make_task(status="pending", not_before=timezone.now() + HOUR)
    make_task(status="new")

    assert list(GenerationTask.objects.ready()) == [ready]


def test_due_is_in_flight_and_its_time_has_come(make_task):
    due = make_task(status="running")
    make_task(status="running", next_poll_at=timezone.now() + HOUR)
    make_task(status="succeeded")

    assert list(GenerationTask.objects.due()) == [due]


def test_archivable_comes_in_the_order_in_which_links_die(make_task):
    now = timezone.now()
    later = make_task(status="succeeded", video_url="https://x/1", video_url_expires_at=now + 2 * HOUR)
    sooner = make_task(status="succeeded", video_url="https://x/2", video_url_expires_at=now + HOUR)
    make_task(status="succeeded", archived_at=now)
    make_task(status="succeeded", lease_until=now + HOUR)

    assert list(GenerationTask.objects.archivable()) == [sooner, later]


def test_claimed_rows_are_not_claimed_again(make_task):
    make_task(status="running", next_poll_at=timezone.now())

    first = GenerationTask.objects.due().claim(5, 60, next_poll_at=timezone.now() + HOUR)
    second = GenerationTask.objects.due().claim(5, 60, next_poll_at=timezone.now() + HOUR)

    assert (len(first), len(second)) == (1, 0)


@pytest.mark.django_db(transaction=True)
def test_claims_of_many_workers_never_overlap(make_task):
    for _ in range(40):
        make_task(status="running", next_poll_at=timezone.now())
    claimed: list[str] = []
    later = timezone.now() + HOUR

    def work():
        try:
            while rows := GenerationTask.objects.due().claim(1, 60, next_poll_at=later):
                claimed.extend(str(row.pk) for row in rows)
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert len(claimed) == len(set(claimed))
    leftover = GenerationTask.objects.due().claim(100, 60, next_poll_at=later)
    assert len(claimed) + len(leftover) == 40


def test_hand_in_moves_only_new_tasks(make_task):
    make_task(status="new")
    make_task(status="failed")

    moved = GenerationTask.objects.all().submit(cause="test")

    assert moved == 1
    assert sorted(GenerationTask.objects.values_list("status", flat=True)) == ["failed", "pending"]


def test_ask_now_makes_flying_and_homeless_tasks_due(make_task):
    later = timezone.now() + HOUR
    flying = make_task(status="running", next_poll_at=later)
    homeless = make_task(status="succeeded", next_archive_at=None)
    make_task(status="failed")

    count = GenerationTask.objects.all().poll_now()

    assert count == 2
    assert list(GenerationTask.objects.due()) == [flying]
    assert list(GenerationTask.objects.archivable()) == [homeless]


def test_workers_are_woken_once_per_commit(make_task, django_capture_on_commit_callbacks):
    heard = []
    receiver = lambda **signal: heard.append(1)  # noqa: E731
    work_available.connect(receiver)

    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        for _ in range(3):
            GenerationTask.objects.create_task(prompt=SAMPLE_PROMPT, model_name=SAMPLE_MODEL, submit=True)
    work_available.disconnect(receiver)

    assert heard == [1]


def test_create_task_lifts_flags_out_of_the_prompt(db):
    task = GenerationTask.objects.create_task(
        prompt=f"{SAMPLE_PROMPT} --duration 5 --ratio 16:9", model_name=SAMPLE_MODEL
    )

    assert (task.prompt, task.parameters.get("duration"), task.parameters.get("ratio")) == (SAMPLE_PROMPT, 5, "16:9")
    assert "duration=5" in task.events.get().detail


def test_create_task_refuses_a_flag_that_contradicts_its_field(db):
    with pytest.raises(ValidationError) as caught:
        GenerationTask.objects.create_task(prompt=f"{SAMPLE_PROMPT} --duration 5", model_name=SAMPLE_MODEL, duration=8)

    assert set(caught.value.message_dict) == {"duration"}


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"model_name": "gpt-4"}, "model"),
        ({"model_name": ""}, "model"),
        ({"prompt": "   "}, "prompt"),
        ({"prompt": "a\x00b"}, "prompt"),
        ({"prompt": "half \ud83d"}, "prompt"),
        ({"duration": 99}, "duration"),
        ({"duration": "5"}, "duration"),
        ({"ratio": "banana"}, "ratio"),
        ({"speed": 3}, "speed"),
        ({"provider": "nobody"}, "provider"),
        ({"metadata": {"x": float("nan")}}, "metadata"),
        ({"metadata": {"x": "\x00"}}, "metadata"),
        ({"metadata": {"x": "y" * 20_000}}, "metadata"),
        ({"media": [{"role": "first_frame", "url": "ftp://x/y.png"}]}, "media[0].url"),
        ({"media": [{"role": "star", "url": "https://x/y.png"}]}, "media[0].role"),
        ({"media": [{"role": "first_frame"}]}, "media[0]"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_create_task_names_the_field_and_stores_nothing(db, request_, field):
    with pytest.raises(ValidationError) as caught:
        GenerationTask.objects.create_task(**{"prompt": SAMPLE_PROMPT, "model_name": SAMPLE_MODEL, **request_})

    assert any(name.startswith(field) for name in caught.value.message_dict)
    assert not GenerationTask.objects.exists()


@pytest.mark.parametrize(
    "values",
    [{"duration": 10**9}, {"ratio": "x" * 500}, {"seed": 10**30}, {"priority": 10**6}, {"output_format": "y" * 99}],
    ids=["duration", "ratio", "seed", "priority", "output_format"],
)
def test_create_task_for_an_endpoint_id_refuses_what_no_column_holds(db, values):
    with pytest.raises(ValidationError) as caught:
        GenerationTask.objects.create_task(prompt=SAMPLE_PROMPT, model_name="ep-20260101000000-abcde", **values)

    assert set(caught.value.message_dict) == set(values)


def test_create_task_keeps_an_estimate_with_its_price_and_no_cost(db):
    task = GenerationTask.objects.create_task(
        prompt=SAMPLE_PROMPT, model_name=SAMPLE_MODEL, duration=5, ratio="16:9", resolution="720p"
    )

    task.refresh_from_db()
    assert (task.estimate_amount, task.estimate_currency) == (Decimal("0.2614"), "USD")
    assert (task.estimate_price["price"], task.estimate_price["per"]) == ("2.40", "million_tokens")
    assert task.estimate_price["verified"] is True
    assert task.cost_amount is None


def test_create_task_stores_uploads(db, png):
    task = GenerationTask.objects.create_task(
        prompt=SAMPLE_PROMPT,
        model_name=SAMPLE_MODEL,
        media=[{"role": "first_frame", "file": png}],
    )

    item = task.media.get()
    assert (item.file.name, item.content_type) == (f"seedance/inputs/{task.pk}/0.png", "image/png")


def test_create_task_looks_into_uploads_and_believes_no_name(db):
    page = ContentFile(b"<html>not an image</html>", name="lake.png")

    with pytest.raises(ValidationError) as caught:
        GenerationTask.objects.create_task(
            prompt=SAMPLE_PROMPT, model_name=SAMPLE_MODEL, media=[{"role": "first_frame", "file": page}]
        )

    assert set(caught.value.message_dict) == {"media[0].file"}


def test_many_tasks_are_stored_in_a_handful_of_statements(db, django_assert_max_num_queries):
    prepared = intake.prepare(prompt=SAMPLE_PROMPT, model_name=SAMPLE_MODEL)

    with django_assert_max_num_queries(15):
        made = GenerationTask.objects.create_many([Order(prepared, submit=True)] * 100)

    assert len({task.pk for task in made}) == 100
    assert TaskEvent.objects.count() == 100


def test_retry_links_a_new_task_to_the_old_one(make_task, user):
    old = make_task(status="failed", duration=7, metadata={"order": 1})

    new = GenerationTask.objects.retry(old, owner=user)

    assert (new.retry_of, new.status, new.parameters.get("duration"), new.metadata) == (old, "pending", 7, {"order": 1})


@pytest.mark.parametrize("status", ["pending", "unconfirmed", "running"])
def test_retry_is_refused_while_the_old_task_may_end_by_itself(make_task, status):
    with pytest.raises(TransitionError):
        GenerationTask.objects.retry(make_task(status=status))


def test_lease_goes_to_whoever_took_it_last(db):
    Lease.objects.take("round", "a", 60)
    Lease.objects.take("round", "b", 60)

    assert not Lease.objects.keep("round", "a", 60)
    assert Lease.objects.keep("round", "b", 60)


def test_lease_that_is_released_is_not_held(db):
    Lease.objects.take("round", "a", 60)

    Lease.objects.release("round", "a")

    assert not Lease.objects.held().exists()


@pytest.mark.django_db
def test_touched_lease_is_held_by_nobody_and_not_silent():
    before = Lease.objects.is_silent("round")

    Lease.objects.touch("round")

    assert (before, Lease.objects.is_silent("round"), Lease.objects.held().exists()) == (True, False, False)


@pytest.mark.django_db
def test_touching_leaves_a_holder_alone():
    Lease.objects.take("round", "a", 60)
    until = Lease.objects.get().until

    Lease.objects.touch("round")

    assert (Lease.objects.get().holder, Lease.objects.get().until) == ("a", until)


@pytest.mark.django_db
def test_lease_is_silent_some_minutes_after_its_last_sign_of_life():
    Lease.objects.take("round", "a", -200)

    assert Lease.objects.is_silent("round")
