"""Looking at tasks: one, many, and their timeline."""

import datetime as dt
import time
from decimal import Decimal
from threading import Timer

import pytest
from django.db import connection
from django.utils import timezone

from seedance.api import waiting
from seedance.models import Account, Attention, MediaItem, Status
from seedance.models.ids import first_id_of, uuid7

from .conftest import TASKS

pytestmark = pytest.mark.django_db

NOBODYS_ID = "019ab3c1-5d2e-7c41-9b7e-3f0a6f2d8c11"
LONG_AGO = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
FAR_AHEAD = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)


def made_at(moment):
    """Columns of a task made at this moment: its id tells the time, too."""
    return {"created_at": moment, "pk": first_id_of(moment)}


def ids(response):
    return [task["id"] for task in response.json()["results"]]


@pytest.mark.parametrize("status", Status.values)
def test_task_shows_every_status(api_client, make_task, user, status):
    task = make_task(owner=user, status=status)

    assert api_client.get(f"{TASKS}{task.pk}/").json()["status"] == status


@pytest.mark.parametrize("status", sorted({"pending", "submitting", "queued", "running", "succeeded"}))
def test_task_says_when_to_read_it_again_until_it_is_done(api_client, make_task, user, status):
    task = make_task(owner=user, status=status)

    assert int(api_client.get(f"{TASKS}{task.pk}/")["Retry-After"]) >= 1


#: What no waiting will change: nothing more comes, or only a person can move it on.
AT_REST = {
    "failed": {"status": "failed"},
    "cancelled": {"status": "cancelled"},
    "expired": {"status": "expired"},
    "stored": {"status": "succeeded", "archived_at": LONG_AGO},
    "lost": {"status": "succeeded", "attention": "lost_media", "next_archive_at": None},
    "given up": {"status": "succeeded", "next_archive_at": None},
    "no link": {"status": "succeeded", "attention": "no_video"},
    "not submitted": {"status": "new"},
    "searched in vain": {"status": "unconfirmed", "next_search_at": None},
    "account paused": {"status": "pending", "attention": "paused"},
    "no provider": {"status": "pending", "attention": "provider"},
    "gone": {"status": "running", "attention": "gone"},
}


@pytest.mark.parametrize("columns", AT_REST.values(), ids=AT_REST)
def test_task_that_waits_for_nothing_has_no_retry_after(api_client, make_task, user, columns):
    task = make_task(owner=user, **columns)

    assert "Retry-After" not in api_client.get(f"{TASKS}{task.pk}/")


@pytest.mark.parametrize("columns", AT_REST.values(), ids=AT_REST)
def test_wait_for_a_task_at_rest_is_over_at_once(api_client, make_task, user, columns):
    task = make_task(owner=user, **columns)
    begun = time.monotonic()

    api_client.get(f"{TASKS}{task.pk}/", {"wait": "20"})

    assert time.monotonic() - begun < 5


def test_wait_for_a_paused_account_is_over_at_once(api_client, body, provider):
    Account.objects.pause("default", code="AccountOverdueError", reason="Unpaid.")
    begun = time.monotonic()

    response = api_client.post(f"{TASKS}?wait=20", body, format="json")

    assert time.monotonic() - begun < 5
    assert "Retry-After" not in response


@pytest.mark.parametrize(
    "columns",
    [
        {"status": "unconfirmed", "next_search_at": "soon"},
        {"status": "pending", "not_before": "soon"},
        {"status": "succeeded", "next_archive_at": "soon"},
    ],
    ids=["search", "backoff", "archive"],
)
def test_retry_after_is_when_something_will_be_tried(api_client, make_task, user, columns):
    soon = timezone.now() + dt.timedelta(minutes=5)
    task = make_task(owner=user, **{name: soon if value == "soon" else value for name, value in columns.items()})

    assert 290 <= int(api_client.get(f"{TASKS}{task.pk}/")["Retry-After"]) <= 300


