"""Every fault, as a client meets it."""

import pytest
import requests

from seedance.emulator.faults import FAULTS

from .conftest import MODEL


def error_code(response):
    return response.json()["error"]["code"]


# -- fail_next -------------------------------------------------------------------------------------------------------


def test_fail_next_answers_without_acting(emulator, ark):
    emulator.fail_next(503)

    response = ark.create()

    assert response.status_code == 503
    assert error_code(response) == "InternalServiceError"
    assert emulator.creates == []
    assert len(emulator.requests) == 1


def test_fail_next_strikes_as_often_as_asked(emulator, ark):
    task_id = ark.new()
    emulator.fail_next(500, on="get", times=2)

    assert [ark.get(task_id).status_code for _ in range(3)] == [500, 500, 200]


@pytest.mark.parametrize("operation", ["get", "list", "delete", "download"])
def test_fail_next_strikes_one_operation_only(emulator, ark, finished, operation):
    body = finished()
    emulator.fail_next(503, on=operation)

    answers = {
        "get": ark.get(body["id"]).status_code,
        "list": ark.list().status_code,
        "download": requests.get(body["content"]["video_url"], timeout=10).status_code,
        "delete": ark.delete(body["id"]).status_code,
    }

    assert answers == {**dict.fromkeys(answers, 200), operation: 503}


def test_fail_next_says_what_it_is_told(emulator, ark):
    emulator.fail_next(429, code="ServerOverloaded", message="Full.", headers={"Retry-After": "7"})

    response = ark.create()

    assert error_code(response) == "ServerOverloaded"
    assert response.json()["error"]["message"].startswith("Full.")
    assert response.headers["Retry-After"] == "7"


@pytest.mark.parametrize(
    ("body", "text"), [("oops", "oops"), (b"oops", "oops"), ({"a": 1}, '{"a": 1}')], ids=["text", "bytes", "data"]
)
def test_fail_next_takes_any_body(emulator, ark, body, text):
    emulator.fail_next(400, body=body)

    assert ark.create().text == text


def test_fail_next_can_act_all_the_same(emulator, ark):
    emulator.fail_next(502, acted=True)

    response = ark.create()

    assert response.status_code == 502
    assert len(emulator.creates) == 1


def test_fail_next_refuses_an_unknown_operation(emulator):
    with pytest.raises(ValueError, match="unknown operation"):
        emulator.fail_next(500, on="dance")


# -- answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "status", "content_type"),
    [
        ("rate_limited", 429, "application/json"),
        ("html_502", 502, "text/html; charset=utf-8"),
        ("redirect_301", 301, "text/html; charset=utf-8"),
        ("html_200", 200, "text/html; charset=utf-8"),
        ("invalid_request_500", 500, "application/json"),
        ("wrapped_451", 451, "application/json"),
        ("flat_error", 400, "application/json"),
        ("response_metadata_error", 403, "application/json"),
        ("comet_parse_error", 400, "application/json"),
    ],
)
def test_answer_fault_replaces_the_answer_once(emulator, ark, fault, status, content_type):
    emulator.fault(fault)

    response, after = ark.create(), ark.create()

    assert (response.status_code, response.headers["Content-Type"]) == (status, content_type)
    assert after.status_code == 200
    assert len(emulator.creates) == 1


def test_every_answer_fault_can_act_first(emulator, ark):
    emulator.fault("html_502", on="create", acted=True)

    assert ark.create().status_code == 502
    assert len(emulator.creates) == 1


def test_connection_reset_leaves_nothing_behind(emulator, ark):
    emulator.fault("connection_reset")

    with pytest.raises(requests.ConnectionError):
        ark.create()

    assert emulator.creates == []
    assert ark.create().status_code == 200


def test_rate_limit_may_say_when_to_return(emulator, ark):
    emulator.fault("rate_limited", retry_after=3, code="RequestBurstTooFast")

    response = ark.create()

    assert response.headers["Retry-After"] == "3"
    assert error_code(response) == "RequestBurstTooFast"


def test_wrapped_error_holds_json_as_text(emulator, ark):
    emulator.fault("wrapped_451")

    body = ark.create().json()

    assert body["code"] == "fail_to_fetch_task"
    assert requests.models.complexjson.loads(body["message"])["error"]["code"] == "InputTextSensitiveContentDetected"


