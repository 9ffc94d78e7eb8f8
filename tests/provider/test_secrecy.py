"""What errors tell, and what they must not."""

import re

import pytest

from seedance.exceptions import ConfigurationError, ProviderError, TransportError
from seedance.provider.ark import SeedanceClient

from .conftest import KEY


def everything_said(exc):
    """All texts of an error and of the errors behind it."""
    texts = []
    while exc is not None:
        texts += [str(exc), repr(exc), repr(exc.args), repr(vars(exc) if isinstance(exc, ProviderError) else "")]
        exc = exc.__cause__ or exc.__context__
    return "\n".join(texts)


ANSWERS = [
    pytest.param({"status": 401, "message": f"the API key {KEY} is invalid"}, id="in the message"),
    pytest.param({"status": 400, "code": f"Bad.{KEY}"}, id="in the code"),
    pytest.param({"status": 502, "body": f"<html>Authorization: Bearer {KEY}</html>"}, id="in a page"),
    pytest.param({"status": 200, "body": {"echo": {"Authorization": f"Bearer {KEY}"}}}, id="in a success"),
    pytest.param({"status": 500, "headers": {"X-Request-Id": KEY}, "body": {}}, id="in the request id"),
    pytest.param({"status": 400, "body": {"error": {"message": f'{{"error": {{"code": "{KEY}"}}}}'}}}, id="wrapped"),
]


@pytest.mark.parametrize("answer", ANSWERS)
def test_errors_never_hold_the_key_that_an_answer_echoes(ark, provider, sample, answer):
    provider.fail_next(**answer)

    with pytest.raises(ProviderError) as caught:
        ark.create_task(sample)

    assert KEY not in everything_said(caught.value)


@pytest.mark.parametrize("fault", ["connection_reset", "lost_response_after_accept"])
def test_errors_of_a_broken_connection_do_not_hold_the_key(ark, provider, sample, fault):
    provider.fault(fault)

    with pytest.raises(TransportError) as caught:
        ark.create_task(sample)

    assert KEY not in everything_said(caught.value)


def test_errors_without_a_connection_do_not_hold_the_key(closed_port, sample):
    client = SeedanceClient(f"http://127.0.0.1:{closed_port}", KEY)

    with pytest.raises(TransportError) as caught:
        client.get_task("cgt-1")

    assert KEY not in everything_said(caught.value)


def test_errors_say_which_call_it_was_without_host_and_query(ark, provider):
    provider.fail_next(429, on="list")

    with pytest.raises(ProviderError) as caught:
        ark.list_tasks(["cgt-1"])

    assert (caught.value.method, caught.value.path) == ("GET", "/contents/generations/tasks")


def test_errors_keep_the_beginning_of_an_unreadable_answer(ark, provider, sample):
    provider.fail_next(502, body="<html>" + "gateway " * 500)

    with pytest.raises(ProviderError) as caught:
        ark.create_task(sample)

    assert caught.value.body.startswith("<html>gateway")
    assert len(caught.value.body) == 600


def test_errors_hold_no_character_that_a_database_refuses(ark, provider, sample):
    provider.fail_next(400, body=b'{"error": {"code": "a\\u0000b", "message": "\\ud800 \\u0000"}, "x": "\x00"}')

    with pytest.raises(ProviderError) as caught:
        ark.create_task(sample)

    said = caught.value.code + str(caught.value) + caught.value.body
    assert "\x00" not in said
    assert said.encode()


@pytest.mark.parametrize(
    ("answer", "request_id"),
    [
        pytest.param({"headers": {"X-Request-Id": "0217-header"}, "body": {}}, "0217-header", id="Ark header"),
        pytest.param({"headers": {"x-cometapi-request-id": "2026comet"}, "body": {}}, "2026comet", id="relay header"),
        pytest.param({"body": {"error": {"message": "No. Request id: 0217abcdef"}}}, "0217abcdef", id="in the message"),
        pytest.param({"body": {"message": "bad (request id: 2026abc)"}}, "2026abc", id="relay message"),
        pytest.param(
            {"body": {"ResponseMetadata": {"RequestId": "2026meta", "Error": {"Code": "X", "Message": "y"}}}},
            "2026meta",
            id="response metadata",
        ),
        pytest.param({"body": "<html>"}, "", id="none"),
    ],
)
def test_errors_name_the_provider_s_request_id(ark, provider, sample, answer, request_id):
    provider.fail_next(400, **answer)

    with pytest.raises(ProviderError) as caught:
        ark.create_task(sample)

    assert caught.value.request_id == request_id


def test_errors_open_a_wrapped_upstream_error(ark, provider, sample):
    provider.fault("wrapped_451")

    with pytest.raises(ProviderError, match=r"input text may contain") as caught:
        ark.create_task(sample)

    assert caught.value.code == "InputTextSensitiveContentDetected"


def test_client_does_not_show_the_key(ark):
    assert re.fullmatch(r"<SeedanceClient <Transport http://127\.0\.0\.1:\d+/api/v3>>", repr(ark))


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "api.cometapi.com/volc/v3",
        "ftp://host/v3",
        "https://",
        "https://host/v3?x=1",
        "https://host/v3#x",
        "https://user:secret@host/v3",
        "https://ho st/v3",
        "https://host:port/v3",
        "https://[::1/v3",
        None,
        5,
        b"https://host/v3",
    ],
    ids=repr,
)
def test_client_refuses_an_address_that_cannot_be_right(base_url):
    with pytest.raises(ConfigurationError, match="BASE_URL"):
        SeedanceClient(base_url, KEY)


@pytest.mark.parametrize("base_url", ["https://host/v3/", " https://host/v3\n", "https://host/v3"], ids=repr)
def test_client_takes_an_address_with_loose_ends(base_url):
    assert repr(SeedanceClient(base_url, KEY)) == "<SeedanceClient <Transport https://host/v3>>"


@pytest.mark.parametrize("key", ["", "  ", "two words", "sk-\n-x", "schlüssel-geheim", "sk-\x7f"], ids=repr)
def test_client_refuses_a_key_that_cannot_be_right_without_repeating_it(key):
    with pytest.raises(ConfigurationError, match="API_KEY") as caught:
        SeedanceClient("https://host/v3", key)

    assert key.strip() == "" or key not in str(caught.value)


def test_client_trims_a_key_that_was_pasted_with_a_line_end(provider, sample):
    SeedanceClient(provider.ark_url, f"{KEY}\n").create_task(sample)

    assert provider.requests[0].headers["Authorization"] == f"Bearer {KEY}"
