"""Whatever is sent, the answer is a problem that a program can read, and never a fault of ours."""

import json

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation, ValidationError
from django.db import InterfaceError, OperationalError
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404
from django.http.request import UnreadablePostError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.throttling import SimpleRateThrottle

from seedance.api.base import SeedanceAPIView
from seedance.api.errors import exception_handler
from seedance.api.request_serializers import TaskRequestSerializer
from seedance.catalogue.parameters import PARAMETERS
from seedance.exceptions import ConfigurationError
from seedance.models import GenerationTask

from .conftest import SAMPLE_MODEL, SAMPLE_PROMPT, TASKS

pytestmark = pytest.mark.django_db

UNLISTED_MODEL = "doubao-seedance-9-9-991231"  # the rules only advise on a model they do not know

text = st.text(st.characters(codec=None, exclude_categories=()), max_size=20)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(-(10**40), 10**40) | st.floats(allow_nan=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=5,
)
FIELDS = [*TaskRequestSerializer().fields, "unknown"]
MEDIUM = st.fixed_dictionaries({}, optional={"role": anything, "url": anything, "file": anything})


def assert_problem(response, status=None):
    problem = response.json()
    assert response["Content-Type"] == "application/problem+json"
    assert (problem["status"], problem["title"], bool(problem["code"])) == (
        response.status_code, response.reason_phrase, True
    )  # fmt: skip
    assert status in {None, response.status_code}


@settings(
    max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    changes=st.dictionaries(st.sampled_from(FIELDS), anything, max_size=3),
    media=st.none() | st.lists(MEDIUM | anything, max_size=2),
    model=st.sampled_from([SAMPLE_MODEL, UNLISTED_MODEL]),
)
def test_any_body_is_taken_or_refused(api_client, changes, media, model):
    body = {"prompt": SAMPLE_PROMPT, "model": model, "media": media, **changes}

    response = api_client.generic("POST", TASKS, json.dumps(body), "application/json")

    assert response.status_code in {202, 400}


@settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=anything, path=st.sampled_from(["", "estimate/", "batch/"]))
def test_any_json_is_taken_or_refused(api_client, body, path):
    response = api_client.generic("POST", f"{TASKS}{path}", json.dumps(body), "application/json")

    assert_problem(response, 400)


@settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200), kind=st.sampled_from(["application/json", "multipart/form-data; boundary=x"]))
def test_any_bytes_are_refused(api_client, body, kind):
    response = api_client.generic("POST", TASKS, body, kind)

    assert_problem(response, 400)


@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.parametrize(
    "value",
    ["\x00", "\ud800", "x" * 10_000, 10**30, -(10**30), 1e300, True, [], {}, [[]], "", {"a": "\x00"}],
    ids=["nul", "surrogate", "long", "huge", "tiny", "float", "true", "list", "dict", "nested", "empty", "nul inside"],
)
def test_any_parameter_of_an_unlisted_model_is_taken_or_refused(api_client, name, value):
    body = {"prompt": SAMPLE_PROMPT, "model": UNLISTED_MODEL, name: value}

    response = api_client.generic("POST", TASKS, json.dumps(body), "application/json")

    assert response.status_code in {202, 400}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"prompt": ', id="cut off"),
        pytest.param(b'{"seed": NaN}', id="NaN"),
        pytest.param(b'{"seed": ' + b"9" * 5000 + b"}", id="too many digits"),
        pytest.param(b"[" * 100_000, id="endless nesting"),
        pytest.param(b'{"metadata": ' + b'{"a":' * 50 + b"1" + b"}" * 51, id="deep nesting"),
        pytest.param(b'{"prompt": "\xff"}', id="no UTF-8"),
        pytest.param("{}".encode("utf-16"), id="UTF-16"),
    ],
)
def test_body_that_is_no_json_is_a_parse_error(api_client, body):
    response = api_client.generic("POST", TASKS, body, "application/json")

    assert_problem(response, 400)
    assert response.json()["code"] == "parse_error"


def test_parse_error_names_the_position(api_client):
    response = api_client.generic("POST", TASKS, b'{"prompt": }', "application/json")

    assert "line 1 column 12" in response.json()["detail"]


@pytest.mark.parametrize("body", ["[]", "null", "5", '"text"', "[[]]"])
def test_body_that_is_no_object_is_refused(api_client, body):
    response = api_client.generic("POST", TASKS, body, "application/json")

    assert_problem(response, 400)


def test_empty_body_names_what_is_missing(api_client):
    response = api_client.post(TASKS)

    assert {error["field"] for error in response.json()["errors"]} == {"model", "prompt"}


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "nonsense"])
def test_other_content_types_are_refused(api_client, kind):
    response = api_client.generic("POST", TASKS, b"prompt=x", kind)

    assert_problem(response, 415)


