"""Calls that may be repeated: polling one task or many, and cancelling one."""

import datetime as dt
import gzip
import json
import struct

import pytest

from seedance.exceptions import (
    NotFoundError,
    ProtocolError,
    ProviderError,
    RateLimitError,
    RequestError,
    ServerError,
    TransportError,
)
from seedance.provider.ark import SeedanceClient

from .conftest import KEY

LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


def heard(provider, method):
    return [request for request in provider.requests if request.method == method]


# -- one task ----------------------------------------------------------------------------------------------------------


def test_get_shows_a_queued_task(ark, provider, sample):
    task_id = ark.create_task(sample)

    remote = ark.get_task(task_id)

    assert (remote.provider_task_id, remote.status, remote.video_url) == (task_id, "queued", "")
    assert remote.expires_after == 172_800


def test_get_shows_what_became_of_a_finished_task(ark, provider, sample):
    task_id = ark.create_task(sample)
    provider.finish()

    remote = ark.get_task(task_id)

    assert remote.status == "succeeded"
    assert remote.video_url.startswith(provider.url)
    assert remote.total_tokens == 108_900
    assert remote.result | {"seed": 0} == {
        "duration": 5,
        "ratio": "16:9",
        "resolution": "720p",
        "frames_per_second": 24,
        "seed": 0,
        "generate_audio": True,
        "draft": False,
        "service_tier": "default",
    }


def test_get_shows_why_a_task_failed(ark, provider, sample):
    task_id = ark.create_task(sample)
    provider.fail(code="OutputVideoSensitiveContentDetected", message="No.")

    remote = ark.get_task(task_id)

    assert (remote.status, remote.error_code) == ("failed", "OutputVideoSensitiveContentDetected")
    assert remote.error_message.startswith("No.")
    assert remote.request_id in remote.error_message


def test_get_reads_nulls_like_absent_fields(ark, provider, sample):
    task_id = ark.create_task(sample)
    provider.fault("null_instead_of_omitted")

    remote = ark.get_task(task_id)

    assert (remote.status, remote.total_tokens, dict(remote.result)) == (
        "queued",
        None,
        {"generate_audio": True, "draft": False, "service_tier": "default"},
    )


def test_get_keeps_a_word_it_does_not_know(ark, provider, sample):
    task_id = ark.create_task(sample)
    provider.set_status(task_id, "reviewing")

    remote = ark.get_task(task_id)

    assert (remote.status, remote.status_word) == ("", "reviewing")


@pytest.mark.parametrize("fault", ["connection_reset", "html_502"])
def test_get_is_repeated_when_the_way_is_broken(ark, provider, sample, fault):
    task_id = ark.create_task(sample)
    provider.fault(fault, on="get")

    remote = ark.get_task(task_id)

    assert remote.status == "queued"
    assert len(heard(provider, "GET")) == 2


@pytest.mark.parametrize("status", [502, 503, 504])
def test_get_is_repeated_when_a_gateway_is_unwell(ark, provider, sample, status):
    task_id = ark.create_task(sample)
    provider.fail_next(status, on="get")

    remote = ark.get_task(task_id)

    assert remote.status == "queued"
    assert len(heard(provider, "GET")) == 2


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param({"status": 400}, RequestError, id="400"),
        pytest.param({"status": 404}, NotFoundError, id="404"),
        pytest.param({"status": 429}, RateLimitError, id="429"),
        pytest.param({"status": 500}, ServerError, id="500"),
        pytest.param({"status": 301, "headers": {"Location": "/"}}, RequestError, id="301"),
        pytest.param({"status": 400, "body": {"error": {"code": "task_not_exist"}}}, NotFoundError, id="code"),
        pytest.param(
            {"status": 400, "body": {"error": {"message": "task_not_exist (request id: 2026abcdef)", "code": ""}}},
            NotFoundError,
            id="message with request id",
        ),
        pytest.param({"status": 200, "body": "<html>"}, ProtocolError, id="page"),
        pytest.param({"status": 200, "body": {}}, ProtocolError, id="empty object"),
        pytest.param({"status": 200, "body": {"code": "fail_to_fetch_task", "data": None}}, ProtocolError, id="relay"),
        pytest.param({"status": 200, "body": {"id": "cgt-other", "status": "failed"}}, ProtocolError, id="other task"),
    ],
)
def test_get_turns_each_answer_into_its_error_at_once(ark, provider, answer, error):
    provider.fail_next(on="get", times=None, **answer)

    with pytest.raises(ProviderError) as caught:
        ark.get_task("cgt-1")

    assert type(caught.value) is error
    assert len(heard(provider, "GET")) == 1


@pytest.mark.parametrize("fault", ["truncated_json", "empty_body", "html_200"])
def test_get_refuses_an_answer_it_cannot_read(ark, provider, sample, fault):
    task_id = ark.create_task(sample)
    provider.fault(fault, on="get")

    with pytest.raises(ProtocolError):
        ark.get_task(task_id)


