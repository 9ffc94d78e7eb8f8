"""Tasks can be marked as seen, and closed when the provider has lost them."""

import datetime as dt

import pytest
from django.utils import timezone

from seedance import lifecycle
from seedance.models import Attention, GenerationTask

from ..lifecycle.conftest import polled, sent
from .conftest import messages_of, page, run_action

__all__ = ["polled", "sent"]


def labels(response):
    return [str(verb.label) for verb in response.context["verbs"]]


def test_seen_task_leaves_the_list_of_what_needs_attention(operator, make_task):
    task = make_task(status="succeeded", attention="mismatch", attention_detail="asked for 5 s, got 4.0 s")

    response = run_action(operator, "mark_seen_selected", task)

    task.refresh_from_db()
    assert (task.attention, task.attention_detail, task.attention_seen) == ("", "", "mismatch")
    assert messages_of(response) == ["1 task was marked as seen."]
    event = task.events.get()
    assert (event.what, event.actor, event.detail) == ("attention", "admin", "Marked as seen: mismatch.")


def test_reason_that_was_seen_does_not_come_back(make_task):
    task = make_task(status="running", attention="gone")
    stale = GenerationTask.objects.get(pk=task.pk)
    task.mark_seen(cause="test")

    task.flag(Attention.GONE, cause="poll", detail="HTTP 404 again")
    stale.flag(Attention.GONE, cause="poll", detail="HTTP 404 again")

    task.refresh_from_db()
    assert (task.attention, task.attention_seen) == ("", "gone")


def test_other_reason_is_shown_after_one_was_seen(make_task):
    task = make_task(status="running", attention="overdue")
    task.mark_seen(cause="test")

    task.flag(Attention.GONE, cause="poll")

    task.refresh_from_db()
    assert (task.attention, task.attention_seen) == ("gone", "")


def test_same_reason_is_shown_again_in_another_status(make_task):
    task = make_task(status="queued", attention="unknown_status")
    task.mark_seen(cause="test")
    task.advance("running", cause="poll")

    task.flag(Attention.UNKNOWN_STATUS, cause="poll")

    task.refresh_from_db()
    assert task.attention == "unknown_status"


def test_reason_that_changed_meanwhile_is_not_marked(make_task):
    task = make_task(status="running", attention="overdue")
    GenerationTask.objects.update(attention="gone")

    with pytest.raises(Exception, match="Nothing needs attention here"):
        task.mark_seen(cause="test")

    task.refresh_from_db()
    assert task.attention == "gone"


def test_pause_of_an_account_cannot_be_marked_as_seen(operator, make_task):
    task = make_task(status="pending", attention="paused")

    response = run_action(operator, "mark_seen_selected", task)

    task.refresh_from_db()
    assert task.attention == "paused"
    assert "This goes by itself once the account is resumed" in messages_of(response)[1]


def test_task_that_the_provider_finds_again_is_no_longer_lost(make_task, sent, provider, polled):
    task = sent()
    GenerationTask.objects.filter(pk=task.pk).update(attention_seen="gone")

    task = polled(task)

    assert task.attention_seen == ""
    assert not task.is_closable


@pytest.mark.parametrize("attention", ["gone", "overdue"])
@pytest.mark.parametrize("status", ["queued", "running"])
def test_lost_task_is_closed_once_confirmed(operator, make_task, status, attention):
    task = make_task(status=status, attention=attention)

    asked = run_action(operator, "close_selected", task, stay="1")
    response = run_action(operator, "close_selected", task, stay="1", confirmed="yes")

    task.refresh_from_db()
    assert asked.context["preview"].does[0].startswith("1 task ends as failed. It may have been billed")
    assert (task.status, task.error_code, task.error_charged) == ("failed", "closed_as_lost", "unknown")
    assert (task.attention, task.next_poll_at, task.is_final) == ("", None, True)
    event = task.events.last()
    assert (event.from_status, event.to_status, event.actor) == (status, "failed", "admin")
    assert response.redirect_chain == [(page("change", task.pk), 302)]