def test_files_are_refused_in_a_batch(api_client):
    assert_problem(api_client.post(f"{TASKS}batch/", {"tasks": "[]"}, format="multipart"), 415)


def test_body_beyond_the_limit_is_too_large(api_client, monkeypatch):
    monkeypatch.setattr("seedance.api.parsers.MAX_BODY_BYTES", 10)

    assert_problem(api_client.post(TASKS, {"prompt": "x" * 20}, format="json"), 413)


def test_form_beyond_djangos_limit_is_too_large(api_client, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10

    assert_problem(api_client.post(TASKS, {"prompt": "x" * 20}, format="multipart"), 413)


def test_form_with_too_many_parts_is_refused(api_client, settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 1

    assert_problem(api_client.post(TASKS, {"prompt": "x", "model": "y"}, format="multipart"), 400)


@pytest.mark.parametrize(
    ("method", "path"), [("put", ""), ("patch", ""), ("delete", ""), ("get", "batch/"), ("get", "estimate/")]
)
def test_other_methods_are_refused(api_client, method, path):
    assert_problem(getattr(api_client, method)(f"{TASKS}{path}"), 405)


def test_other_representations_are_refused(api_client):
    assert_problem(api_client.get(TASKS, headers={"Accept": "image/png"}), 406)


@pytest.mark.parametrize("path", ["", "nothing/", "tasks/1/2/3/", "tasks/1/nothing/", "%00/"])
@pytest.mark.parametrize("method", ["get", "post", "put", "delete", "options"])
def test_unknown_addresses_are_not_found(api_client, path, method):
    assert_problem(getattr(api_client, method)(f"/seedance/api/v1/{path}"), 404)


def test_missing_slash_is_added_without_losing_the_body(api_client, body):
    response = api_client.post(TASKS.removesuffix("/"), body, format="json", follow=True)

    assert response.redirect_chain == [(TASKS, 308)]
    assert response.status_code == 202


def test_throttled_caller_is_told_when_to_come_back(api_client, monkeypatch):
    class OnePerDay(SimpleRateThrottle):
        rate = "1/day"

        def get_cache_key(self, request, view):
            return "test-throttle"

    monkeypatch.setattr(SeedanceAPIView, "throttle_classes", [OnePerDay])
    api_client.get(TASKS)

    response = api_client.get(TASKS)

    assert_problem(response, 429)
    assert int(response["Retry-After"]) > 0


def test_misconfigured_site_says_so_without_details(api_client, body, settings, caplog):
    settings.SEEDANCE = {**settings.SEEDANCE, "MODELS": {"2.5": {"limits": 5}}}

    response = api_client.post(TASKS, body, format="json")

    assert_problem(response, 503)
    assert "MODELS" not in response.json()["detail"]
    assert "MODELS" in caplog.text


def test_quoted_surrogates_are_replaced(api_client):
    response = api_client.generic("POST", TASKS, b'{"\\ud800": 1}', "application/json")

    assert response.json()["errors"][0]["field"] == "?"


def test_refused_requests_store_nothing(api_client):
    api_client.generic("POST", TASKS, b'{"\\ud800": 1}', "application/json")

    assert not GenerationTask.objects.exists()


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        pytest.param(Http404(), 404, "not_found", id="Http404"),
        pytest.param(PermissionDenied(), 403, "permission_denied", id="PermissionDenied"),
        pytest.param(ValidationError({"ratio": ["No."]}), 400, "invalid", id="ValidationError by field"),
        pytest.param(ValidationError("No."), 400, "invalid", id="ValidationError"),
        pytest.param(SuspiciousOperation(), 400, "parse_error", id="SuspiciousOperation"),
        pytest.param(UnreadablePostError(), 400, "parse_error", id="UnreadablePostError"),
        pytest.param(ProtectedError("", set()), 409, "in_use", id="ProtectedError"),
        pytest.param(RestrictedError("", set()), 409, "in_use", id="RestrictedError"),
        pytest.param(ConfigurationError("SEEDANCE"), 503, "misconfigured", id="ConfigurationError"),
        pytest.param(GenerationTask.DoesNotExist(), 404, "not_found", id="erased meanwhile"),
        pytest.param(OperationalError(), 503, "unavailable", id="OperationalError"),
        pytest.param(InterfaceError(), 503, "unavailable", id="InterfaceError"),
        pytest.param(ZeroDivisionError(), 500, "internal", id="a fault of ours"),
    ],
)
def test_errors_of_django_become_problems(rf, error, status, code):
    response = exception_handler(error, {"request": rf.get("/x/")})

    assert (response.status_code, response.data["code"], response.data["instance"]) == (status, code, "/x/")