def test_get_reads_a_plain_body_that_is_labelled_gzip(ark, provider, sample):
    task_id = ark.create_task(sample)
    provider.fault("gzip_mislabel", on="get")

    remote = ark.get_task(task_id)

    assert remote.provider_task_id == task_id


def test_get_reads_a_body_that_really_is_gzip(at_host, host):
    body = gzip.compress(json.dumps({"id": "cgt-1", "status": "running"}).encode())
    host.answer(body, "Content-Encoding: gzip")

    remote = at_host.get_task("cgt-1")

    assert remote.status == "running"


def test_get_refuses_a_body_whose_gzip_is_broken(at_host, host):
    host.answer(b"\x1f\x8b" + b"nonsense" * 9, "Content-Encoding: gzip")

    with pytest.raises(ProtocolError):
        at_host.get_task("cgt-1")


def test_get_asks_for_an_answer_without_compression(ark, provider, sample):
    ark.get_task(ark.create_task(sample))

    assert heard(provider, "GET")[0].headers["Accept-Encoding"] == "identity"


def test_get_of_an_unknown_task_on_the_relay_is_not_found(volc):
    with pytest.raises(NotFoundError):
        volc.get_task("021773297205999nothing")


@pytest.mark.parametrize("task_id", ["../x", "a/b", "a?b=c", "a#b", "a%2Fb", "é"])
def test_get_keeps_an_odd_id_in_its_place(ark, provider, task_id):
    with pytest.raises(NotFoundError):
        ark.get_task(task_id)

    assert heard(provider, "GET")[0].path.startswith("/api/v3/contents/generations/tasks/")
    assert heard(provider, "GET")[0].query == {}


@pytest.mark.parametrize("task_id", ["", ".", ".."])
def test_get_does_not_ask_for_an_id_that_would_vanish_from_the_address(ark, provider, task_id):
    with pytest.raises(NotFoundError):
        ark.get_task(task_id)

    assert not provider.requests


def test_get_gives_up_on_a_host_that_does_not_answer(impatient, provider):
    provider.fault("slow_headers", on="get", times=None, seconds=2)

    with pytest.raises(TransportError):
        impatient.get_task("cgt-1")


def test_get_reads_an_answer_that_came_only_at_the_second_try(impatient, provider, sample):
    task_id = impatient.create_task(sample)
    provider.fault("slow_headers", on="get", seconds=2)

    remote = impatient.get_task(task_id)

    assert remote.provider_task_id == task_id


def test_get_stops_reading_an_answer_that_never_ends(impatient, provider, sample):
    task_id = impatient.create_task(sample)
    provider.fault("slow_body", on="get", seconds=3)

    with pytest.raises(ProtocolError):
        impatient.get_task(task_id)


def test_get_does_not_swallow_an_answer_of_any_size(at_host, host, monkeypatch):
    monkeypatch.setattr("seedance.provider.transport.MAX_ANSWER_BYTES", 1000)
    host.answer(json.dumps({"id": "cgt-1", "status": "running", "more": "x" * 200_000}).encode())

    with pytest.raises(ProtocolError):
        at_host.get_task("cgt-1")


def test_get_notices_a_body_that_is_shorter_than_announced(at_host, host):
    host.raw = b'HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"id": "cgt-1", "status": "succeeded"}'

    with pytest.raises(ProtocolError):
        at_host.get_task("cgt-1")


