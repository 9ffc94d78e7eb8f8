"""Tasks are polled as rarely as possible."""

import datetime as dt

import pytest
from django.utils import timezone

from seedance import conf
from seedance.lifecycle import poll_schedule
from seedance.models import Callback

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def ark(settings):
    settings.SEEDANCE = {
        "PROVIDERS": {"default": {"PRESET": "ark", "API_KEY": "sk-of-a-test"}},
        "PUBLIC_URL": "https://studio.example.com",
    }


def seconds_until(moment):
    return (moment - timezone.now()).total_seconds()


def test_first_poll_waits_for_the_shortest_time_without_history(make_task):
    pause = seconds_until(poll_schedule.first_poll_time(make_task(), conf.provider()))

    assert pause == pytest.approx(10, abs=1)


def test_first_poll_waits_for_the_run_time_of_similar_tasks(make_task):
    now = timezone.now()
    for run in (70, 50, 90):
        make_task(status="succeeded", provider_created_at=now, provider_updated_at=now + dt.timedelta(seconds=run))

    pause = seconds_until(poll_schedule.first_poll_time(make_task(), conf.provider()))

    assert pause == pytest.approx(40, abs=1)


def test_history_of_other_tasks_does_not_count(make_task):
    now = timezone.now()
    make_task(
        status="succeeded", duration=12, provider_created_at=now, provider_updated_at=now + dt.timedelta(seconds=900)
    )

    pause = seconds_until(poll_schedule.first_poll_time(make_task(), conf.provider()))

    assert pause == pytest.approx(10, abs=1)


def test_next_poll_comes_at_the_provider_s_interval(make_task):
    task = make_task(status="running")

    assert seconds_until(poll_schedule.next_poll_time(task, conf.provider())) == pytest.approx(8, abs=1)


def test_poll_interval_grows_with_age(make_task):
    task = make_task(status="running", submitted_at=timezone.now() - dt.timedelta(hours=1))

    assert seconds_until(poll_schedule.next_poll_time(task, conf.provider())) == pytest.approx(120, abs=8)


def test_poll_interval_never_exceeds_five_minutes(make_task):
    task = make_task(status="running", submitted_at=timezone.now() - dt.timedelta(days=2))

    assert seconds_until(poll_schedule.next_poll_time(task, conf.provider())) <= 316


def test_flex_tasks_are_polled_rarely(make_task):
    task = make_task(status="queued", service_tier="flex")

    assert seconds_until(poll_schedule.next_poll_time(task, conf.provider())) > 50


def test_polls_are_a_safety_net_while_callbacks_arrive(make_task):
    task = make_task(status="running")
    Callback.objects.create(task=task)

    assert seconds_until(poll_schedule.first_poll_time(task, conf.provider())) > 100
    assert seconds_until(poll_schedule.next_poll_time(task, conf.provider())) > 100


def test_old_callbacks_do_not_count(make_task):
    task = make_task(status="running")
    Callback.objects.create(task=task)
    Callback.objects.update(received_at=timezone.now() - dt.timedelta(hours=2))

    assert seconds_until(poll_schedule.next_poll_time(task, conf.provider())) < 20
