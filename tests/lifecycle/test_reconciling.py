"""A create that got no answer is found again, or waits for a person; it is never sent twice."""

import datetime as dt

import pytest
from django.utils import timezone

from seedance import lifecycle
from seedance.exceptions import NotFoundError, TransitionError
from seedance.models import GenerationTask

from ..conftest import SAMPLE_MODEL, SAMPLE_PROMPT


@pytest.fixture
def lost(provider, sent):
    """Returns a function that sends a task whose answer gets lost although it was accepted."""

    def send(prompt=SAMPLE_PROMPT, **request):
        provider.fault("lost_response_after_accept", on="create")
        return sent(prompt, **request)

    return send


def reconciled(task):
    lifecycle.reconcile(GenerationTask.objects.get(pk=task.pk))
    return GenerationTask.objects.get(pk=task.pk)


def test_lost_task_is_found_in_the_providers_list(provider, lost):
    task = reconciled(lost())

    assert (task.status, task.attention) == ("queued", "")
    assert task.provider_task_id == provider.creates[0].id
    assert len(provider.creates) == 1


def test_lost_task_is_found_by_the_callback_on_its_own_token(provider, lost, settings):
    settings.SEEDANCE = {
        "PROVIDERS": {"default": {**settings.SEEDANCE["PROVIDERS"]["default"], "LISTS": False}},
    }
    task = lost()
    lifecycle.receive_callback(task, b'{"id": "%s", "status": "running"}' % provider.creates[0].id.encode())

    task = reconciled(task)

    assert (task.status, task.provider_task_id) == ("queued", provider.creates[0].id)


def test_forged_callback_links_nothing(provider, lost, settings):
    settings.SEEDANCE = {
        "PROVIDERS": {"default": {**settings.SEEDANCE["PROVIDERS"]["default"], "LISTS": False}},
    }
    task = lost()
    lifecycle.receive_callback(task, b'{"id": "cgt-20260101000000-forgd", "status": "succeeded"}')

    assert reconciled(task).status == "unconfirmed"


def test_two_candidates_are_one_too_many(provider, lost, sent):
    task = lost()
    other = sent("Somebody else's, through another program.")
    other.delete()

    assert reconciled(task).status == "unconfirmed"


def test_two_unconfirmed_tasks_of_one_model_are_ambiguous(provider, lost):
    first, second = lost("One."), lost("Two.")

    assert {reconciled(first).status, reconciled(second).status} == {"unconfirmed"}


def test_candidate_that_another_row_owns_is_not_taken(provider, lost, sent):
    sent("Ours, and known.")

    task = reconciled(lost())

    assert task.provider_task_id == provider.creates[1].id


def test_candidate_with_other_parameters_is_not_taken(provider, lost, sent):
    task = lost(generate_audio=True)
    GenerationTask.objects.filter(pk=task.pk).update(parameters={**task.parameters, "generate_audio": False})

    assert reconciled(task).status == "unconfirmed"


def test_create_that_never_arrived_is_searched_for_less_and_less_often(provider, sent):
    provider.fail_next(502, body="<html>")
    task = sent()

    first = reconciled(task)
    later = reconciled(task)

    assert first.status == later.status == "unconfirmed"
    assert later.next_search_at > first.next_search_at


def test_search_ends_where_there_is_no_list(provider, lost, settings):
    settings.SEEDANCE = {
        "PROVIDERS": {"default": {**settings.SEEDANCE["PROVIDERS"]["default"], "LISTS": False}},
    }

    task = reconciled(lost())

    assert (task.status, task.attention, task.next_search_at) == ("unconfirmed", "unconfirmed", None)


def test_person_links_the_providers_task(provider, lost):
    task = lost()

    lifecycle.link_provider_task(task, provider.creates[0].id, cause="admin", actor="alice")

    task.refresh_from_db()
    assert task.provider_task_id == provider.creates[0].id
    assert task.events.filter(actor="alice").exists()


def test_person_cannot_link_what_the_provider_does_not_know(provider, lost):
    with pytest.raises(NotFoundError):
        lifecycle.link_provider_task(lost(), "cgt-20260101000000-nobdy", cause="admin")


def test_person_cannot_link_what_another_row_owns(provider, lost, sent):
    owned = sent("Ours, and known.")
    task = lost()

    with pytest.raises(TransitionError):
        lifecycle.link_provider_task(task, owned.provider_task_id, cause="admin")


def test_person_resubmits_a_task(provider, lost):
    task = lost()

    lifecycle.resubmit(task, cause="admin", actor="alice")

    task.refresh_from_db()
    assert (task.status, task.attention) == ("pending", "")
    assert "billed twice" in task.events.last().detail


@pytest.mark.parametrize("status", ["pending", "queued", "failed"])
def test_only_an_unconfirmed_task_is_resubmitted(make_task, status):
    with pytest.raises(TransitionError):
        lifecycle.resubmit(make_task(status=status), cause="admin")


def test_late_answer_of_the_create_ends_the_search(make_task):
    task = make_task(status="unconfirmed", next_search_at=timezone.now(), requested_provider_task_id="cgt-1")

    task.accept("cgt-2", cause="dispatch")

    task.refresh_from_db()
    assert (task.status, task.next_search_at, task.requested_provider_task_id) == ("queued", None, "")


def test_unconfirmed_task_is_claimed_by_one_worker(make_task):
    make_task(status="unconfirmed", next_search_at=timezone.now() - dt.timedelta(seconds=1))

    assert len(lifecycle.claim_unconfirmed(10)) == 1
    assert len(lifecycle.claim_unconfirmed(10)) == 0


def test_endpoint_id_is_resolved_by_the_provider_and_still_found(provider, lost):
    task = reconciled(lost(model_name="ep-20260101000000-abcde"))

    assert task.status == "queued"
    assert SAMPLE_MODEL in task.raw["model"]


def test_second_resubmit_does_not_interrupt_a_submit(make_task):
    task = make_task(status="unconfirmed")
    stale = GenerationTask.objects.get()
    lifecycle.resubmit(task, cause="admin")
    task.advance("submitting", cause="dispatch", lease_until=timezone.now())

    with pytest.raises(TransitionError):
        lifecycle.resubmit(stale, cause="admin")
    assert GenerationTask.objects.get().status == "submitting"
