"""The actions of the list: both numbers, the permission, the confirmation."""

import pytest

from seedance.models import GenerationTask, Status

from .conftest import messages_of, page, run_action

ALL = list(Status)
VERBS = {
    "submit_selected": ["submit"],
    "sync_selected": ["sync"],
    "archive_selected": ["sync"],
    "cancel_selected": ["cancel"],
    "retry_selected": ["add", "submit"],
}


@pytest.fixture
def one_of_each(make_task, provider):
    return {status: make_task(status=status) for status in ALL}


def test_submit_sends_new_tasks_and_reports_what_it_skipped(operator, one_of_each):
    response = run_action(operator, "submit_selected", *one_of_each.values())

    one_of_each[Status.NEW].refresh_from_db()
    assert one_of_each[Status.NEW].status == Status.PENDING
    report, skipped = messages_of(response)
    assert report == "1 task will be sent."
    assert skipped.startswith("9 tasks were skipped:")
    assert "1 running: only new tasks can be submitted" in skipped


def test_submit_writes_who_did_it_into_the_timeline(operator, make_task, provider):
    task = make_task()

    run_action(operator, "submit_selected", task)

    event = task.events.get()
    assert (event.cause, event.actor, event.to_status) == ("admin", "admin", "pending")


def test_sync_makes_due_what_the_provider_has(operator, one_of_each):
    GenerationTask.objects.update(next_poll_at=None)

    response = run_action(operator, "sync_selected", *one_of_each.values())

    due = set(GenerationTask.objects.due().values_list("status", flat=True))
    assert due == {"queued", "running"}
    assert messages_of(response)[0] == "The provider will be asked about 2 tasks."
    assert messages_of(response)[1].startswith("8 tasks were skipped:")


def test_archive_again_fetches_what_is_not_stored_and_pays_nothing(operator, one_of_each):
    GenerationTask.objects.update(next_archive_at=None)

    response = run_action(operator, "archive_selected", *one_of_each.values())

    assert set(GenerationTask.objects.archivable().values_list("status", flat=True)) == {"succeeded"}
    assert GenerationTask.objects.count() == len(ALL)
    assert messages_of(response)[0] == "The video of 1 task is fetched."
    assert messages_of(response)[1].startswith("9 tasks were skipped:")


def test_retry_says_first_which_videos_can_be_had_without_paying_again(operator, one_of_each):
    response = run_action(operator, "retry_selected", *one_of_each.values())

    assert any("Archive again" in line for line in response.context["preview"].does)


def test_cancel_says_first_what_it_would_do(operator, one_of_each):
    response = run_action(operator, "cancel_selected", *one_of_each.values())

    preview = response.context["preview"]
    assert preview.does == [
        "2 tasks are cancelled here and now.",
        "The provider will be asked to drop 1 queued task; it may have started by then.",
    ]
    assert "1 running: A running task cannot be stopped; it will finish and be billed" in preview.skips
    assert len(preview.skips) == 7
    assert not GenerationTask.objects.filter(status="cancelled").exclude(pk=one_of_each[Status.CANCELLED].pk).exists()


def test_cancel_does_it_once_confirmed(operator, one_of_each):
    response = run_action(operator, "cancel_selected", *one_of_each.values(), confirmed="yes")

    queued = GenerationTask.objects.get(pk=one_of_each[Status.QUEUED].pk)
    assert GenerationTask.objects.filter(status="cancelled").count() == 3
    assert queued.cancel_requested_at is not None
    report, skipped = messages_of(response)
    assert report.startswith("2 tasks were cancelled. The provider will be asked to drop 1 queued task")
    assert skipped.startswith("7 tasks were skipped:")


def test_cancel_page_skips_tasks_whose_provider_cannot_cancel(operator, make_task, settings):
    settings.SEEDANCE = {"PROVIDERS": {"default": {"PRESET": "cometapi", "API_KEY": "k"}}}
    task = make_task(status="queued")

    preview = run_action(operator, "cancel_selected", task).context["preview"]

    assert preview.does == []
    assert preview.skips == ["1 queued: this provider cannot cancel a task that it has accepted"]


def test_retry_says_first_that_it_costs(operator, one_of_each):
    response = run_action(operator, "retry_selected", *one_of_each.values())

    assert response.context["preview"].does == [
        "4 new tasks are made and sent at once. They are paid like any others.",
        "1 cancelled.",
        "1 expired.",
        "1 failed: what was refused for its content is refused again.",
        "1 succeeded: the video is there already, and is made once more.",
        "The video of 1 of them is made and paid already: “Archive again” stores it free of charge.",
    ]
    assert GenerationTask.objects.count() == len(ALL)


