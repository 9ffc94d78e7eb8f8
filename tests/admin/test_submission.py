"""A form that is posted twice creates one task, and never submits a version that its page did not show."""

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections
from django.test import Client

from seedance.models import GenerationTask

from .conftest import media_of, messages_of, page, request_of, run_action

KEY = "a-key-of-one-form"
SENT_BEFORE = "This form was sent before; this is the task it made. Nothing was made again."


def key_in(response):
    return re.search(r'name="submission_key" value="([^"]+)"', response.content.decode())[1]


def send(client, **fields):
    return client.post(page("add"), request_of(submission_key=KEY, **fields), follow=True)


def at_once(user, url, data):
    """Post the same form twice at the same moment, each from a thread with its own connection."""
    together = Barrier(2)

    def post(_number):
        client = Client()
        client.force_login(user)
        try:
            together.wait()
            return client.post(url, data)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(post, range(2)))


@pytest.mark.parametrize("button", ["_save", "_submit"])
def test_form_that_comes_twice_makes_one_task(operator, provider, button):
    send(operator, **{button: "1"})
    second = send(operator, **{button: "1"})

    task = GenerationTask.objects.get()
    assert second.redirect_chain == [(page("change", task.pk), 302)]
    assert SENT_BEFORE in messages_of(second)


def test_form_with_a_file_that_comes_twice_makes_one_task(operator, provider, png):
    for _ in range(2):
        png.seek(0)
        send(operator, _submit="1", **media_of({"role": "first_frame", "url": "", "file": png}), ratio="adaptive")

    assert GenerationTask.objects.get().media.count() == 1


def test_each_opened_form_has_a_key_of_its_own(operator, db):
    assert key_in(operator.get(page("add"))) != key_in(operator.get(page("add")))


def test_form_with_errors_keeps_its_key(operator, provider):
    assert key_in(send(operator, prompt="", _submit="1")) == KEY


def test_estimate_keeps_the_key_and_makes_nothing(operator, provider):
    assert key_in(send(operator, _estimate="1")) == KEY
    assert not GenerationTask.objects.exists()


def test_script_that_knows_no_key_makes_a_task_with_each_post(operator, provider):
    for _ in range(2):
        operator.post(page("add"), request_of(_submit="1"))

    assert GenerationTask.objects.count() == 2


def test_key_of_another_user_is_not_mine(operator, staff_with, provider):
    send(operator, _submit="1")
    send(staff_with("add", "view", "submit"), _submit="1")

    assert GenerationTask.objects.count() == 2


def test_form_that_was_sent_asks_before_it_makes_a_changed_task(operator, provider):
    send(operator, _submit="1")

    response = send(operator, _submit="1", prompt="Another boat.")

    assert GenerationTask.objects.count() == 1
    assert "This form was sent before and made the task" in response.content.decode()
    assert "Another boat." in response.content.decode()
    assert key_in(response) != KEY


def test_continue_form_that_comes_twice_makes_one_task(operator, provider, stored_task, png):
    png.seek(0)
    stored_task.last_frame.save("last.png", png, save=False)
    stored_task.save(update_fields=["last_frame"])

    for _ in range(2):
        send(operator, _submit="1", continue_from=str(stored_task.pk), ratio="adaptive")

    assert GenerationTask.objects.exclude(pk=stored_task.pk).count() == 1


def test_retry_confirmation_that_comes_twice_makes_one_task_of_each(operator, provider, make_task):
    tasks = [make_task(status="failed") for _ in range(2)]
    key = key_in(run_action(operator, "retry_selected", *tasks))

    for _ in range(2):
        response = run_action(operator, "retry_selected", *tasks, confirmed="yes", submission_key=key)

    assert GenerationTask.objects.exclude(retry_of=None).count() == 2
    assert messages_of(response) == ["2 tasks had been made by this confirmation before; they were not made again."]


def test_retry_confirmation_of_one_task_shows_the_task_of_the_first_time(operator, provider, make_task):
    task = make_task(status="failed")

    for _ in range(2):
        response = run_action(operator, "retry_selected", task, stay="1", confirmed="yes", submission_key=KEY)

    assert response.redirect_chain == [(page("change", task.retries.get().pk), 302)]


def test_retry_that_was_cut_off_goes_on_where_it_stopped(operator, provider, make_task):
    tasks = [make_task(status="failed") for _ in range(3)]
    run_action(operator, "retry_selected", tasks[0], confirmed="yes", submission_key=KEY)

    response = run_action(operator, "retry_selected", *tasks, confirmed="yes", submission_key=KEY)

    assert GenerationTask.objects.exclude(retry_of=None).count() == 3
    assert messages_of(response)[0].startswith("2 new tasks were made. 1 task had been made by this confirmation")


