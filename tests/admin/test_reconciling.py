"""An operator reconciles an unconfirmed task by its id, or by confirming that it does not exist."""

import re
import time

import pytest
from django.utils import timezone

from seedance import lifecycle
from seedance.provider.ark import SeedanceClient
from seedance.provider.types import ContentPart, TaskRequest

from ..conftest import SAMPLE_MODEL, SAMPLE_PROMPT
from .conftest import messages_of, page


@pytest.fixture
def lost(make_task):
    return make_task(
        status="unconfirmed", attention="unconfirmed", error_charged="unknown", submitted_at=timezone.now()
    )


def reconcile(client, task, **fields):
    return client.post(page("reconcile", task.pk), fields, follow=True)


def test_page_of_an_unconfirmed_task_offers_both_ways(operator, lost):
    content = operator.get(page("change", lost.pk)).content.decode()

    assert "Follow it" in content
    assert "Send it again" in content


def test_page_offers_neither_to_those_who_may_not_submit(staff_with, lost):
    content = staff_with("view").get(page("change", lost.pk)).content.decode()

    assert "Follow it" not in content


@pytest.fixture
def found(provider):
    """The provider's id of a task that it has although nobody heard its answer."""
    return SeedanceClient(provider.ark_url, "key").create_task(
        TaskRequest(model_name=SAMPLE_MODEL, content=(ContentPart("text", SAMPLE_PROMPT),))
    )


def status_style(task):
    """What a worker does about it, and the row as it then is."""
    for found in lifecycle.claim_unconfirmed(10):
        lifecycle.reconcile(found)
    task.refresh_from_db()
    return task


def test_task_that_was_found_is_followed_by_a_worker(operator, lost, found):
    response = reconcile(operator, lost, provider_task_id=f" {found} ")

    assert messages_of(response) == ["A worker looks for it at the provider; this page shows what comes of it."]
    assert f"A worker is looking for {found} at the provider." in response.content.decode()
    assert lost.events.last().actor == "admin"
    task = status_style(lost)
    assert (task.status, task.provider_task_id, task.requested_provider_task_id) == ("queued", found, "")
    assert (task.attention, task.error_charged) == ("", "")


def test_page_answers_at_once_while_the_provider_does_not(operator, lost, found, provider):
    provider.fault("slow_headers", on="get", seconds=30)
    asked = len(provider.requests)

    begun = time.monotonic()
    reconcile(operator, lost, provider_task_id=found)

    assert time.monotonic() - begun < 10
    assert len(provider.requests) == asked


def test_request_is_kept_while_the_provider_is_away(operator, lost, found, provider):
    reconcile(operator, lost, provider_task_id=found)
    provider.fail_next(503, on="get", times=5)

    task = status_style(lost)

    assert (task.status, task.requested_provider_task_id) == ("unconfirmed", found)
    assert task.attention_detail == f"The provider could not be asked about {found} yet; a worker tries again."
    assert task.next_search_at > timezone.now()


@pytest.mark.usefixtures("provider")
def test_id_that_the_provider_does_not_know_is_refused_in_plain_words(operator, lost):
    reconcile(operator, lost, provider_task_id="cgt-20260101000000-nobdy")

    task = status_style(lost)

    assert (task.status, task.requested_provider_task_id) == ("unconfirmed", "")
    assert task.attention == "unconfirmed"
    assert task.attention_detail == "The provider does not know a task with the id cgt-20260101000000-nobdy."
    assert "HTTP 404" in task.events.last().detail


def test_id_of_another_model_is_refused(operator, make_task, found):
    task = make_task(status="unconfirmed", model_name="doubao-seedance-1-0-pro-250528")
    reconcile(operator, task, provider_task_id=found)

    task = status_style(task)

    assert (task.status, task.requested_provider_task_id) == ("unconfirmed", "")
    assert "was made with another model" in task.attention_detail


def test_id_that_is_entered_while_a_worker_checks_another_is_kept(operator, lost, found, settings):
    default = {**settings.SEEDANCE["PROVIDERS"]["default"], "LISTS": False}
    settings.SEEDANCE = {**settings.SEEDANCE, "PROVIDERS": {"default": default}}
    reconcile(operator, lost, provider_task_id="cgt-20260101000000-nobdy")
    (claimed,) = lifecycle.claim_unconfirmed(1)

    reconcile(operator, lost, provider_task_id=found)
    lifecycle.reconcile(claimed)

    lost.refresh_from_db()
    assert lost.requested_provider_task_id == found
    assert status_style(lost).provider_task_id == found


def test_word_about_an_earlier_sending_is_not_taken_for_a_later_one(operator, lost):
    content = operator.get(page("change", lost.pk)).content.decode()
    seen = re.findall(r'name="seen" value="([^"]*)"', content)[-1]
    lost.amend(submitted_at=timezone.now())

    reconcile(operator, lost, confirmed="on", seen=seen or "2026-01-01T00:00:00+00:00")

    lost.refresh_from_db()
    assert lost.status == "unconfirmed"


def test_task_that_is_absent_is_sent_again(operator, lost, provider):
    reconcile(operator, lost, confirmed="on")

    lost.refresh_from_db()
    assert (lost.status, lost.attention) == ("pending", "")


@pytest.mark.parametrize(
    "fields",
    [{}, {"provider_task_id": ""}, {"provider_task_id": "two words"}, {"provider_task_id": "../admin"}],
    ids=["not looked", "no id", "two words", "a path"],
)
def test_task_stays_as_it_is_without_a_clear_word(operator, lost, fields):
    response = reconcile(operator, lost, **fields)

    lost.refresh_from_db()
    assert lost.status == "unconfirmed"
    assert len(messages_of(response)) == 1


def test_id_of_another_task_is_refused(operator, lost, make_task, found):
    make_task(status="running", provider_task_id=found)

    response = reconcile(operator, lost, provider_task_id=found)

    lost.refresh_from_db()
    assert lost.status == "unconfirmed"
    assert messages_of(response) == ["Another task has this id already."]


@pytest.mark.parametrize("status", ["submitting", "pending", "running", "failed"])
@pytest.mark.parametrize("fields", [{"confirmed": "on"}, {"provider_task_id": "cgt-1"}], ids=["absent", "found"])
def test_task_that_is_not_unconfirmed_is_left_alone(operator, provider, make_task, status, fields):
    task = make_task(status=status)

    reconcile(operator, task, **fields)

    task.refresh_from_db()
    assert task.status == status


def test_settling_is_refused_without_permission(staff_with, lost):
    assert reconcile(staff_with("view", "change"), lost, confirmed="on").status_code == 403


def test_settling_is_never_done_by_a_link(operator, lost):
    assert operator.get(page("reconcile", lost.pk)).status_code == 405