def test_retry_says_of_a_new_task_that_nothing_was_sent(operator, make_task, provider):
    preview = run_action(operator, "retry_selected", make_task()).context["preview"]

    assert preview.skips == ["1 new: nothing was sent yet; submit it instead"]


def test_retry_shows_first_prompts_and_price_before_it_costs(operator, make_task, provider):
    tasks = [
        make_task(status="failed", prompt=f"Boat {n}.", estimate_amount="0.25", estimate_currency="USD")
        for n in range(12)
    ]

    content = run_action(operator, "retry_selected", *tasks).content.decode()

    assert "Estimated price: 3.00 USD." in content
    assert "Boat 11." in content and "Boat 2." in content and "Boat 1." not in content
    assert "and 2 more" in content


def test_retry_hides_the_price_from_those_who_may_not_see_it(staff_with, make_task, provider):
    task = make_task(status="failed", estimate_amount="0.25", estimate_currency="USD")

    content = run_action(staff_with("view", "add", "submit"), "retry_selected", task).content.decode()

    assert "USD" not in content


def test_submit_of_several_says_first_that_it_costs(operator, make_task, provider):
    tasks = [make_task(estimate_amount="0.25", estimate_currency="USD") for _ in range(2)]

    response = run_action(operator, "submit_selected", *tasks)

    assert response.context["preview"].does == ["2 tasks are sent."]
    assert "Estimated price: 0.50 USD." in response.content.decode()
    assert GenerationTask.objects.filter(status="new").count() == 2


def test_submit_of_several_sends_once_confirmed(operator, make_task, provider):
    tasks = [make_task() for _ in range(2)]

    run_action(operator, "submit_selected", *tasks, confirmed="yes")

    assert GenerationTask.objects.filter(status="pending").count() == 2


@pytest.mark.parametrize(("action", "status"), [("submit_selected", "new"), ("retry_selected", "failed")])
def test_more_than_was_confirmed_is_asked_about_again(operator, make_task, provider, action, status):
    tasks = [make_task(status=status) for _ in range(3)]

    response = run_action(operator, action, tasks[0], select_across="1", confirmed="yes", expected="2")

    assert response.context["expected"] == 3
    assert GenerationTask.objects.filter(status="pending").count() == 0


@pytest.mark.parametrize(("action", "status"), [("submit_selected", "new"), ("retry_selected", "failed")])
def test_select_all_never_pays_for_more_than_the_limit(operator, make_task, provider, settings, action, status):
    settings.SEEDANCE = {**settings.SEEDANCE, "MAX_PAID_SELECTION": 2}
    tasks = [make_task(status=status) for _ in range(3)]

    response = run_action(operator, action, tasks[0], select_across="1", confirmed="yes")

    assert messages_of(response)[0].startswith("3 tasks would be paid for; at most 2 can be at a time.")
    assert GenerationTask.objects.filter(status="pending").count() == 0


def test_no_leads_back_to_the_filtered_list(operator, make_task, provider):
    task = make_task(status="failed")
    data = {"action": "retry_selected", "_selected_action": [str(task.pk)]}

    response = operator.post(page("changelist") + "?status__exact=failed", data)

    assert response.context["back_url"] == page("changelist") + "?status__exact=failed"


def test_no_leads_back_to_the_task(operator, make_task, provider):
    task = make_task(status="failed")

    assert run_action(operator, "retry_selected", task, stay="1").context["back_url"] == page("change", task.pk)


def test_retry_makes_new_tasks_linked_to_the_old_ones_once_confirmed(operator, one_of_each, admin_user):
    response = run_action(operator, "retry_selected", *one_of_each.values(), confirmed="yes")

    made = GenerationTask.objects.exclude(retry_of=None)
    assert {task.retry_of.status for task in made} == {"succeeded", "failed", "cancelled", "expired"}
    assert {(task.status, task.owner) for task in made} == {("pending", admin_user)}
    assert messages_of(response)[0] == "4 new tasks were made."
    assert messages_of(response)[1].startswith("6 tasks were skipped:")


def test_retry_skips_what_the_rules_refuse_today(operator, make_task, provider):
    task = make_task(status="failed", duration=99)

    response = run_action(operator, "retry_selected", task, confirmed="yes")

    assert messages_of(response)[0] == "0 new tasks were made."
    assert messages_of(response)[1].startswith("1 task was skipped: 1 failed:")