@pytest.mark.parametrize(
    "raw",
    [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", struct.pack("8B", *range(8))],
    ids=["nothing", "words", "no status", "bytes"],
)
def test_get_treats_what_is_not_http_as_no_answer(at_host, host, raw):
    host.raw = raw

    with pytest.raises(TransportError):
        at_host.get_task("cgt-1")


# -- many tasks --------------------------------------------------------------------------------------------------------


def test_list_shows_the_tasks_asked_for(ark, sample):
    ids = [ark.create_task(sample) for _ in range(3)]

    remotes = ark.list_tasks(ids[:2])

    assert {remote.provider_task_id for remote in remotes} == set(ids[:2])


def test_list_asks_for_all_tasks_of_a_tier_in_one_call(ark, provider, sample):
    ids = [ark.create_task(sample) for _ in range(25)]

    remotes = ark.list_tasks(ids)

    assert len(remotes) == 25
    assert [request.query["filter.task_ids"] for request in heard(provider, "GET")] == [ids]


def test_list_names_the_service_tier(ark, provider):
    ark.list_tasks(["cgt-1"], service_tier="flex")

    assert heard(provider, "GET")[0].query["filter.service_tier"] == ["flex"]


def test_list_of_nothing_asks_nothing(ark, provider):
    assert ark.list_tasks([]) == []
    assert not provider.requests


@pytest.mark.parametrize("status", [400, 414, 431])
def test_list_is_halved_when_the_address_is_too_long(ark, provider, sample, status):
    ids = [ark.create_task(sample) for _ in range(3)]
    provider.fail_next(status, on="list")

    remotes = ark.list_tasks(ids)

    assert sorted(remote.provider_task_id for remote in remotes) == sorted(ids)
    assert [request.query["filter.task_ids"] for request in heard(provider, "GET")] == [ids, ids[:1], ids[1:]]


def test_list_stops_halving_at_one_task(ark, provider):
    provider.fail_next(414, on="list", times=None)

    with pytest.raises(RequestError):
        ark.list_tasks(["a", "b", "c", "d"])

    assert len(heard(provider, "GET")) == 3


def test_list_raises_the_first_failure(ark, provider):
    provider.fail_next(429, on="list")

    with pytest.raises(RateLimitError):
        ark.list_tasks(["a", "b"])


@pytest.mark.parametrize("body", [{}, {"items": None}, {"items": []}, {"total": 0, "items": [None, 3, "x"]}])
def test_list_without_tasks_is_empty(ark, provider, body):
    provider.fail_next(200, on="list", body=body)

    assert ark.list_tasks(["a"]) == []


@pytest.mark.parametrize("body", ["<html>", b"", [], {"items": 5}, {"items": {"id": "a"}}], ids=repr)
def test_list_refuses_an_answer_it_cannot_read(ark, provider, body):
    provider.fail_next(200, on="list", body=body)

    with pytest.raises(ProtocolError):
        ark.list_tasks(["a"])


def test_recent_tasks_are_found_on_all_pages(ark, provider, sample, monkeypatch):
    monkeypatch.setattr("seedance.provider.ark.PAGE_SIZE", 2)
    ids = [ark.create_task(sample) for _ in range(5)]

    remotes = ark.recent_tasks(since=LONG_AGO)

    assert sorted(remote.provider_task_id for remote in remotes) == sorted(ids)
    assert [request.query["page_num"] for request in heard(provider, "GET")] == [["1"], ["2"], ["3"]]


def test_recent_tasks_leave_older_ones_out(ark, provider, sample):
    ark.create_task(sample)
    provider.clock.advance(600)
    new = ark.create_task(sample)

    since = dt.datetime.fromtimestamp(provider.clock.now() - 60, tz=dt.UTC)

    assert [remote.provider_task_id for remote in ark.recent_tasks(since=since)] == [new]


def test_recent_tasks_of_one_tier_are_asked_for(ark, provider):
    assert ark.recent_tasks(since=LONG_AGO, service_tier="flex") == []
    assert heard(provider, "GET")[0].query["filter.service_tier"] == ["flex"]


def test_recent_tasks_of_an_endless_list_are_not_guessed_from_its_beginning(ark, provider, sample, monkeypatch):
    monkeypatch.setattr("seedance.provider.ark.PAGE_SIZE", 1)
    monkeypatch.setattr("seedance.provider.ark.MAX_PAGES", 2)
    for _ in range(3):
        ark.create_task(sample)

    with pytest.raises(ProtocolError, match="too long"):
        ark.recent_tasks(since=LONG_AGO)


# -- dropping one ------------------------------------------------------------------------------------------------------


def test_delete_cancels_a_queued_task(ark, provider, sample):
    task_id = ark.create_task(sample)

    ark.delete_task(task_id)

    assert ark.get_task(task_id).status == "cancelled"


def test_delete_of_a_running_task_is_refused(ark, provider, sample):
    task_id = ark.create_task(sample)
    provider.clock.advance(6)

    with pytest.raises(RequestError) as caught:
        ark.delete_task(task_id)

    assert caught.value.code == "InvalidAction.RunningTaskDeletion"


@pytest.mark.parametrize(
    ("fault", "error"), [("connection_reset", TransportError), ("html_502", ServerError)], ids=["reset", "502"]
)
def test_delete_is_sent_once(ark, provider, sample, fault, error):
    task_id = ark.create_task(sample)
    provider.fault(fault, on="delete", times=None)

    with pytest.raises(error):
        ark.delete_task(task_id)

    assert len(heard(provider, "DELETE")) == 1


# -- where it goes -----------------------------------------------------------------------------------------------------


def test_redirects_are_never_followed(at_host, host, provider):
    host.answer(b"", f"Location: {provider.ark_url}/elsewhere", status="302 Found")

    with pytest.raises(RequestError, match="BASE_URL") as caught:
        at_host.get_task("cgt-1")

    assert caught.value.code == "redirect"
    assert not provider.requests


@pytest.mark.parametrize("location", ["http://[", "//[::1", "\\", "", "http://h:port/"], ids=repr)
def test_a_redirect_to_nowhere_is_no_crash(at_host, host, sample, location):
    host.answer(b"moved", f"Location: {location}", status="301 Moved Permanently")

    with pytest.raises(RequestError) as caught:
        at_host.create_task(sample)

    assert (caught.value.code, caught.value.body) == ("redirect", "moved")


def test_a_netrc_file_does_not_replace_the_key(provider, sample, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login mallory password other\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    client = SeedanceClient(provider.ark_url, KEY)

    client.get_task(client.create_task(sample))

    assert {request.headers["Authorization"] for request in provider.requests} == {f"Bearer {KEY}"}
