"""The two ways out of *unconfirmed*, both on a person's word."""

import pytest

from seedance.provider.ark import SeedanceClient
from seedance.provider.types import ContentPart, TaskRequest

from ..conftest import SAMPLE_MODEL, SAMPLE_PROMPT
from .conftest import messages_of, page


@pytest.fixture
def lost(make_task):
    return make_task(status="unconfirmed", attention="unconfirmed", error_charged="unknown")


def reconcile(client, task, **fields):
    return client.post(page("settle", task.pk), fields, follow=True)


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


def test_task_that_was_found_is_followed(operator, lost, found):
    reconcile(operator, lost, provider_task_id=f" {found} ")

    lost.refresh_from_db()
    assert (lost.status, lost.provider_task_id) == ("queued", found)
    assert (lost.attention, lost.error_charged) == ("", "")
    assert lost.next_poll_at is not None
    assert lost.events.last().actor == "admin"


def test_id_that_the_provider_does_not_know_is_refused(operator, lost, provider):
    response = reconcile(operator, lost, provider_task_id="cgt-20260101000000-nobdy")

    lost.refresh_from_db()
    assert lost.status == "unconfirmed"
    assert len(messages_of(response)) == 1


def test_task_that_is_absent_is_sent_again(operator, lost, provider):
    reconcile(operator, lost, looked="on")

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
    assert messages_of(response) == ["Another task has this id, or this one was settled in the meantime."]


@pytest.mark.parametrize("status", ["submitting", "pending", "running", "failed"])
@pytest.mark.parametrize("fields", [{"looked": "on"}, {"provider_task_id": "cgt-1"}], ids=["absent", "found"])
def test_task_that_is_not_unconfirmed_is_left_alone(operator, provider, make_task, status, fields):
    task = make_task(status=status)

    reconcile(operator, task, **fields)

    task.refresh_from_db()
    assert task.status == status


def test_settling_is_refused_without_permission(staff_with, lost):
    assert reconcile(staff_with("view", "change"), lost, looked="on").status_code == 403


def test_settling_is_never_done_by_a_link(operator, lost):
    assert operator.get(page("settle", lost.pk)).status_code == 405