def test_task_of_a_provider_that_is_gone_is_still_shown(api_client, make_task, user):
    task = make_task(owner=user, status="running", provider="former")

    response = api_client.get(f"{TASKS}{task.pk}/")

    assert (response.status_code, response["Retry-After"]) == (200, "10")


def test_task_shows_the_error_of_a_failure(api_client, make_task, user):
    task = make_task(
        owner=user,
        status="failed",
        error_code="OutputVideoSensitiveContentDetected",
        error_message="No.",
        error_charged="no",
        error_retryable=False,
        request_id="r-1",
    )

    assert api_client.get(f"{TASKS}{task.pk}/").json()["error"] == {
        "code": "OutputVideoSensitiveContentDetected",
        "message": "No.",
        "charged": "no",
        "retryable": False,
        "request_id": "r-1",
    }


def test_task_says_why_it_needs_attention(api_client, make_task, user):
    task = make_task(owner=user, status="running", attention=Attention.OVERDUE, attention_detail="Since noon.")

    shown = api_client.get(f"{TASKS}{task.pk}/").json()

    assert shown["needs_attention"] is True
    assert shown["attention"].endswith("given up by now. Since noon.")


def test_task_shows_the_stored_video(api_client, stored_task):
    video = api_client.get(f"{TASKS}{stored_task.pk}/").json()["video"]

    assert video == {
        "stored": True,
        "url": f"http://testserver{TASKS}{stored_task.pk}/video/",
        "bytes": stored_task.video_bytes,
        "sha256": stored_task.video_sha256,
        "provider_url": None,
        "provider_url_expires_at": None,
    }


def test_task_shows_the_providers_link_until_the_video_is_stored(api_client, make_task, user):
    task = make_task(
        owner=user, status="succeeded", video_url="https://cdn.example.com/v.mp4", video_url_expires_at=LONG_AGO
    )

    video = api_client.get(f"{TASKS}{task.pk}/").json()["video"]

    assert (video["stored"], video["url"]) == (False, None)
    assert video["provider_url"] == "https://cdn.example.com/v.mp4"
    assert video["provider_url_expires_at"] == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("amount", "shown"),
    [("0.2614", "0.2614"), ("0.26", "0.26"), ("3", "3.00"), ("0.2610", "0.261"), ("0", "0.00")],
)
def test_task_shows_cost_with_two_to_four_decimals(api_client, make_task, user, amount, shown):
    task = make_task(owner=user, status="succeeded", cost_amount=Decimal(amount), cost_currency="USD")

    cost = api_client.get(f"{TASKS}{task.pk}/").json()["cost"]

    assert cost == {"amount": shown, "currency": "USD"}


def test_task_cuts_data_addresses_short(api_client, make_task, user):
    task = make_task(owner=user)
    MediaItem.objects.create(task=task, role="first_frame", url="DATA:image/png;base64," + "A" * 1_000_000)

    media = api_client.get(f"{TASKS}{task.pk}/").json()["media"]

    assert media == [{"role": "first_frame", "url": "DATA:image/png;base64,…"}]


def test_task_etag_spares_an_unchanged_task(api_client, make_task, user):
    task = make_task(owner=user)
    etag = api_client.get(f"{TASKS}{task.pk}/")["ETag"]

    response = api_client.get(f"{TASKS}{task.pk}/", headers={"If-None-Match": etag})

    assert (response.status_code, response.content) == (304, b"")


def test_task_etag_changes_with_the_task(api_client, make_task, user):
    task = make_task(owner=user)
    etag = api_client.get(f"{TASKS}{task.pk}/")["ETag"]
    task.advance(Status.PENDING, cause="test")

    response = api_client.get(f"{TASKS}{task.pk}/", headers={"If-None-Match": etag})

    assert (response.status_code, response.json()["status"]) == (200, "pending")


@pytest.mark.parametrize("path", [NOBODYS_ID, "no-uuid", "1", "%00", "a" * 500, "{x}"])
def test_task_that_does_not_exist_is_not_found(api_client, path):
    response = api_client.get(f"{TASKS}{path}/")

    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")
    assert response.json()["code"] == "not_found"


