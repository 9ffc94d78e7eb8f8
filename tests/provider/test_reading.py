"""What the words of providers and relays are taken to mean."""

import datetime as dt
import inspect
import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seedance.provider import reading
from seedance.provider.reading import STATUS_WORDS, read_error, read_object, read_task

WORDS = {
    "queued": ("queued", "pending", "created", "SUBMITTED", "QUEUED", "NOT_START"),
    "running": ("running", "in_progress", "IN_PROGRESS", "processing"),
    "succeeded": ("succeeded", "completed", "SUCCESS", "success"),
    "failed": ("failed", "error", "FAILURE", "FAILED", "ERROR"),
    "cancelled": ("cancelled", "canceled"),
    "expired": ("expired",),
}
URL = "https://storage.example.com/a.mp4?X-Tos-Expires=86400"


def task(**fields):
    return read_task({"id": "cgt-1", "status": "succeeded", **fields})


# -- status words ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "status"), [pytest.param(word, status, id=word) for status, words in WORDS.items() for word in words]
)
def test_status_word_has_a_meaning(word, status):
    assert task(status=word).status == status


@pytest.mark.parametrize("spell", [str.lower, str.upper, str.title, lambda word: f" {word}\n"], ids="luts")
@pytest.mark.parametrize("word", STATUS_WORDS)
def test_status_word_is_known_in_every_spelling(word, spell):
    assert task(status=spell(word)).status == STATUS_WORDS[word]


@pytest.mark.parametrize("word", ["UNKNOWN", "VIOLATION", "reviewing", "paused", "", "успех", "succeeded!"])
def test_unknown_status_word_means_nothing_and_is_kept(word):
    remote = task(status=word)

    assert (remote.status, remote.status_word) == ("", word)


@pytest.mark.parametrize("value", [None, [], {}, ["succeeded"], {"status": "succeeded"}], ids=repr)
def test_status_that_is_no_word_means_nothing(value):
    remote = task(status=value)

    assert (remote.status, remote.status_word) == ("", "")


# -- links -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"content": {"video_url": URL}}, id="Ark"),
        pytest.param({"video_url": URL}, id="unified"),
        pytest.param({"result_url": URL}, id="relay"),
        pytest.param({"metadata": {"url": URL}}, id="relay, OpenAI view"),
        pytest.param({"fail_reason": URL}, id="old relay"),
        pytest.param({"content": {"video_url": ""}, "video_url": None, "result_url": URL}, id="first that is one"),
    ],
)
def test_video_link_is_found_where_each_host_puts_it(fields):
    assert task(**fields).video_url == URL


@pytest.mark.parametrize("value", [None, "", 5, True, [URL], {"url": URL}, "javascript:alert(1)", "/a.mp4"], ids=repr)
def test_video_link_must_be_an_address(value):
    assert task(content={"video_url": value}).video_url == ""


@pytest.mark.parametrize("status", ["failed", "running", "FAILURE", "unheard-of"])
def test_video_link_counts_only_with_success(status):
    assert task(status=status, fail_reason=URL, video_url=URL).video_url == ""


def test_last_frame_link_is_found():
    assert task(content={"last_frame_url": URL}).last_frame_url == URL


# -- relay envelopes ---------------------------------------------------------------------------------------------------

ENVELOPE = {
    "code": "success",
    "message": "",
    "data": {
        "id": 4711,
        "task_id": "task_abc",
        "status": "SUCCESS",
        "fail_reason": URL,
        "progress": "100%",
        "submit_time": 1773297205,
        "start_time": 1773297206,
        "finish_time": 1773297300,
        "data": {"id": "task_abc", "status": "completed", "progress": 100},
    },
}


def test_relay_envelope_is_opened():
    remote = read_task(ENVELOPE)

    assert (remote.provider_task_id, remote.status, remote.video_url) == ("task_abc", "succeeded", URL)
    assert remote.created_at == dt.datetime(2026, 3, 12, 6, 33, 25, tzinfo=dt.UTC)
    assert remote.updated_at == dt.datetime(2026, 3, 12, 6, 35, 0, tzinfo=dt.UTC)


