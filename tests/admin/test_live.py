"""Rows that refresh themselves."""

import pytest
from django.utils import timezone

from .conftest import page


def live(client, *tasks, **headers):
    return client.get(page("live"), {"ids": ",".join(str(task.pk) for task in tasks)}, headers=headers)


def test_live_returns_the_changing_cells_of_the_requested_rows(operator, make_task):
    task = make_task(status="running")
    make_task()

    rows = live(operator, task).json()

    assert list(rows) == [str(task.pk)]
    assert rows[str(task.pk)]["refresh"] is True
    assert set(rows[str(task.pk)]["cells"]) == {"preview", "state", "cost"}


def test_live_answers_304_while_nothing_is_new(operator, make_task):
    task = make_task(status="running")
    etag = live(operator, task)["ETag"]

    assert live(operator, task, if_none_match=etag).status_code == 304


def test_live_answers_anew_when_a_row_changed(operator, make_task):
    task = make_task(status="queued")
    etag = live(operator, task)["ETag"]
    task.advance("running", cause="test")

    assert live(operator, task, if_none_match=etag).status_code == 200


def test_live_leaves_out_what_is_gone_and_what_is_no_id(operator, db):
    response = operator.get(page("live"), {"ids": "nonsense,00000000-0000-0000-0000-000000000000,"})

    assert response.json() == {}


def test_live_takes_two_queries_besides_the_login_for_any_number_of_rows(
    operator, make_task, django_assert_num_queries
):
    tasks = [make_task(status="running") for _ in range(5)]

    with django_assert_num_queries(3):
        live(operator, *tasks)


def test_live_hides_cost_from_those_who_may_not_see_it(staff_with, make_task):
    task = make_task(status="running", cost_amount="0.26")

    rows = live(staff_with("view"), task).json()

    assert "cost" not in rows[str(task.pk)]["cells"]


def test_live_is_refused_without_permission(staff_with, make_task):
    assert live(staff_with(), make_task()).status_code == 403


def test_live_redirects_anonymous_visitors_to_the_login(client, make_task):
    assert live(client, make_task()).status_code == 302


@pytest.mark.parametrize(
    ("columns", "moving"),
    [
        ({"status": "new"}, False),
        ({"status": "pending"}, True),
        ({"status": "submitting"}, True),
        ({"status": "unconfirmed"}, True),
        ({"status": "queued"}, True),
        ({"status": "running"}, True),
        ({"status": "succeeded", "video_url": "https://x/v"}, True),
        ({"status": "succeeded", "video_url": "https://x/v", "archived_at": timezone.now()}, False),
        ({"status": "succeeded", "video_url": "https://x/v", "attention": "archive"}, False),
        ({"status": "failed"}, False),
        ({"status": "cancelled"}, False),
        ({"status": "expired"}, False),
    ],
    ids=lambda value: ",".join(value) + value["status"] if isinstance(value, dict) else None,
)
def test_row_is_refreshed_while_it_may_change_by_itself(operator, make_task, columns, moving):
    make_task(**columns)

    content = operator.get(page("changelist")).content.decode()

    assert ("data-seedance-refresh" in content) is moving