def test_list_is_newest_first(api_client, make_task, user):
    made = [make_task(owner=user) for _ in range(3)]

    assert ids(api_client.get(TASKS)) == [str(task.pk) for task in reversed(made)]


def test_list_pages_lead_through_all_tasks(api_client, make_task, user):
    made = [make_task(owner=user) for _ in range(5)]

    first = api_client.get(TASKS, {"page_size": 2})
    second = api_client.get(first.json()["next"])
    third = api_client.get(second.json()["next"])

    assert ids(first) + ids(second) + ids(third) == [str(task.pk) for task in reversed(made)]
    assert third.json()["next"] is None
    assert ids(api_client.get(third.json()["previous"])) == ids(second)


def test_list_stays_in_place_while_tasks_are_added(api_client, make_task, user):
    old = [make_task(owner=user) for _ in range(3)]
    first = api_client.get(TASKS, {"page_size": 2})
    make_task(owner=user)

    second = api_client.get(first.json()["next"])

    assert ids(second) == [str(old[0].pk)]


@pytest.mark.parametrize("count", [1, 20])
def test_list_asks_the_database_as_often_for_one_task_as_for_twenty(
    api_client, make_task, user, count, django_assert_num_queries
):
    for _ in range(count):
        MediaItem.objects.create(task=make_task(owner=user), role="first_frame", url="https://example.com/a.png")

    with django_assert_num_queries(3):  # the token, the tasks with their owners, the media
        api_client.get(TASKS)


def test_list_etag_spares_an_unchanged_page(api_client, make_task, user):
    make_task(owner=user)
    etag = api_client.get(TASKS)["ETag"]

    assert api_client.get(TASKS, headers={"If-None-Match": etag}).status_code == 304


@pytest.mark.parametrize(
    "query", ["status=queued,running", "status=queued&status=running", "status=queued%2C%20running"]
)
def test_list_filters_by_several_statuses(api_client, make_task, user, query):
    wanted = [make_task(owner=user, status=status) for status in ("queued", "running")]
    make_task(owner=user, status="failed")

    response = api_client.get(f"{TASKS}?{query}")

    assert set(ids(response)) == {str(task.pk) for task in wanted}


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        pytest.param("model=other", {"model_name": "other"}, id="model"),
        pytest.param("provider=ark", {"provider": "ark"}, id="provider"),
        pytest.param("created_before=2026-01-02", made_at(LONG_AGO), id="created before"),
        pytest.param("created_after=2030-01-01T00:00:00Z", made_at(FAR_AHEAD), id="created after"),
        pytest.param("needs_attention=true", {"attention": "overdue"}, id="needs attention"),
        pytest.param("metadata.order=17", {"metadata": {"order": 17}}, id="metadata number"),
        pytest.param("metadata.order=17", {"metadata": {"order": "17"}}, id="metadata text"),
        pytest.param("metadata.paid=true", {"metadata": {"paid": True}}, id="metadata truth"),
        pytest.param("metadata.a.b=x", {"metadata": {"a.b": "x"}}, id="metadata key with a dot"),
        pytest.param("metadata.a__gt=x", {"metadata": {"a__gt": "x"}}, id="metadata key like a lookup"),
        pytest.param("metadata.a%27%3B--=x", {"metadata": {"a';--": "x"}}, id="metadata key like SQL"),
    ],
)  # fmt: skip
def test_list_filters(api_client, make_task, user, query, columns):
    make_task(owner=user)
    wanted = make_task(owner=user, **columns)

    assert ids(api_client.get(f"{TASKS}?{query}")) == [str(wanted.pk)]


def test_list_filters_away_what_needs_attention(api_client, make_task, user):
    wanted = make_task(owner=user)
    make_task(owner=user, attention="overdue")

    assert ids(api_client.get(TASKS, {"needs_attention": "false"})) == [str(wanted.pk)]


def test_list_filters_by_ids(api_client, make_task, user):
    made = [make_task(owner=user) for _ in range(3)]

    response = api_client.get(TASKS, {"ids": f"{made[0].pk},{made[2].pk}"})

    assert ids(response) == [str(made[2].pk), str(made[0].pk)]


