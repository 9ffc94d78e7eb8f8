"""Callbacks are shown as they arrived, with their content escaped."""

import json

import pytest
from django.urls import reverse

from seedance.models import Callback, GenerationTask

from .conftest import page, run_action

HOSTILE = "<script>alert(1)</script>"
LIST = reverse("admin:seedance_callback_changelist")


@pytest.fixture
def make_callback(make_task):
    """Returns a function that stores a callback; a test names only what it is about."""

    def make(**columns):
        task = columns.pop("task", None) or make_task(status="running")
        said = {"body": "{}", "status_word": "running", "provider_task_id": "cgt-1"}
        return Callback.objects.create(task=task, **{**said, **columns})

    return make


def detail(client, callback):
    return client.get(reverse("admin:seedance_callback_change", args=[callback.pk])).content.decode()


def test_list_leads_to_the_task(operator, make_callback):
    callback = make_callback()

    content = operator.get(LIST).content.decode()

    assert f'href="{page("change", callback.task_id)}"' in content
    assert "cgt-1" in content


def test_list_asks_the_database_equally_often_for_one_row_and_for_many(
    operator, make_callback, django_assert_num_queries
):
    make_callback()

    with django_assert_num_queries(4) as for_one:
        operator.get(LIST)
    for number in range(10):
        make_callback(provider_task_id=f"cgt-{number}")
    with django_assert_num_queries(len(for_one)):
        operator.get(LIST)


def test_list_does_without_the_bodies(operator, make_callback, django_assert_num_queries):
    make_callback(body="x" * 1000)

    with django_assert_num_queries(4) as queries:
        operator.get(LIST)

    assert not any('"body"' in query["sql"] for query in queries)


def test_body_is_indented(operator, make_callback):
    content = detail(operator, make_callback(body=json.dumps({"id": "cgt-1", "status": "running"})))

    assert "{\n  &quot;id&quot;: &quot;cgt-1&quot;,\n" in content


@pytest.mark.parametrize(
    "body",
    ["", "no JSON", '{"half": "\\ud800"}', "[" * 100_000, "9" * 10_000],
    ids=["empty", "text", "half a pair", "too deep", "too long a number"],
)
def test_body_that_is_no_good_json_is_shown_as_it_came(operator, make_callback, body):
    assert body.replace('"', "&quot;") in detail(operator, make_callback(body=body))


@pytest.mark.parametrize("body", [HOSTILE, json.dumps({HOSTILE: HOSTILE})], ids=["text", "JSON"])
def test_words_from_outside_are_escaped(operator, make_callback, body):
    callback = make_callback(body=body, status_word=HOSTILE, provider_task_id=HOSTILE)

    assert HOSTILE not in detail(operator, callback)
    assert HOSTILE not in operator.get(LIST).content.decode()
    assert HOSTILE not in operator.get(page("change", callback.task_id)).content.decode()


@pytest.mark.parametrize("name", ["add", "change", "delete"])
def test_callback_is_neither_added_nor_changed_nor_deleted(operator, make_callback, name):
    callback = make_callback()
    url = reverse(f"admin:seedance_callback_{name}", args=[] if name == "add" else [callback.pk])

    assert operator.post(url, {"post": "yes", "body": "other"}).status_code == 403
    assert Callback.objects.get().body == "{}"


def test_list_is_refused_without_permission(staff_with, make_callback):
    make_callback()

    assert staff_with("view").get(LIST).status_code == 403


def test_task_goes_together_with_its_callbacks(operator, make_callback, make_task):
    callback = make_callback(task=make_task(status="failed"))

    operator.post(page("delete", callback.task_id), {"post": "yes"})

    assert not Callback.objects.exists()


def test_user_who_may_only_delete_tasks_deletes_their_callbacks_too(staff_with, make_callback, make_task):
    callback = make_callback(task=make_task(status="failed"))

    run_action(staff_with("view", "delete"), "delete_selected", callback.task, post="yes")

    assert not GenerationTask.objects.exists()


def test_page_of_a_task_shows_the_newest_callbacks(operator, make_callback, make_task):
    task = make_task(status="running")
    for number in range(7):
        make_callback(task=task, status_word=f"word-{number}")

    response = operator.get(page("change", task.pk))

    assert [callback.status_word for callback in response.context["callbacks"]] == [
        f"word-{n}" for n in (6, 5, 4, 3, 2)
    ]
    assert b"7 callbacks" in response.content


def test_page_of_a_task_leads_to_all_of_its_callbacks(operator, make_callback):
    callback = make_callback()
    make_callback(status_word="of another task")

    response = operator.get(operator.get(page("change", callback.task_id)).context["callbacks_url"])

    assert list(response.context["cl"].result_list) == [callback]


def test_page_of_a_task_without_callbacks_does_not_mention_them(operator, make_task):
    assert b"callbacks</h2>" not in operator.get(page("change", make_task(status="running").pk)).content


def test_page_of_a_task_has_no_link_that_the_user_may_not_follow(staff_with, make_callback):
    response = staff_with("view").get(page("change", make_callback().task_id))

    assert response.context["callbacks_url"] == ""
    assert b"1 callback" in response.content
