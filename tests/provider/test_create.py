"""The one call that costs money: what leaves, how often, and what each answer means."""

import pytest

from seedance.exceptions import (
    AuthenticationError,
    NotFoundError,
    ProtocolError,
    ProviderError,
    RateLimitError,
    RequestError,
    ServerError,
    TransportError,
)
from seedance.provider.ark import SeedanceClient, create_body
from seedance.provider.types import ContentPart, TaskRequest

from ..conftest import SAMPLE_MODEL, SAMPLE_PROMPT
from .conftest import KEY

TASKS = "/contents/generations/tasks"


def posts(provider):
    return [request for request in provider.requests if request.method == "POST"]


# -- what leaves -------------------------------------------------------------------------------------------------------


def test_create_sends_exactly_the_documented_body(ark, provider, sample):
    ark.create_task(sample)

    assert posts(provider)[0].json == {
        "model": SAMPLE_MODEL,
        "content": [{"type": "text", "text": SAMPLE_PROMPT}],
        "duration": 5,
        "ratio": "16:9",
    }


def test_create_returns_the_task_id(ark, provider, sample):
    task_id = ark.create_task(sample)

    assert list(provider.tasks) == [task_id]


def test_create_states_an_exact_length_and_is_not_chunked(ark, provider, sample):
    ark.create_task(sample)

    heard = posts(provider)[0]
    assert heard.headers["Content-Length"] == str(len(heard.body))
    assert "Transfer-Encoding" not in heard.headers


def test_create_uses_a_connection_of_its_own(ark, provider, sample):
    ark.create_task(sample)

    assert posts(provider)[0].headers["Connection"] == "close"


def test_create_escapes_everything_beyond_ascii(ark, provider):
    ark.create_task(TaskRequest(SAMPLE_MODEL, (ContentPart("text", "纸船 🚤"),)))

    assert posts(provider)[0].body.isascii()
    assert provider.creates[0].prompt == "纸船 🚤"


def test_create_carries_our_reference(ark, provider, sample):
    ark.create_task(sample, reference="019ab")

    assert posts(provider)[0].headers["X-Client-Request-Id"] == "019ab"


def test_create_carries_the_key_as_bearer_token(ark, provider, sample):
    ark.create_task(sample)

    assert posts(provider)[0].headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("part", "item"),
    [
        pytest.param(
            ContentPart("image_url", "https://h/a.png", "first_frame"),
            {"type": "image_url", "image_url": {"url": "https://h/a.png"}, "role": "first_frame"},
            id="image with role beside the payload",
        ),
        pytest.param(
            ContentPart("image_url", "https://h/a.png"),
            {"type": "image_url", "image_url": {"url": "https://h/a.png"}},
            id="image without role",
        ),
        pytest.param(
            ContentPart("audio_url", "asset://7", "reference_audio"),
            {"type": "audio_url", "audio_url": {"url": "asset://7"}, "role": "reference_audio"},
            id="audio",
        ),
        pytest.param(
            ContentPart("draft_task", "cgt-1"), {"type": "draft_task", "draft_task": {"id": "cgt-1"}}, id="draft"
        ),
    ],
)
def test_create_body_spells_a_content_item(part, item):
    body = create_body(TaskRequest("m", (part,)))

    assert body == {"model": "m", "content": [item]}


def test_create_body_merges_extra_last_and_leaves_unset_fields_out():
    body = create_body(TaskRequest("m", (), {"seed": 1}, callback_url="https://s/cb", extra={"seed": 2, "new": True}))

    assert body == {"model": "m", "content": [], "seed": 2, "callback_url": "https://s/cb", "new": True}


# -- what comes back ---------------------------------------------------------------------------------------------------

REFUSALS = [
    pytest.param({"status": 400}, RequestError, id="400"),
    pytest.param({"status": 401}, AuthenticationError, id="401"),
    pytest.param({"status": 403}, AuthenticationError, id="403"),
    pytest.param({"status": 404}, NotFoundError, id="404"),
    pytest.param({"status": 409}, RequestError, id="409"),
    pytest.param({"status": 413}, RequestError, id="413"),
    pytest.param({"status": 429}, RateLimitError, id="429"),
    pytest.param({"status": 451}, RequestError, id="451"),
    pytest.param({"status": 500, "code": "invalid_request"}, RequestError, id="500 that is a refusal"),
    pytest.param({"status": 503, "code": "model_not_found"}, RequestError, id="503 that is a refusal"),
    pytest.param({"status": 301, "headers": {"Location": "/"}}, RequestError, id="301"),
    pytest.param({"status": 304}, RequestError, id="304"),
]
UNKNOWN_OUTCOMES = [
    pytest.param({"status": 408}, ServerError, id="408"),
    pytest.param({"status": 500}, ServerError, id="500"),
    pytest.param({"status": 502, "body": "<html>"}, ServerError, id="502 page"),
    pytest.param({"status": 503}, ServerError, id="503"),
    pytest.param({"status": 504, "body": b""}, ServerError, id="504 empty"),
    pytest.param({"status": 524, "body": "<html>"}, ServerError, id="524"),
    pytest.param({"status": 200, "body": {"error": {"code": "x", "message": "y"}}}, ProtocolError, id="200 error"),
    pytest.param({"status": 200, "body": []}, ProtocolError, id="200 list"),
    pytest.param({"status": 200, "body": {"id": 5}}, ProtocolError, id="200 number for id"),
    pytest.param({"status": 200, "body": {"id": "  "}}, ProtocolError, id="200 blank id"),
    pytest.param({"status": 200, "body": {"id": "x" * 129}}, ProtocolError, id="200 id too long to keep"),
    pytest.param({"status": 204, "body": b""}, ProtocolError, id="204"),
]


