"""Create under /api/v3 and /volc/v3."""

import re

import pytest
import requests

from seedance.emulator import Emulator

from .conftest import MODEL, ArkClient


def test_create_answers_only_the_id(ark):
    response = ark.create()

    assert response.status_code == 200
    assert list(response.json()) == ["id"]


@pytest.mark.parametrize(
    ("fields", "shape"),
    [
        ({}, r"cgt-\d{14}-[0-9a-z]{5}"),
        ({"service_tier": "flex"}, r"cgt-batch-\d{14}-[0-9a-z]{5}"),
    ],
    ids=["default", "flex"],
)
def test_create_gives_an_ark_id(ark, fields, shape):
    task_id = ark.new(**fields)

    assert re.fullmatch(shape, task_id)


def test_create_on_the_comet_flavour_gives_a_comet_id(volc):
    task_id = volc.new()

    assert task_id.startswith("02")
    assert task_id[2:15].isdecimal()


def test_create_echoes_the_safety_identifier(ark):
    response = ark.create(safety_identifier="abc")

    assert response.json()["safety_identifier"] == "abc"


@pytest.mark.parametrize("header", ["", "Bearer ", "Basic abc"], ids=["missing", "empty", "another scheme"])
def test_create_without_a_bearer_key_is_refused(emulator, ark, header):
    ark.session.headers["Authorization"] = header

    response = ark.create()

    assert response.status_code == 401
    assert response.json()["error"]["code"] == "AuthenticationError"
    assert emulator.creates == []


def test_create_with_a_key_that_is_not_accepted_is_refused(emulator, ark):
    emulator.configure(api_keys=["another"])

    response = ark.create()

    assert response.status_code == 401


def test_create_with_an_accepted_key_passes():
    with Emulator(api_keys={"key"}) as emulator:
        client = ArkClient(emulator.ark_url)
        response = client.create()
        client.session.close()

    assert response.status_code == 200


def test_create_accepts_null_for_every_optional_field(ark):
    names = (
        "callback_url return_last_frame service_tier execution_expires_after generate_audio draft tools "
        "safety_identifier priority resolution ratio duration frames seed camera_fixed watermark output_format "
        "omni_reference_task_type"
    )

    response = ark.create(**dict.fromkeys(names.split()))

    assert response.status_code == 200


def test_create_accepts_unknown_fields_silently(ark):
    response = ark.create(framespersecond="many", invented={"a": 1})

    assert response.status_code == 200


def test_create_enters_the_ledger(emulator, ark):
    task_id = ark.new("A cat", duration=4, seed=None)

    (entry,) = emulator.creates
    assert (entry.id, entry.model, entry.prompt, entry.parameters) == (task_id, MODEL, "A cat", {"duration": 4})
    assert entry.body["content"] == [{"type": "text", "text": "A cat"}]


def test_refused_create_stays_out_of_the_ledger(emulator, ark):
    ark.create(duration=99)

    assert emulator.creates == []
    assert emulator.tasks == {}


def test_requests_remember_what_was_sent(emulator, ark):
    ark.create("A cat")

    (heard,) = emulator.requests
    assert (heard.method, heard.path) == ("POST", "/api/v3/contents/generations/tasks")
    assert heard.headers["authorization"] == "Bearer key"
    assert heard.json["content"][0]["text"] == "A cat"
    assert heard.body.startswith(b"{")


def test_post_below_a_task_is_another_create(emulator, ark):
    task_id = ark.new()

    response = ark.session.post(f"{ark.tasks_url}/{task_id}/cancel", json={}, timeout=10)

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "MissingParameter"
    assert response.json()["error"]["param"] == "model"


def test_chunked_body_is_read(ark):
    body = b'{"model": "%s", "content": [{"type": "text", "text": "A cat"}]}' % MODEL.encode()

    response = ark.session.post(ark.tasks_url, data=iter([body[:20], body[20:]]), timeout=10)

    assert response.status_code == 200


def test_chunked_body_breaks_the_comet_flavour(volc):
    body = b'{"model": "%s", "content": [{"type": "text", "text": "A cat"}]}' % MODEL.encode()

    response = volc.session.post(volc.tasks_url, data=iter([body]), timeout=10)

    assert response.status_code == 400
    assert response.json()["error"]["type"] == "comet_api_error"


def test_body_that_is_not_json_is_refused(ark):
    response = ark.session.post(ark.tasks_url, data=b"model=x", timeout=10)

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "InvalidParameter"


def test_body_over_64_megabytes_is_refused(ark):
    response = ark.session.post(ark.tasks_url, data=b" " * (64 * 2**20 + 1), timeout=30)

    assert response.status_code == 413
    assert response.json()["error"]["code"] == "RequestBodyTooLarge"


@pytest.mark.parametrize("name", ["api/v3", "volc/v3"])
def test_errors_carry_a_request_id(emulator, name):
    response = requests.post(f"{emulator.url}/{name}/contents/generations/tasks", json={}, timeout=10)

    assert "equest id: 02" in response.json()["error"]["message"]
    assert {"X-Request-Id", "x-cometapi-request-id"} & set(response.headers)


def test_comet_flavour_refuses_in_its_own_envelope(volc):
    response = volc.create(duration=99)

    assert response.status_code == 400
    assert response.json()["error"].keys() == {"message", "type", "param", "code"}
    assert response.json()["error"]["type"] == "comet_api_error"


def test_comet_flavour_has_no_channel_for_an_unknown_model(volc):
    response = volc.create(model="nonsense")

    assert response.status_code == 503
    assert response.json()["error"]["code"] == "model_not_found"
