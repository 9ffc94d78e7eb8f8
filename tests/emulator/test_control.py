"""The control routes: everything the Python object can be told, over HTTP."""

import pytest
import requests


@pytest.fixture
def control(emulator):
    def call(route, /, **values):
        return requests.post(f"{emulator.url}/__control__/{route}", json=values, timeout=10)

    return call


def ask(emulator, name):
    return requests.get(f"{emulator.url}/__control__/{name}", timeout=10).json()


def test_fail_next(control, ark):
    control("fail_next", status=503, on="create", times=1)

    assert ark.create().status_code == 503
    assert ark.create().status_code == 200


def test_fault(control, ark):
    control("fault", name="html_502", on="create")

    assert ark.create().status_code == 502


def test_advance_and_finish(control, ark):
    first = ark.new()
    control("advance", seconds=10)
    running = ark.show(first)["status"]

    control("finish", id=first)

    assert (running, ark.show(first)["status"]) == ("running", "succeeded")


def test_fail(control, ark):
    task_id = ark.new()

    control("fail", id=task_id, code="OutputAudioSensitiveContentDetected", message="Too loud.")

    assert ark.show(task_id)["error"]["code"] == "OutputAudioSensitiveContentDetected"


def test_set_status(control, ark):
    task_id = ark.new()

    control("set_status", id=task_id, status="pondering")

    assert ark.show(task_id)["status"] == "pondering"


def test_configure(control, ark):
    control("configure", max_queued=0, api_keys=["key"])

    assert ark.create().status_code == 429


def test_reset(emulator, control, ark):
    ark.new()

    control("reset")

    assert emulator.tasks == {}


def test_requests_are_told_without_the_key(emulator, ark):
    ark.create("A cat")

    (heard,) = ask(emulator, "requests")

    assert heard["method"] == "POST"
    assert "A cat" in heard["body"]
    assert "authorization" not in {name.lower() for name in heard["headers"]}


def test_ledger(emulator, ark):
    task_id = ark.new("A cat", duration=4)

    assert ask(emulator, "ledger") == [
        {"id": task_id, "model": ark.show(task_id)["model"], "prompt": "A cat", "parameters": {"duration": 4}}
    ]


def test_tasks(emulator, ark):
    task_id = ark.new()

    (task,) = ask(emulator, "tasks")

    assert (task["id"], task["status"], task["flavour"]) == (task_id, "queued", "ark")


def test_callbacks(emulator, ark):
    ark.new(callback_url="http://192.0.2.1/")
    emulator.wait_for_callbacks()

    (delivery,) = ask(emulator, "callbacks")

    assert delivery["outcome"] == "not loopback"


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("fault", {"name": "no_such_thing"}),
        ("fault", {}),
        ("fail_next", {}),
        ("fail_next", {"status": 500, "on": "dance"}),
        ("advance", {"seconds": -1}),
        ("advance", {"seconds": "long"}),
        ("finish", {"id": "cgt-unknown"}),
        ("configure", {"no_such_setting": 1}),
    ],
)
def test_senseless_wishes_are_refused_with_a_reason(control, name, values):
    response = control(name, **values)

    assert response.status_code == 400
    assert response.json()["error"]


def test_body_must_be_an_object(emulator):
    response = requests.post(f"{emulator.url}/__control__/advance", json=[1], timeout=10)

    assert response.status_code == 400


def test_unknown_control_route_lists_the_known_ones(control):
    response = control("dance")

    assert response.status_code == 404
    assert "fail_next" in response.json()["post"]


def test_control_requests_are_not_counted_as_heard(emulator, control):
    control("advance", seconds=1)

    assert emulator.requests == []