def test_key_of_the_page_goes_through_the_confirmation(operator, provider, make_task):
    task = make_task(status="failed")

    response = run_action(operator, "retry_selected", task, submission_key=KEY)

    assert key_in(response) == KEY
    assert key_in(operator.get(page("change", task.pk)))
    assert 'name="submission_key" value="' in operator.get(page("changelist")).content.decode()


@pytest.mark.django_db(transaction=True)
def test_two_posts_of_one_form_at_the_same_moment_make_one_task(admin_user, provider):
    responses = at_once(admin_user, page("add"), request_of(submission_key=KEY, _submit="1"))

    assert [response.status_code for response in responses] == [302, 302]
    assert {response["Location"] for response in responses} == {page("change", GenerationTask.objects.get().pk)}


@pytest.mark.django_db(transaction=True)
def test_two_posts_of_one_confirmation_at_the_same_moment_make_one_task(admin_user, provider, make_task):
    task = make_task(status="failed")
    data = {
        "action": "retry_selected",
        "_selected_action": [str(task.pk)],
        "stay": "1",
        "confirmed": "yes",
        "submission_key": KEY,
    }

    responses = at_once(admin_user, page("changelist"), data)

    assert {response["Location"] for response in responses} == {page("change", task.retries.get().pk)}


# One way to submit, and it sends what the page shows


def test_page_with_a_form_has_one_way_to_submit(operator, provider, make_task):
    content = operator.get(page("change", make_task().pk)).content.decode()

    assert "Save and submit" in content
    assert 'value="submit_selected"' not in content


def test_page_to_read_keeps_its_way_to_submit(staff_with, provider, make_task):
    content = staff_with("view", "submit").get(page("change", make_task().pk)).content.decode()

    assert "Save and submit" not in content
    assert 'value="submit_selected"' in content


def test_save_and_submit_sends_what_was_typed(operator, provider, make_task):
    task = make_task(prompt="Old prompt.")

    operator.post(page("change", task.pk), request_of(prompt="New prompt.", _submit="1"))

    task.refresh_from_db()
    assert (task.status, task.prompt) == ("pending", "New prompt.")


def seen_in(response):
    return re.findall(r'name="seen" value="([^"]+)"', response.content.decode())[-1]


@pytest.mark.parametrize("button", ["_save", "_submit"])
def test_second_tab_does_not_write_over_or_pay_for_what_it_never_showed(operator, provider, make_task, button):
    task = make_task(prompt="Old prompt.")
    seen = seen_in(operator.get(page("change", task.pk)))
    operator.post(page("change", task.pk), request_of(prompt="From the other tab.", seen=seen, _save="1"))

    response = operator.post(
        page("change", task.pk), request_of(prompt="Old prompt!", seen=seen, **{button: "1"}), follow=True
    )

    task.refresh_from_db()
    assert (task.status, task.prompt) == ("new", "From the other tab.")
    assert "The task was changed after this form was opened." in messages_of(response)[-1]


def test_submit_on_a_page_to_read_does_not_send_what_was_changed_since(staff_with, provider, make_task):
    task = make_task(prompt="Old prompt.")
    client = staff_with("view", "submit")
    seen = seen_in(client.get(page("change", task.pk)))
    task.amend(prompt="New prompt.")

    response = run_action(client, "submit_selected", task, stay="1", seen=seen)

    task.refresh_from_db()
    assert task.status == "new"
    assert "it was changed after this page was opened" in messages_of(response)[1]


def test_edit_form_that_comes_twice_says_so(operator, provider, make_task):
    task = make_task()
    seen = seen_in(operator.get(page("change", task.pk)))

    for _ in range(2):
        response = operator.post(page("change", task.pk), request_of(seen=seen, _submit="1"), follow=True)

    assert task.events.filter(to_status="pending").count() == 1
    assert "perhaps by the form itself" in messages_of(response)[-1]


def test_form_with_errors_stays_with_the_version_it_showed(operator, provider, make_task):
    task = make_task()
    seen = seen_in(operator.get(page("change", task.pk)))
    task.amend(prompt="New prompt.")

    response = operator.post(page("change", task.pk), request_of(prompt="", seen=seen, _save="1"))

    assert seen_in(response) == seen