def test_relay_envelope_is_kept_as_it_came():
    assert read_task(ENVELOPE).raw == ENVELOPE


def test_relay_failure_gives_its_reason():
    remote = read_task({"code": "success", "data": {"task_id": "t", "status": "FAILURE", "fail_reason": "too dark"}})

    assert (remote.status, remote.error_code, remote.error_message) == ("failed", "", "too dark")


@pytest.mark.parametrize("progress", [30, "30%", None, "abc", -1, [], 100])
def test_progress_decides_nothing(progress):
    assert task(status="in_progress", progress=progress).status == "running"


# -- numbers and times -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(1773297205, 1773297205.0, id="seconds"),
        pytest.param("1773297205", 1773297205.0, id="quoted"),
        pytest.param(1773297205.9, 1773297205.0, id="with a fraction"),
        pytest.param(1773297205123, 1773297205.123, id="milliseconds"),
    ],
)
def test_time_is_read(value, expected):
    assert task(updated_at=value).updated_at.timestamp() == pytest.approx(expected, abs=0.001)


@pytest.mark.parametrize(
    "value",
    [
        None,
        0,
        "",
        "2026-03-12T06:33:25Z",
        True,
        -5,
        10**30,
        -(10**30),
        float("inf"),
        float("nan"),
        [],
        {},
        2**63,
        10**18,
    ],
    ids=repr,
)
def test_invalid_time_counts_as_absent(value):
    assert task(updated_at=value).updated_at is None


@pytest.mark.parametrize(
    ("usage", "total"),
    [
        pytest.param({"total_tokens": 5, "completion_tokens": 4}, 5, id="total"),
        pytest.param({"completion_tokens": 4}, 4, id="only completion"),
        pytest.param({"total_tokens": "5"}, 5, id="quoted"),
        pytest.param({"total_tokens": 0}, 0, id="zero"),
        pytest.param({}, None, id="empty"),
        pytest.param(None, None, id="null"),
        pytest.param([5], None, id="list"),
        pytest.param({"total_tokens": -5}, None, id="negative"),
        pytest.param({"total_tokens": 10**30}, None, id="more than a column holds"),
        pytest.param({"total_tokens": True}, None, id="boolean"),
        pytest.param({"total_tokens": "many"}, None, id="word"),
    ],
)
def test_tokens_are_read(usage, total):
    assert task(usage=usage).total_tokens == total


@pytest.mark.parametrize("value", [None, 0, -1, -(10**30), 10**30, "soon", [], True], ids=repr)
def test_invalid_lifetime_counts_as_absent(value):
    assert task(execution_expires_after=value).expires_after is None


@pytest.mark.parametrize("value", [3600, "3600", 3600.0], ids=repr)
def test_lifetime_is_read(value):
    assert task(execution_expires_after=value).expires_after == 3600


@pytest.mark.parametrize(
    ("name", "value"),
    [("duration", "5"), ("duration", True), ("seed", 1.5), ("ratio", 16), ("draft", 1), ("frames", False)],
)
def test_result_of_the_wrong_type_counts_as_absent(name, value):
    assert task(**{name: value}).result == {}


def test_seed_may_be_larger_than_documented():
    assert task(seed=2**40).result == {"seed": 2**40}


