"""What goes wrong on our side is JSON, with an id that the operator finds in the log."""

import logging
import sqlite3

import pytest
from django.core.signals import got_request_exception
from django.db import connection
from django.db.models.signals import post_save

from seedance.models import GenerationTask

from .conftest import TASKS
from .test_errors import assert_problem

API = "/seedance/api/v1"

pytestmark = pytest.mark.django_db


@pytest.fixture
def broken_site():
    """A site whose own receiver fails whenever a task is saved."""

    def fail(**kwargs):
        raise ZeroDivisionError("a fault of the site")

    post_save.connect(fail, sender=GenerationTask)
    yield
    post_save.disconnect(fail, sender=GenerationTask)


@pytest.fixture
def answering_client(api_client):
    """A client that gets the answer, as everybody outside of tests does."""
    api_client.raise_request_exception = False
    return api_client


def test_fault_is_a_problem_with_an_id(answering_client, broken_site, body):
    response = answering_client.post(TASKS, body, format="json")

    assert_problem(response, 500)
    assert (response.json()["code"], response.json()["request_id"]) == ("internal", response["X-Request-ID"])
    assert "fault of the site" not in response.content.decode()


def test_fault_is_in_the_log_once_with_its_traceback_and_that_id(answering_client, broken_site, body, caplog):
    request_id = answering_client.post(TASKS, body, format="json").json()["request_id"]

    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert request_id in record.getMessage()
    assert "a fault of the site" in caplog.text
    assert (record.exc_info[0], record.status_code) == (ZeroDivisionError, 500)


def test_fault_is_reported_to_whoever_watches_for_faults(answering_client, broken_site, body):
    heard = []

    def hear(request, **kwargs):
        heard.append(request.path)

    got_request_exception.connect(hear)
    answering_client.post(TASKS, body, format="json")
    got_request_exception.disconnect(hear)

    assert heard == [TASKS]


def test_fault_is_raised_in_the_tests_of_a_site(api_client, broken_site, body):
    with pytest.raises(ZeroDivisionError):
        api_client.post(TASKS, body, format="json")


def test_fault_reaches_django_where_the_site_says_so(api_client, broken_site, body, settings):
    settings.DEBUG_PROPAGATE_EXCEPTIONS = True

    with pytest.raises(ZeroDivisionError):
        api_client.post(TASKS, body, format="json")


def take_postgresql_away():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (ours,) = cursor.fetchone()
    with connection.copy().cursor() as other:
        other.execute("SELECT pg_terminate_backend(%s)", [ours])
        other.connection.close()


def take_sqlite_away():
    """Another process keeps the file to itself, for longer than anybody is ready to wait."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 1")
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


@pytest.fixture
def database_away(transactional_db, answering_client):
    """The database does not answer any more: its backend is killed, or its file is locked."""
    if connection.vendor not in {"postgresql", "sqlite"}:
        pytest.skip("knows how to take away PostgreSQL and SQLite")
    lock = take_postgresql_away() if connection.vendor == "postgresql" else take_sqlite_away()
    yield
    if lock:
        lock.close()
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_database_that_is_away_is_told_with_a_time_to_come_back(answering_client, body, database_away):
    response = answering_client.post(TASKS, body, format="json")

    assert_problem(response, 503)
    assert (response.json()["code"], int(response["Retry-After"])) == ("unavailable", 5)


@pytest.mark.django_db(transaction=True)
def test_database_that_is_away_is_in_the_log_with_the_id(answering_client, body, database_away, caplog):
    request_id = answering_client.post(TASKS, body, format="json").json()["request_id"]

    (record,) = [record for record in caplog.records if record.exc_info]
    assert request_id in record.getMessage()


# -- Ids ---------------------------------------------------------------------------------------------------------------


def test_refusal_has_an_id_that_is_in_the_log(api_client, caplog):
    caplog.set_level(logging.INFO)

    response = api_client.get(f"{TASKS}nothing/")

    assert response.json()["request_id"] == response["X-Request-ID"]
    assert f"request_id={response['X-Request-ID']}" in caplog.text


def test_good_answer_has_an_id_too(api_client):
    assert api_client.get(TASKS)["X-Request-ID"]


def test_id_of_a_proxy_is_taken_over(api_client):
    response = api_client.get(f"{TASKS}nothing/", headers={"X-Request-ID": "edge-17:ab/c"})

    assert (response.json()["request_id"], response["X-Request-ID"]) == ("edge-17:ab/c", "edge-17:ab/c")


@pytest.mark.parametrize("given", ["two words", "x" * 129, "a\tb", "<script>", ""])
def test_id_that_could_confuse_a_log_is_replaced(api_client, given):
    response = api_client.get(f"{TASKS}nothing/", headers={"X-Request-ID": given})

    assert len(response["X-Request-ID"]) == 32


def test_path_cannot_write_lines_into_the_log(api_client, caplog):
    caplog.set_level(logging.INFO, "seedance")

    assert_problem(api_client.get(f"{API}/a%0AERROR%20forged/"), 404)

    (ours,) = [record.getMessage() for record in caplog.records if "seedance" in record.name]
    assert "\n" not in ours


# -- Every status ------------------------------------------------------------------------------------------------------


def test_condition_on_a_task_that_does_not_hold_is_a_problem(api_client, make_task, user):
    response = api_client.get(f"{TASKS}{make_task(owner=user).pk}/", headers={"If-Match": '"other"'})

    assert_problem(response, 412)


def test_condition_on_a_video_that_does_not_hold_is_a_problem(api_client, stored_task):
    response = api_client.get(f"{TASKS}{stored_task.pk}/video/", headers={"If-Match": '"other"'})

    assert_problem(response, 412)


@pytest.mark.parametrize(
    ("method", "path", "accept", "status"),
    [
        pytest.param("post", "/docs/", "text/html", 405, id="docs, method"),
        pytest.param("post", "/schema/", "application/json", 405, id="schema, method"),
        pytest.param("post", "/schema/", "application/vnd.oai.openapi", 405, id="schema in YAML, method"),
        pytest.param("get", "/docs/", "image/png", 406, id="docs, representation"),
        pytest.param("get", "/schema/", "image/png", 406, id="schema, representation"),
        pytest.param("get", "/nothing/", "image/png", 406, id="no endpoint"),
        pytest.param("delete", "/models/", "*/*", 405, id="models, method"),
    ],
)
def test_every_page_fails_in_json(api_client, method, path, accept, status):
    response = getattr(api_client, method)(f"{API}{path}", headers={"Accept": accept})

    assert_problem(response, status)
