"""What the provider says is written down, in any order, and nothing is made up."""

import datetime as dt

import pytest
from django.utils import timezone

from seedance import conf, lifecycle
from seedance.models import GenerationTask
from seedance.provider.types import RemoteTask

NOW = timezone.now().replace(microsecond=0)


def remote(status, *, word="", **said):
    return RemoteTask(
        **{"provider_task_id": "cgt-1", "status": status, "status_word": word or status, "updated_at": NOW, **said}
    )


def test_running_task_is_running(provider, sent, polled):
    task = sent()
    provider.clock.advance(6)

    assert polled(task).status == "running"


def test_finished_task_has_link_usage_cost_and_result(provider, sent, polled):
    task = sent(ratio="16:9", generate_audio=False)
    provider.finish()

    task = polled(task)

    assert task.status == "succeeded"
    assert task.video_url.startswith(provider.url)
    assert task.total_tokens == 864 * 496 * 97 // 1024
    assert task.cost_amount == task.estimate_amount > 0
    assert task.result["ratio"] == "16:9"
    assert task.result["frames_per_second"] == 24


def test_link_dies_when_the_link_says_so(provider, sent, polled):
    task = sent()
    provider.finish()

    task = polled(task)

    assert task.video_url_expires_at - task.provider_updated_at == pytest.approx(
        dt.timedelta(hours=24), abs=dt.timedelta(seconds=60)
    )


def test_failed_task_says_why_and_that_nothing_was_billed(provider, sent, polled):
    task = sent()
    provider.fail(code="OutputVideoSensitiveContentDetected", message="blood")

    task = polled(task)

    assert (task.status, task.error_code) == ("failed", "OutputVideoSensitiveContentDetected")
    assert task.error_charged == "no"


def test_final_task_never_changes_again(make_task):
    task = make_task(status="succeeded", provider_task_id="cgt-1")

    lifecycle.update(task, remote("failed", error_code="x"), cause="test")

    assert GenerationTask.objects.get().status == "succeeded"


def test_unknown_status_word_changes_no_status_and_is_flagged(make_task):
    task = make_task(status="running")

    lifecycle.update(task, remote("", word="paused"), cause="test")

    row = GenerationTask.objects.get()
    assert (row.status, row.attention, row.attention_detail) == ("running", "unknown_status", "paused")
    assert row.next_poll_at is not None


def test_known_status_after_an_unknown_one_clears_the_flag(make_task):
    task = make_task(status="running", attention="unknown_status", attention_detail="paused")

    lifecycle.update(task, remote("running"), cause="test")

    assert GenerationTask.objects.get().attention == ""


def test_backwards_status_changes_nothing_and_is_flagged(make_task):
    task = make_task(status="running", provider_updated_at=NOW)

    lifecycle.update(task, remote("queued"), cause="test")

    row = GenerationTask.objects.get()
    assert (row.status, row.attention) == ("running", "backwards")


def test_older_report_is_ignored_without_a_flag(make_task):
    task = make_task(status="running", provider_updated_at=NOW)

    lifecycle.update(task, remote("queued", updated_at=NOW - dt.timedelta(seconds=9)), cause="test")

    row = GenerationTask.objects.get()
    assert (row.status, row.attention) == ("running", "")


def test_success_without_a_link_is_polled_again_before_it_is_flagged(make_task):
    task = make_task(status="running")

    lifecycle.update(task, remote("succeeded"), cause="test")

    row = GenerationTask.objects.get()
    assert (row.status, row.attention, row.link_polls) == ("running", "", 1)


def test_success_that_never_gets_a_link_is_a_success_with_a_flag(make_task):
    task = make_task(status="running", link_polls=5)

    lifecycle.update(task, remote("succeeded"), cause="test")

    row = GenerationTask.objects.get()
    assert (row.status, row.attention) == ("succeeded", "no_video")


def test_overdue_task_raises_a_flag_and_stays_what_it_is(make_task):
    task = make_task(status="running", submitted_at=NOW - dt.timedelta(hours=50))

    lifecycle.update(task, remote("running"), cause="test")

    row = GenerationTask.objects.get()
    assert (row.status, row.attention) == ("running", "overdue")


def test_task_unknown_right_after_create_is_asked_about_again(provider, make_task, polled):
    task = polled(make_task(status="queued"))

    assert (task.status, task.attention) == ("queued", "")
    assert task.next_poll_at - timezone.now() < dt.timedelta(seconds=6)


def test_task_unknown_later_needs_attention_and_keeps_its_status(provider, make_task, polled):
    task = polled(make_task(status="queued", submitted_at=NOW - dt.timedelta(hours=1)))

    assert (task.status, task.attention) == ("queued", "gone")
    assert task.next_poll_at is not None


def test_task_forgotten_after_a_week_is_not_asked_about_any_more(provider, make_task, polled):
    task = polled(make_task(status="running", submitted_at=NOW - dt.timedelta(days=9)))

    assert (task.attention, task.next_poll_at) == ("gone", None)


@pytest.mark.parametrize("fault", ["html_502", "truncated_json", "empty_body", "html_200", "rate_limited"])
def test_failed_poll_changes_no_status_and_backs_off(provider, sent, polled, fault):
    task = sent()
    provider.fault(fault, on="get", times=None)

    task = polled(task)

    assert (task.status, task.poll_failures) == ("queued", 1)
    assert task.next_poll_at > timezone.now()


def test_failing_polls_are_noted_once(provider, sent, polled):
    task = sent()
    provider.fail_next(500, on="get", times=None)

    polled(task)
    task = polled(task)

    assert task.poll_failures == 2
    assert task.events.filter(what="answer").count() == 1


def test_list_answers_for_many_tasks_in_one_call(provider, sent):
    tasks = [sent(prompt=f"Video {number}.") for number in range(3)]
    provider.finish()
    heard = len(provider.requests)

    missing = lifecycle.poll_many(tasks, conf.provider())

    assert missing == []
    assert set(GenerationTask.objects.values_list("status", flat=True)) == {"succeeded"}
    assert len(provider.requests) == heard + 1


def test_list_leaves_what_it_does_not_hold_to_a_single_poll(provider, sent, make_task):
    known = sent()
    unknown = make_task(status="queued", provider_task_id="cgt-20260101000000-nobdy")

    missing = lifecycle.poll_many([known, unknown], conf.provider())

    assert missing == [unknown]
    assert GenerationTask.objects.get(pk=unknown.pk).attention == ""


def test_list_of_unchanged_tasks_writes_once(provider, sent, django_assert_num_queries):
    for number in range(5):
        sent(prompt=f"Video {number}.")
    lifecycle.poll_many(list(GenerationTask.objects.all()), conf.provider())
    tasks = list(GenerationTask.objects.all())

    with django_assert_num_queries(1):
        lifecycle.poll_many(tasks, conf.provider())


def test_unchanged_poll_writes_nothing_but_the_next_poll(provider, sent, django_assert_num_queries):
    task = sent()
    lifecycle.poll(task)
    task = GenerationTask.objects.get()

    with django_assert_num_queries(0):
        update = lifecycle.poll(task)

    assert not update


def test_unchanged_tasks_share_one_statement(provider, sent, django_assert_num_queries):
    tasks = [sent(prompt=f"Video {number}.") for number in range(4)]

    with django_assert_num_queries(1):
        lifecycle.reschedule(tasks)

    assert not GenerationTask.objects.due().exists()
