"""Cancelling: at once before the task was sent, by the provider afterwards, and a reason where it cannot be done."""

import datetime as dt

import pytest
from django.utils import timezone

from seedance import lifecycle
from seedance.exceptions import TransitionError
from seedance.models import GenerationTask, Status


@pytest.mark.parametrize("status", ["new", "pending"])
def test_cancel_ends_a_task_that_was_not_sent(make_task, status):
    task = make_task(status=status)

    lifecycle.cancel(task, cause="test")

    assert GenerationTask.objects.get().status == "cancelled"


def test_cancel_of_a_queued_task_is_asked_of_the_provider(make_task):
    task = make_task(status="queued", next_poll_at=timezone.now() + dt.timedelta(hours=1))

    lifecycle.cancel(task, cause="test")

    row = GenerationTask.objects.get()
    assert row.status == "queued"
    assert row.cancel_requested_at is not None
    assert list(GenerationTask.objects.due()) == [row]


@pytest.mark.parametrize("status", ["submitting", "unconfirmed", "running", "succeeded", "failed"])
def test_cancel_of_what_cannot_be_stopped_says_why(make_task, status):
    task = make_task(status=status)

    with pytest.raises(TransitionError) as caught:
        lifecycle.cancel(task, cause="test")

    assert str(caught.value)
    assert GenerationTask.objects.get().status == status


def test_cancel_says_when_the_host_cannot(make_task, settings):
    settings.SEEDANCE = {"PROVIDERS": {"default": {"PRESET": "cometapi", "API_KEY": "k"}}}
    task = make_task(status="queued")

    with pytest.raises(TransitionError, match="cannot cancel"):
        lifecycle.cancel(task, cause="test")


def test_cancelling_what_was_sent_meanwhile_asks_the_provider(provider, make_task):
    task = make_task(status="pending")
    stale = GenerationTask.objects.get(pk=task.pk)
    task.advance(Status.SUBMITTING, cause="test", lease_until=timezone.now())
    task.advance(Status.QUEUED, cause="test", provider_task_id="cgt-1")

    lifecycle.cancel(stale, cause="test")

    assert (stale.status, stale.cancel_requested_at is not None) == ("queued", True)


def test_queued_task_is_cancelled_by_the_status_of_the_provider(provider, sent, polled):
    task = sent()
    lifecycle.cancel(task, cause="test")

    task = polled(task)

    assert task.status == "cancelled"
    assert provider.tasks[task.provider_task_id].status == "cancelled"


def test_cancel_that_comes_too_late_says_so_and_the_task_goes_on(provider, sent, polled):
    task = sent()
    lifecycle.cancel(task, cause="test")
    provider.clock.advance(10)

    task = polled(task)

    assert (task.status, task.cancel_requested_at) == ("running", None)
    assert "billed" in task.events.filter(what="note").last().detail
    assert not [heard for heard in provider.requests if heard.method == "DELETE"]