def test_invalid_request_wears_a_500(emulator, volc):
    emulator.fault("invalid_request_500")

    assert error_code(volc.create()) == "invalid_request"


def test_comet_parse_error_can_be_a_500(emulator, volc):
    emulator.fault("comet_parse_error", status=500)

    response = volc.create()

    assert response.status_code == 500
    assert "invalid character" in response.json()["error"]["message"]


# -- damage ----------------------------------------------------------------------------------------------------------


def test_lost_response_hides_a_paid_task(emulator, ark):
    emulator.fault("lost_response_after_accept")

    with pytest.raises(requests.ConnectionError):
        ark.create()

    assert len(emulator.creates) == 1
    assert ark.list().json()["total"] == 1


@pytest.mark.parametrize(("fault", "body"), [("empty_id", {"id": ""}), ("missing_id", {})])
def test_create_answer_without_an_id(emulator, ark, fault, body):
    emulator.fault(fault)

    assert ark.create().json() == body
    assert len(emulator.creates) == 1


@pytest.mark.parametrize("fault", ["truncated_json", "empty_body"])
def test_unreadable_answer(emulator, ark, fault):
    emulator.fault(fault)

    response = ark.create()

    assert response.status_code == 200
    with pytest.raises(ValueError):
        response.json()


def test_gzip_is_only_claimed(emulator, ark):
    emulator.fault("gzip_mislabel")

    with pytest.raises(requests.exceptions.ContentDecodingError):
        ark.create()


def test_nulls_instead_of_omissions(emulator, ark):
    task_id = ark.new()
    emulator.fault("null_instead_of_omitted")

    assert ark.show(task_id)["content"] is None
    assert "content" not in ark.show(task_id)


def test_nulls_in_a_list(emulator, ark):
    ark.new()
    emulator.fault("null_instead_of_omitted", on="list")

    assert ark.list().json()["items"][0]["error"] is None


@pytest.mark.parametrize("fault", ["slow_headers", "slow_body"])
def test_slow_answer_runs_into_a_timeout(emulator, ark, fault):
    task_id = ark.new()
    emulator.fault(fault, on="get", seconds=20)

    with pytest.raises(requests.RequestException):
        ark.session.get(f"{ark.tasks_url}/{task_id}", timeout=0.1)


def test_slow_answer_arrives_whole(emulator, ark):
    task_id = ark.new()
    emulator.fault("slow_body", on="get", seconds=0.1)

    assert ark.show(task_id)["id"] == task_id


def test_truncated_download_announces_more_than_it_sends(emulator, finished):
    url = finished()["content"]["video_url"]
    emulator.fault("truncated_mp4")

    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        requests.get(url, timeout=10)


def test_download_can_be_a_sign_in_page(emulator, finished):
    url = finished()["content"]["video_url"]
    emulator.fault("html_for_mp4", content_type="video/mp4")

    response = requests.get(url, timeout=10)

    assert response.headers["Content-Type"] == "video/mp4"
    assert response.text.startswith("<html>")


# -- odd lives -------------------------------------------------------------------------------------------------------


def seen(emulator, ark, task_id, step, times):
    """What a poller sees, looking again and again."""
    words = []
    for _ in range(times):
        words.append(ark.show(task_id)["status"])
        emulator.clock.advance(step)
    return words


def test_error_at_every_transition(emulator, ark):
    task_id = ark.new("A cat [[fault:error_at_transition]]")

    answers = [(ark.get(task_id).status_code, emulator.clock.advance(18))[0] for _ in range(6)]

    assert answers == [200, 500, 200, 200, 500, 200]


def test_unknown_status_appears_on_the_way(emulator, ark):
    task_id = ark.new("A cat [[fault:unknown_status word=pondering]]")

    assert seen(emulator, ark, task_id, 24, 4) == ["queued", "running", "pondering", "succeeded"]


def test_status_can_go_backwards(emulator, ark):
    task_id = ark.new("A cat [[fault:status_backwards]]")

    assert seen(emulator, ark, task_id, 18, 5) == ["queued", "running", "queued", "running", "succeeded"]


def test_running_can_last_for_ever(emulator, ark):
    task_id = ark.new("A cat [[fault:frozen_running]]")

    emulator.clock.advance(10_000)

    assert ark.show(task_id)["status"] == "running"
    assert ark.show(task_id)["updated_at"] == ark.show(task_id)["created_at"] + 10


