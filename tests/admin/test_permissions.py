"""The site's policy decides about each task, in addition to Django's permissions."""

import pytest

from seedance.models import GenerationTask
from seedance.policy import Policy

from .conftest import messages_of, page, request_of, run_action

#: Action -> the columns of a task that it would change, and the verb that the policy is asked about.
ACTIONS = {
    "submit_selected": ({"status": "new"}, "submit"),
    "sync_selected": ({"status": "running"}, "sync"),
    "archive_selected": ({"status": "succeeded"}, "sync"),
    "cancel_selected": ({"status": "pending"}, "cancel"),
    "retry_selected": ({"status": "failed"}, "submit"),
    "mark_seen_selected": ({"status": "running", "attention": "overdue"}, "change"),
    "close_selected": ({"status": "unconfirmed"}, "cancel"),
}

REASON = "the policy of this site does not allow you to do this with it"


class Guarded(Policy):
    """Whatever the user's permissions, tasks whose prompt starts with a verb refuse this verb."""

    def may(self, user, verb, task):
        return not task.prompt.startswith(f"{verb}:") and super().may(user, verb, task)


@pytest.fixture
def guarded(settings, provider):
    settings.SEEDANCE = {**settings.SEEDANCE, "POLICY": "tests.admin.test_permissions.Guarded"}


def state_of(task):
    return GenerationTask.objects.values().get(pk=task.pk)


@pytest.mark.parametrize("action", ACTIONS)
def test_action_skips_what_the_policy_forbids_and_says_why(operator, guarded, make_task, action):
    columns, verb = ACTIONS[action]
    task = make_task(**columns, prompt=f"{verb}: a boat")
    before = state_of(task)

    response = run_action(operator, action, task, confirmed="yes")

    assert (state_of(task), GenerationTask.objects.count()) == (before, 1)
    assert messages_of(response)[1] == f"1 task was skipped: 1 {task.get_status_display()}: {REASON}."


@pytest.mark.parametrize("action", ACTIONS)
def test_action_still_changes_what_the_policy_allows(operator, guarded, make_task, action):
    columns, verb = ACTIONS[action]
    make_task(**columns, prompt=f"{verb}: a boat")
    allowed = make_task(**columns)

    response = run_action(operator, action, *GenerationTask.objects.all(), confirmed="yes")

    assert messages_of(response)[0].startswith(("1 ", "The video of 1 ", "The provider will be asked about 1 "))
    assert allowed.events.exists() or allowed.retries.exists() or state_of(allowed)["next_poll_at"] is not None


@pytest.mark.parametrize("action", ["cancel_selected", "retry_selected", "close_selected"])
def test_confirmation_shows_what_the_policy_forbids(operator, guarded, make_task, action):
    columns, verb = ACTIONS[action]
    task = make_task(**columns, prompt=f"{verb}: a boat")

    preview = run_action(operator, action, task).context["preview"]

    assert (preview.does, preview.skips) == ([], [f"1 {task.get_status_display()}: {REASON}"])


@pytest.mark.parametrize("action", ACTIONS)
def test_page_offers_no_button_that_the_policy_forbids(operator, guarded, make_task, action):
    columns, verb = ACTIONS[action]
    task = make_task(**columns, prompt=f"{verb}: a boat")

    response = operator.get(page("change", task.pk))

    assert action not in [each.action for each in response.context["verbs"]]


def test_form_of_a_task_that_may_not_be_submitted_has_no_such_button(operator, guarded, make_task):
    task = make_task(prompt="submit: a boat")

    assert b'name="_submit"' not in operator.get(page("change", task.pk)).content


def test_form_cannot_submit_what_the_policy_forbids(operator, guarded, make_task):
    task = make_task(prompt="submit: a boat")

    response = operator.post(page("change", task.pk), request_of(prompt="A boat.", _submit="1"))

    assert (response.status_code, state_of(task)["status"]) == (403, "new")


def test_request_cannot_be_edited_where_the_policy_forbids_it(operator, guarded, make_task):
    task = make_task(prompt="change: a boat")

    response = operator.post(page("change", task.pk), request_of(prompt="A boat."))

    assert (response.status_code, state_of(task)["prompt"]) == (403, "change: a boat")


def test_task_cannot_be_reconciled_where_the_policy_forbids_to_submit(operator, guarded, make_task):
    task = make_task(status="unconfirmed", prompt="submit: a boat")

    response = operator.post(page("reconcile", task.pk), {"confirmed": "on"})

    assert (response.status_code, state_of(task)["status"]) == (403, "unconfirmed")
    assert operator.get(page("change", task.pk)).context["reconcile_forms"] is None


def test_task_cannot_be_deleted_where_the_policy_forbids_it(operator, guarded, make_task):
    task = make_task(status="failed", prompt="delete: a boat")

    operator.post(page("delete", task.pk), {"post": "yes"})
    run_action(operator, "delete_selected", task, post="yes")

    assert GenerationTask.objects.count() == 1


def test_video_is_not_sent_where_the_policy_forbids_to_view(operator, guarded, stored_task):
    GenerationTask.objects.update(prompt="view: a boat")

    assert operator.get(page("video", stored_task.pk)).status_code == 403


@pytest.mark.parametrize("where", ["changelist", "change", "live"])
def test_cost_is_hidden_where_the_policy_forbids_it(operator, guarded, make_task, where):
    task = make_task(status="running", prompt="view_cost: a boat", cost_amount="0.26", cost_currency="USD")
    url = page("change", task.pk) if where == "change" else page(where)

    assert "0.26" not in operator.get(url, {"ids": str(task.pk)} if where == "live" else {}).content.decode()


def test_cost_of_another_task_is_still_shown(operator, guarded, make_task):
    make_task(status="running", prompt="view_cost: a boat", cost_amount="0.26", cost_currency="USD")
    make_task(status="running", cost_amount="0.13", cost_currency="USD")

    content = operator.get(page("changelist")).content.decode()

    assert "0.13 USD" in content and "0.26 USD" not in content


def test_total_is_hidden_when_the_cost_of_one_task_is(operator, guarded, make_task):
    tasks = [make_task(prompt=prompt, estimate_amount="0.25") for prompt in ("view_cost: a boat", "A boat.")]

    assert run_action(operator, "submit_selected", *tasks).context["preview"].price == ""