def test_lost_task_that_was_seen_can_still_be_closed(operator, make_task):
    task = make_task(status="running", attention_seen="gone")

    assert "Close as lost…" in labels(operator.get(page("change", task.pk)))
    run_action(operator, "close_selected", task, confirmed="yes")

    task.refresh_from_db()
    assert task.status == "failed"


def test_unconfirmed_task_that_cannot_be_found_can_be_closed(operator, make_task):
    task = make_task(status="unconfirmed", attention="unconfirmed", requested_provider_task_id="cgt-1")

    run_action(operator, "close_selected", task, confirmed="yes")

    task.refresh_from_db()
    assert (task.status, task.error_charged, task.requested_provider_task_id) == ("failed", "unknown", "")


@pytest.mark.parametrize(
    ("status", "attention"),
    [("running", ""), ("queued", "backwards"), ("pending", ""), ("submitting", ""), ("succeeded", "lost_media")],
)
def test_task_that_may_still_end_is_not_closed(operator, make_task, status, attention):
    task = make_task(status=status, attention=attention)

    response = run_action(operator, "close_selected", task, confirmed="yes")

    task.refresh_from_db()
    assert task.status == status
    assert "the provider has not lost it" in messages_of(response)[1]


def test_task_that_was_found_again_at_that_moment_stays_open(make_task):
    task = make_task(status="running", attention="gone")
    GenerationTask.objects.update(attention="")

    with pytest.raises(Exception, match="this one is not lost"):
        task.close_as_lost(cause="test")

    task.refresh_from_db()
    assert task.status == "running"


def test_closed_task_makes_room_for_another(make_task, provider, settings):
    default = settings.SEEDANCE["PROVIDERS"]["default"]
    settings.SEEDANCE = {**settings.SEEDANCE, "PROVIDERS": {"default": {**default, "MAX_ACTIVE": 1}}}
    lost, waiting = make_task(status="running", attention="gone"), make_task(status="pending")
    assert lifecycle.next_to_dispatch(1) == []

    lost.close_as_lost(cause="test")

    assert lifecycle.next_to_dispatch(1) == [waiting.pk]


def test_callback_that_says_success_after_all_is_in_the_timeline(make_task):
    task = make_task(status="running", attention="gone")
    task.close_as_lost(cause="test")

    lifecycle.receive_callback(task, b'{"id": "cgt-1", "status": "succeeded"}')

    task.refresh_from_db()
    assert task.status == "failed"
    assert task.events.last().detail == "The provider calls it succeeded after all."


@pytest.mark.parametrize(
    ("action", "verbs"), [("mark_seen_selected", ["view", "submit"]), ("close_selected", ["view", "change"])]
)
def test_verb_takes_its_own_permission(staff_with, make_task, action, verbs):
    task = make_task(status="running", attention="gone")

    run_action(staff_with(*verbs), action, task, confirmed="yes")

    task.refresh_from_db()
    assert (task.status, task.attention) == ("running", "gone")


@pytest.mark.parametrize("column", ["attention", "attention_seen"])
def test_lost_task_keeps_no_page_refreshing(operator, make_task, column):
    task = make_task(status="running", **{column: "gone"})

    assert "data-seedance-refresh" not in operator.get(page("changelist")).content.decode()
    assert "data-seedance-refresh" not in operator.get(page("change", task.pk)).content.decode()


def test_overdue_task_that_was_seen_is_still_asked_about(make_task, sent, provider, polled):
    task = sent()
    past = timezone.now() - dt.timedelta(days=5)
    GenerationTask.objects.filter(pk=task.pk).update(attention_seen="overdue", expires_at=past, submitted_at=past)

    task = polled(task)

    assert (task.attention, task.attention_seen) == ("", "overdue")