def test_frozen_task_expires_in_the_end(emulator, ark):
    task_id = ark.new("A cat [[fault:frozen_running]]")

    emulator.clock.advance(172_800)

    assert ark.show(task_id)["status"] == "expired"


def test_success_without_a_link(finished):
    assert "content" not in finished("A cat [[fault:success_without_url]]")


def test_link_may_appear_after_some_queries(emulator, ark):
    task_id = ark.new("A cat [[fault:success_without_url gets=2]]")
    emulator.finish()

    assert ["content" in ark.show(task_id) for _ in range(3)] == [False, False, True]


def test_link_may_be_dead_on_arrival(ark, finished):
    body = finished("A cat [[fault:url_expired gets=1]]")
    fresh = ark.show(body["id"])

    answers = [requests.get(each["content"]["video_url"], timeout=10).status_code for each in (body, fresh)]

    assert answers == [403, 200]


def test_lasting_fault_strikes_the_next_task_only(emulator, ark):
    emulator.fault("frozen_running")

    first, second = ark.new(), ark.new()
    emulator.clock.advance(1000)

    assert (ark.show(first)["status"], ark.show(second)["status"]) == ("running", "succeeded")


def test_lasting_fault_can_strike_an_existing_task(emulator, ark):
    first, second = ark.new(), ark.new()

    emulator.fault("frozen_running", task_id=first)
    emulator.clock.advance(1000)

    assert (ark.show(first)["status"], ark.show(second)["status"]) == ("running", "succeeded")


@pytest.mark.parametrize("fault", ["unknown_status", "status_backwards"])
def test_planned_life_cannot_change_afterwards(emulator, ark, fault):
    task_id = ark.new()

    with pytest.raises(ValueError, match="set_status"):
        emulator.fault(fault, task_id=task_id)


def test_wire_fault_can_wait_for_one_task(emulator, ark):
    first, second = ark.new(), ark.new()
    emulator.fault("html_502", on="get", task_id=second)

    assert [ark.get(first).status_code, ark.get(second).status_code] == [200, 502]


# -- markers ---------------------------------------------------------------------------------------------------------


def test_marker_strikes_the_create_that_bears_it(emulator, ark):
    first, second = ark.create("A cat [[fault:html_502]]"), ark.create()

    assert (first.status_code, second.status_code) == (502, 200)
    assert len(emulator.creates) == 1


def test_marker_can_name_the_operation_and_the_times(ark):
    task_id = ark.new("A cat [[fault:html_502 on=get times=2]]")

    assert [ark.get(task_id).status_code for _ in range(3)] == [502, 502, 200]


def test_marker_can_strike_for_ever(ark):
    task_id = ark.new("A cat [[fault:html_502 on=get times=always]]")

    assert [ark.get(task_id).status_code for _ in range(3)] == [502, 502, 502]


def test_marker_strikes_once_in_all(ark):
    first = ark.create("A cat [[fault:slow_body seconds=0]]")

    assert ark.get(first.json()["id"]).status_code == 200


def test_marker_works_on_the_unified_dialect(emulator, videos):
    first = videos.create(prompt="A cat [[fault:html_502]]")
    frozen = videos.new(prompt="A cat [[fault:frozen_running]]")
    emulator.clock.advance(1000)

    assert first.status_code == 502
    assert videos.show(frozen)["status"] == "in_progress"


def test_unknown_marker_is_just_text(ark):
    response = ark.create("A cat [[fault:no_such_thing]] [[mood:happy]]")

    assert response.status_code == 200


def test_unknown_fault_is_refused(emulator):
    with pytest.raises(ValueError, match="unknown fault"):
        emulator.fault("no_such_thing")


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_every_fault_can_be_armed_and_survived(emulator, ark, name):
    emulator.fault(name, times=1, seconds=0)

    emulator.reset()

    assert ark.post({"model": MODEL, "content": [{"type": "text", "text": "A cat"}]}).status_code == 200


@pytest.mark.parametrize("marker", ["slow_body seconds=long", "html_502 status=bad", "url_expired gets=few", "", "'"])
def test_marker_that_makes_no_sense_is_just_text(ark, marker):
    assert ark.create(f"A cat [[fault:{marker}]]").status_code == 200


def test_option_that_should_be_a_number_is_refused(emulator):
    with pytest.raises(ValueError, match="seconds must be a number"):
        emulator.fault("slow_body", seconds="long")