# -- errors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        pytest.param({"error": {"code": "C", "message": "m", "param": "p", "type": "t"}}, "C", "m", id="Ark"),
        pytest.param({"code": "C", "message": "m", "param": "", "type": ""}, "C", "m", id="flat"),
        pytest.param(
            {"ResponseMetadata": {"RequestId": "r", "Error": {"Code": "C", "Message": "m"}}}, "C", "m", id="RM"
        ),
        pytest.param({"error": {"message": "m", "type": "comet_api_error", "code": None}}, "", "m", id="Comet"),
        pytest.param({"error": {"message": "m", "code": ""}}, "", "m", id="Comet, empty code"),
        pytest.param(
            {"code": "fail_to_fetch_task", "message": "m", "data": None}, "fail_to_fetch_task", "m", id="relay"
        ),
        pytest.param({"failure_reason": {"code": "C", "message": "m"}}, "C", "m", id="list item"),
        pytest.param({"error": "m"}, "", "m", id="bare text"),
        pytest.param({"error": {"code": 400, "message": "m"}}, "400", "m", id="number"),
        pytest.param(
            {"code": "fail_to_fetch_task", "message": '{"error": {"code": "C", "message": "m"}}'},
            "C",
            "m",
            id="wrapped",
        ),
        pytest.param({"code": "outer", "message": '{"nothing": 1}'}, "outer", '{"nothing": 1}', id="wrapped nothing"),
        pytest.param({"code": "outer", "message": "{cut"}, "outer", "{cut", id="wrapped and cut"),
        pytest.param({"error": [], "message": {"a": 1}}, "", "", id="wrong types"),
        pytest.param({}, "", "", id="empty"),
        pytest.param(None, "", "", id="nothing"),
    ],
)
def test_error_is_found_in_every_envelope(body, code, message):
    words = read_error(body)

    assert (words.code, words.message) == (code, message)


@pytest.mark.parametrize("status", ["queued", "running", "succeeded", "unheard-of"])
def test_error_of_a_task_that_did_not_fail_is_no_error(status):
    remote = task(status=status, error={"code": "C", "message": "m"})

    assert (remote.error_code, remote.error_message) == ("", "")


# -- anything at all ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "value"),
    [
        pytest.param(b'\xef\xbb\xbf{"a": 1}', {"a": 1}, id="byte order mark"),
        pytest.param(b'{"a": NaN, "b": [Infinity, 1e999, 1]}', {"a": None, "b": [None, None, 1]}, id="not finite"),
        pytest.param(b'{"a\\u0000": "b\\u0000"}', {"a\ufffd": "b\ufffd"}, id="NUL"),
        pytest.param(b'{"a": "\\ud83d"}', {"a": "?"}, id="half a surrogate pair"),
        pytest.param(b'{"a": "\\ud83d\\udea4"}', {"a": "🚤"}, id="surrogate pair"),
        pytest.param(b'{"a": ' + b"9" * 5000 + b"}", None, id="monstrous number"),
        pytest.param(b'{"a": ' + b"[" * 100_000, None, id="nested without end"),
        pytest.param(b'{"a": ' + b"[" * 600 + b"]" * 600 + b"}", None, id="nested deeper than we can walk"),
        pytest.param(b"[]", None, id="list"),
        pytest.param(b"null", None, id="null"),
        pytest.param(b"", None, id="nothing"),
        pytest.param(b"\xff{}", None, id="not text"),
    ],
)
def test_object_is_read_so_that_it_can_be_stored(body, value):
    assert read_object(body) == value


#: Every name the reader asks for, so that chance meets its branches.
NAMES = re.findall(r'\("(\w+)"\)', inspect.getsource(reading)) + [theirs for theirs, _, _ in reading.RESULT_KEYS]
KNOWN_NAMES = st.sampled_from([*NAMES, "status", "data", "id"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(alphabet=st.characters())
    | st.sampled_from([*STATUS_WORDS, URL, '{"error": {}}', "request id: 0217abcdef"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KNOWN_NAMES, inner, max_size=6),
    max_leaves=25,
)
OBJECTS = st.dictionaries(KNOWN_NAMES, VALUES, max_size=12)

# Busy machines are slow; that is no finding.
many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@many
@given(OBJECTS)
def test_any_object_can_be_read_as_a_task(data):
    remote = read_task(data)

    assert remote.status in {"", *WORDS}


@many
@given(OBJECTS)
def test_any_object_can_be_read_as_an_error(data):
    words = read_error(data)

    assert all(isinstance(text, str) for text in (words.code, words.message, words.request_id))


@many
@given(OBJECTS)
def test_any_answer_is_read_into_what_a_database_keeps(data):
    kept = read_object(json.dumps(data).encode())

    text = json.dumps(kept, ensure_ascii=False, allow_nan=False)
    assert text.encode()
    assert "\\u0000" not in text.replace(r"\\", "")  # an escaped backslash before u0000 is no NUL