@pytest.mark.parametrize(("answer", "error"), [*REFUSALS, *UNKNOWN_OUTCOMES])
def test_create_turns_each_answer_into_its_error(ark, provider, sample, answer, error):
    provider.fail_next(**answer)

    with pytest.raises(ProviderError) as caught:
        ark.create_task(sample)

    assert type(caught.value) is error
    assert caught.value.status_code == answer["status"]


@pytest.mark.parametrize(("answer", "error"), [*REFUSALS, *UNKNOWN_OUTCOMES])
def test_create_is_sent_once_whatever_the_answer(ark, provider, sample, answer, error):
    provider.fail_next(times=None, **answer)

    with pytest.raises(error):
        ark.create_task(sample)

    assert len(posts(provider)) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("html_502", ServerError),
        ("redirect_301", RequestError),
        ("html_200", ProtocolError),
        ("truncated_json", ProtocolError),
        ("empty_body", ProtocolError),
        ("missing_id", ProtocolError),
        ("empty_id", ProtocolError),
        ("comet_parse_error", RequestError),
        ("flat_error", RequestError),
        ("response_metadata_error", AuthenticationError),
        ("connection_reset", TransportError),
        ("lost_response_after_accept", TransportError),
    ],
)
def test_create_is_sent_once_under_a_fault(ark, provider, sample, fault, error):
    provider.fault(fault, times=None)

    with pytest.raises(error):
        ark.create_task(sample)

    assert len(posts(provider)) == 1


@pytest.mark.parametrize("fault", ["connection_reset", "lost_response_after_accept"])
def test_create_without_an_answer_counts_as_sent(ark, provider, sample, fault):
    provider.fault(fault)

    with pytest.raises(TransportError) as caught:
        ark.create_task(sample)

    assert caught.value.sent is True


@pytest.mark.parametrize(
    ("fault", "error"), [("slow_headers", TransportError), ("slow_body", ProtocolError)], ids=["headers", "body"]
)
def test_create_gives_up_on_a_slow_answer_and_calls_the_outcome_unknown(impatient, provider, sample, fault, error):
    provider.fault(fault, times=None, seconds=2)

    with pytest.raises(error) as caught:
        impatient.create_task(sample)

    assert getattr(caught.value, "sent", True) is True
    assert len(provider.creates) == len(posts(provider)) == 1


def test_create_at_a_closed_port_was_not_sent(closed_port, sample):
    client = SeedanceClient(f"http://127.0.0.1:{closed_port}", KEY)

    with pytest.raises(TransportError, match=r"nothing was sent.*ConnectionRefusedError") as caught:
        client.create_task(sample)

    assert caught.value.sent is False


@pytest.mark.parametrize("host", ["nowhere.invalid", "a..b", "a" * 70, ".example", "*.example", "xn--"])
def test_create_at_a_host_that_cannot_be_found_was_not_sent(sample, host):
    client = SeedanceClient(f"http://{host}/v3", KEY)

    with pytest.raises(TransportError) as caught:
        client.create_task(sample)

    assert caught.value.sent is False


def test_create_over_tls_to_a_plain_port_was_not_sent(provider, sample):
    client = SeedanceClient(provider.ark_url.replace("http:", "https:"), KEY, create_timeout=1)

    with pytest.raises(TransportError) as caught:
        client.create_task(sample)

    assert caught.value.sent is False
    assert not provider.creates


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        pytest.param({}, None, id="absent"),
        pytest.param({"Retry-After": "7"}, 7.0, id="seconds"),
        pytest.param({"Retry-After": "0"}, 0.0, id="zero"),
        pytest.param({"Retry-After": "-1"}, None, id="negative"),
        pytest.param({"Retry-After": "nan"}, None, id="nan"),
        pytest.param({"Retry-After": "inf"}, None, id="infinite"),
        pytest.param({"Retry-After": "9999999"}, None, id="months"),
        pytest.param({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, None, id="date"),
    ],
)
def test_rate_limit_names_the_pause_asked_for(ark, provider, sample, header, seconds):
    provider.fail_next(429, headers=header)

    with pytest.raises(RateLimitError) as caught:
        ark.create_task(sample)

    assert caught.value.retry_after == seconds


def test_create_refused_by_the_relay_for_want_of_a_channel_started_nothing(volc, provider):
    with pytest.raises(RequestError) as caught:
        volc.create_task(TaskRequest("no-such-model", (ContentPart("text", "boat"),)))

    assert caught.value.code == "model_not_found"
    assert not provider.creates