def test_list_takes_500_ids(api_client, make_task, user):
    wanted = make_task(owner=user)

    response = api_client.get(TASKS, {"ids": ",".join([str(wanted.pk), *(str(uuid7()) for _ in range(499))])})

    assert ids(response) == [str(wanted.pk)]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=done", "status"),
        ("created_after=yesterday", "created_after"),
        ("created_before=0001-01-01T00:00:00%2B14:00", "created_before"),
        ("created_after=9999-12-31T23:59:59-14:00", "created_after"),
        ("needs_attention=maybe", "needs_attention"),
        ("ids=1", "ids"),
        ("ids=" + ",".join([NOBODYS_ID] * 501), "ids"),
        ("page_size=0", "page_size"),
        ("page_size=many", "page_size"),
        ("page_size=²", "page_size"),
        ("cursor=nonsense", "cursor"),
        ("cursor=cD1ub3RhdXVpZA%3D%3D", "cursor"),
        ("model=%00", "model"),
        ("metadata.=1", "metadata."),
        ("metadata.a=%00", "metadata.a"),
        ("&".join(f"metadata.{n}=1" for n in range(6)), "metadata"),
    ],
)
def test_list_names_the_parameter_that_makes_no_sense(api_client, query, field):
    response = api_client.get(f"{TASKS}?{query}")

    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == [field]


@pytest.mark.parametrize("value", ["1e400", "9" * 5000, "NaN", "[" * 3000, "null", "{}", "", "'"])
def test_list_takes_any_metadata_value(api_client, make_task, user, value):
    make_task(owner=user, metadata={"order": 17})

    response = api_client.get(TASKS, {"metadata.order": value})

    assert (response.status_code, ids(response)) == (200, [])


def test_list_caps_the_page_size(api_client):
    assert api_client.get(TASKS, {"page_size": 100_000}).status_code == 200


def test_events_tell_the_timeline_oldest_first(api_client, body):
    task_id = api_client.post(TASKS, {**body, "submit": False}, format="json").json()["id"]
    api_client.post(f"{TASKS}{task_id}/submit/")

    events = api_client.get(f"{TASKS}{task_id}/events/").json()["results"]

    assert [(event["what"], event["from_status"], event["to_status"]) for event in events] == [
        ("created", None, "new"),
        ("status", "new", "pending"),
    ]
    assert {(event["cause"], event["actor"]) for event in events} == {("api", "alice")}


@pytest.mark.parametrize("wait", ["-1", "soon", "nan", "inf", ""])
def test_wait_refuses_what_is_no_number_of_seconds(api_client, make_task, user, wait):
    task = make_task(owner=user, status="running")

    response = api_client.get(f"{TASKS}{task.pk}/", {"wait": wait})

    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "wait")


def test_wait_shows_the_task_as_it_is_when_the_time_is_over(api_client, make_task, user):
    task = make_task(owner=user, status="running")

    assert api_client.get(f"{TASKS}{task.pk}/", {"wait": "0.01"}).json()["status"] == "running"


def test_preference_is_capped_and_confirmed(api_client, body, settings):
    settings.SEEDANCE = {**settings.SEEDANCE, "MAX_WAIT_SECONDS": 0.01}

    response = api_client.post(TASKS, body, format="json", headers={"Prefer": "respond-async, wait=600"})

    assert (response.status_code, response["Preference-Applied"]) == (202, "wait=0.01")


@pytest.mark.parametrize("preference", ["wait", "wait ", "respond-async, wait; foo"])
def test_preference_without_a_number_is_for_as_long_as_the_site_grants(api_client, body, settings, preference):
    settings.SEEDANCE = {**settings.SEEDANCE, "MAX_WAIT_SECONDS": 0.01}

    response = api_client.post(TASKS, body, format="json", headers={"Prefer": preference})

    assert (response.status_code, response["Preference-Applied"]) == (202, "wait=0.01")