def test_retry_skips_a_task_whose_upload_is_gone(operator, make_task, provider):
    task = make_task(status="failed")
    task.media.create(role="first_frame", file="seedance/inputs/nowhere.png")

    response = run_action(operator, "retry_selected", task, confirmed="yes")

    assert "an uploaded file is no longer in the storage" in messages_of(response)[1]
    assert GenerationTask.objects.count() == 1


@pytest.mark.parametrize("action", ["submit_selected", "sync_selected", "retry_selected"])
def test_action_names_the_missing_setting_instead_of_failing(operator, make_task, no_key, action):
    tasks = [make_task(), make_task(status="running"), make_task(status="failed")]

    response = run_action(operator, action, *tasks, confirmed="yes")

    assert 'SEEDANCE["PROVIDERS"]["default"]["API_KEY"]' in messages_of(response)[1]
    assert GenerationTask.objects.filter(status="pending").count() == 0


@pytest.mark.parametrize("action", VERBS)
def test_action_is_not_offered_without_its_permission(staff_with, make_task, action):
    make_task()

    response = staff_with("view", "change", "delete").get(page("changelist"))

    assert f'value="{action}"' not in response.content.decode()


@pytest.mark.parametrize("action", VERBS)
def test_action_cannot_be_posted_without_its_permission(staff_with, make_task, provider, action):
    tasks = [make_task(status=status) for status in (Status.NEW, Status.RUNNING, Status.FAILED)]
    before = list(GenerationTask.objects.values("pk", "status", "next_poll_at", "cancel_requested_at"))

    run_action(staff_with("view", "change", "delete"), action, *tasks, confirmed="yes")

    assert list(GenerationTask.objects.values("pk", "status", "next_poll_at", "cancel_requested_at")) == before


@pytest.mark.parametrize(("action", "verbs"), VERBS.items())
def test_action_is_offered_with_its_permission(staff_with, make_task, action, verbs):
    make_task()

    response = staff_with("view", *verbs).get(page("changelist"))

    assert f'value="{action}"' in response.content.decode()


@pytest.mark.parametrize("verbs", [["add"], ["submit"]])
def test_retry_takes_the_permission_to_add_and_the_one_to_submit(staff_with, make_task, verbs):
    make_task()

    response = staff_with("view", *verbs).get(page("changelist"))

    assert 'value="retry_selected"' not in response.content.decode()


def test_confirmation_carries_a_choice_across_all_pages_on(operator, make_task, provider):
    tasks = [make_task() for _ in range(3)]
    asked = run_action(operator, "cancel_selected", tasks[0], select_across="1")

    carried = dict(asked.context["carried"])
    run_action(operator, carried["action"], tasks[0], select_across=carried["select_across"], confirmed="yes")

    assert GenerationTask.objects.filter(status="cancelled").count() == 3


def test_verb_on_the_page_of_a_task_comes_back_to_it(operator, make_task, provider):
    task = make_task()

    response = run_action(operator, "submit_selected", task, stay="1")

    assert response.redirect_chain == [(page("change", task.pk), 302)]


def test_retry_on_the_page_of_a_task_leads_to_the_new_one(operator, make_task, provider):
    task = make_task(status="failed")

    response = run_action(operator, "retry_selected", task, stay="1", confirmed="yes")

    assert response.redirect_chain == [(page("change", task.retries.get().pk), 302)]


@pytest.mark.parametrize("status", ["queued", "submitting", "unconfirmed", "running"])
def test_delete_refuses_what_may_still_cost_money(operator, make_task, status):
    task = make_task(status=status)

    response = operator.post(page("delete", task.pk), {"post": "yes"})

    assert b"may still cost money" in response.content
    assert GenerationTask.objects.filter(pk=task.pk).exists()


def test_delete_of_many_refuses_when_one_may_still_cost_money(operator, make_task):
    tasks = [make_task(status="failed"), make_task(status="queued")]

    response = run_action(operator, "delete_selected", *tasks, post="yes")

    assert b"may still cost money" in response.content
    assert GenerationTask.objects.count() == 2


@pytest.mark.parametrize("status", ["new", "pending", "succeeded", "failed", "cancelled", "expired"])
def test_delete_erases_all_others(operator, make_task, status):
    task = make_task(status=status)

    operator.post(page("delete", task.pk), {"post": "yes"})

    assert not GenerationTask.objects.exists()


def test_delete_takes_the_files_along(operator, stored_task, django_capture_on_commit_callbacks):
    storage, name = stored_task.video.storage, stored_task.video.name

    with django_capture_on_commit_callbacks(execute=True):
        run_action(operator, "delete_selected", stored_task, post="yes")

    assert not GenerationTask.objects.exists()
    assert not storage.exists(name)