@pytest.mark.parametrize("name", ["MAX_WAIT_SECONDS", "MAX_WAITERS"])
def test_site_that_grants_no_waiting_answers_at_once(api_client, body, settings, name):
    settings.SEEDANCE = {**settings.SEEDANCE, name: 0}
    begun = time.monotonic()

    response = api_client.post(TASKS, body, format="json", headers={"Prefer": "wait=20"})

    assert time.monotonic() - begun < 5
    assert "Preference-Applied" not in response
    assert int(response["Retry-After"]) >= 1


def test_those_who_wait_leave_threads_for_everybody_else(api_client, make_task, user, settings):
    settings.SEEDANCE = {**settings.SEEDANCE, "MAX_WAITERS": 2}
    task = make_task(owner=user, status="running")
    begun = time.monotonic()

    with waiting._waiters.acquire(2) as first, waiting._waiters.acquire(2) as second:
        third = api_client.get(f"{TASKS}{task.pk}/", {"wait": "20"})

    assert (first, second) == (True, True)
    assert time.monotonic() - begun < 5
    assert int(third["Retry-After"]) >= 1


def test_place_of_one_who_waited_is_free_again(api_client, make_task, user, settings):
    settings.SEEDANCE = {**settings.SEEDANCE, "MAX_WAITERS": 1}
    task = make_task(owner=user, status="running")
    begun = time.monotonic()

    api_client.get(f"{TASKS}{task.pk}/", {"wait": "0.2"})
    api_client.get(f"{TASKS}{task.pk}/", {"wait": "0.2"})

    assert time.monotonic() - begun >= 0.4


def test_preference_that_cannot_be_read_is_none(api_client, body):
    response = api_client.post(TASKS, body, format="json", headers={"Prefer": "wait=soon"})

    assert response.status_code == 202
    assert "Preference-Applied" not in response


@pytest.mark.parametrize(("written", "count"), [("True", 1), ("False", 2)])
def test_list_reads_what_python_clients_write(api_client, make_task, user, written, count):
    make_task(owner=user, status="running", attention="overdue")
    make_task(owner=user)
    make_task(owner=user)

    assert len(ids(api_client.get(TASKS, {"needs_attention": written}))) == count


@pytest.mark.parametrize("value", ["", ",", " "])
def test_list_of_no_ids_is_not_the_list_of_all_tasks(api_client, make_task, user, value):
    make_task(owner=user)

    response = api_client.get(TASKS, {"ids": value})

    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "ids")


def test_plus_of_a_time_zone_that_was_not_escaped_is_explained(api_client):
    response = api_client.get(f"{TASKS}?created_after=2026-11-22T12:00:00+02:00")

    (error,) = response.json()["errors"]
    assert (response.status_code, error["field"]) == (400, "created_after")
    assert "%2B" in error["message"]


@pytest.mark.django_db(transaction=True)
def test_wait_goes_on_until_another_process_has_stored_the_video(api_client, make_task, user):
    task = make_task(owner=user, status="running")
    finish = Timer(0.05, finish_elsewhere, [task])
    finish.start()

    response = api_client.get(f"{TASKS}{task.pk}/", {"wait": "20"})

    finish.join()
    assert response.json()["status"] == "succeeded"
    assert response.json()["video"]["stored"] is True


def finish_elsewhere(task):
    now = timezone.now()
    task.advance(Status.SUCCEEDED, cause="test", finished_at=now, next_archive_at=now)
    time.sleep(0.4)  # the download
    task.amend(video="boat.mp4", archived_at=now, next_archive_at=None)
    connection.close()


def test_models_show_a_discount_and_when_it_ends(api_client, settings):
    line = {"price": "3.30", "discount": "0.25", "until": "2026-12-31"}
    settings.SEEDANCE = {**settings.SEEDANCE, "MODELS": {"2.0 fast": {"prices": {"byteplus": [line]}}}}

    models = api_client.get(f"{TASKS.removesuffix('tasks/')}models/").json()["providers"][0]["models"]

    price = next(model for model in models if model["family"] == "2.0 fast")["prices"][0]
    assert (price["amount"], price["discount"], price["until"]) == ("3.30", "0.25", "2026-12-31")
