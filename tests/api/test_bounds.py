"""However large or repetitive a body is, it is answered soon, in few words, and without much memory."""

import json
import time
import tracemalloc
from urllib.request import Request, urlopen

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from seedance.api import errors, parsers
from seedance.catalogue import flags
from seedance.intake import LONGEST_TEXT, MAX_MEDIA
from seedance.models import GenerationTask

from .conftest import PNG, SAMPLE_MODEL, SAMPLE_PROMPT, TASKS

pytestmark = pytest.mark.django_db

#: Far more than any of these needs, and far less than the half minute they once took. Seconds.
SOON = 10.0
#: An answer to read, not to store. Bytes.
SMALL = 100_000

BODY = {"prompt": SAMPLE_PROMPT, "model": SAMPLE_MODEL}
UNKNOWN = {f"colour{number}": 1 for number in range(150_000)}


def send(client, path, body):
    text = json.dumps(body)
    begun = time.monotonic()
    response = client.generic("POST", f"{TASKS}{path}", text, "application/json")
    return response, time.monotonic() - begun


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("", {**BODY, "media": [1] * 8000}, id="media that are numbers"),
        pytest.param("", {**BODY, "media": [{}] * 600_000}, id="media that are empty"),
        pytest.param("", {**BODY, "media": [{"role": "x" * 9000, "u" * 9000: 1}] * MAX_MEDIA}, id="media, full"),
        pytest.param("", {**BODY, **UNKNOWN}, id="unknown names"),
        pytest.param("", {**BODY, "x" * 10**6: 1}, id="a long name"),
        pytest.param("", {**BODY, "model": "seedance" * 10**5}, id="a long model"),
        pytest.param("", {**BODY, "ratio": "x" * 10**6, "duration": ["x"] * 10**5}, id="long parameters"),
        pytest.param("", {**BODY, "provider": "x" * 10**6}, id="a long provider"),
        pytest.param("", {**BODY, "prompt": "--a " * 600_000}, id="a prompt of flags"),
        pytest.param("", {**BODY, "metadata": {"x" * 10**6: ["x"] * 10**5}}, id="metadata"),
        pytest.param("batch/", {"tasks": [UNKNOWN] * 2}, id="a batch of unknown names"),
        pytest.param("batch/", {"tasks": [dict.fromkeys(list(UNKNOWN)[:150], 1)] * 100}, id="a full batch of them"),
        pytest.param("batch/", {"tasks": [{**BODY, "prompt": "--dur x " * 1000}] * 100}, id="a batch of flags"),
        pytest.param("batch/", {"tasks": [{**BODY, "media": [1] * 100}] * 100}, id="a batch of media"),
        pytest.param("batch/", {"tasks": [1] * 200_000}, id="too large a batch"),
    ],
)
def test_body_that_would_kill_a_worker_is_refused_at_once(api_client, path, body):
    response, seconds = send(api_client, path, body)

    assert response.status_code == 400
    assert seconds < SOON
    assert len(response.content) < SMALL
    assert len(response.json().get("errors", [])) <= errors.MAX_ERRORS + 1


def test_answer_says_that_there_are_more_errors(api_client):
    bodies = [{**BODY, "media": [1] * 100}] * 3

    response, _seconds = send(api_client, "batch/", {"tasks": bodies})

    assert len(response.json()["errors"]) == errors.MAX_ERRORS + 1
    assert response.json()["errors"][-1]["code"] == "more_errors"


def test_estimate_of_a_prompt_full_of_words_like_flags_has_few_warnings(api_client):
    prompt = "A boat. " + " ".join(f"--{letter}{other}" for letter in "xyz" for other in "abcdefghijk")

    response, _seconds = send(api_client, "estimate/", {**BODY, "prompt": prompt})

    assert response.status_code == 200
    assert len(response.json()["warnings"]) == flags.MAX_UNKNOWN


def test_media_beyond_the_bound_are_not_looked_at(api_client):
    response, _seconds = send(api_client, "", {**BODY, "media": [{"role": "x"}] * (MAX_MEDIA + 1)})

    assert [(error["field"], error["code"]) for error in response.json()["errors"]] == [("media", "too_many_media")]


def test_only_the_first_unknown_names_are_told(api_client):
    response, _seconds = send(api_client, "", {**BODY, **dict(list(UNKNOWN.items())[:100])})

    problems = response.json()["errors"]
    assert len(problems) == 11
    assert problems[-1]["message"] == "There are 90 more names that are no fields."


def test_unknown_names_hide_no_other_problem(api_client):
    response, _seconds = send(api_client, "", {**dict(list(UNKNOWN.items())[:100]), "model": SAMPLE_MODEL})

    assert "prompt_required" in {error["code"] for error in response.json()["errors"]}


def test_object_with_too_many_names_is_not_read(api_client):
    response, _seconds = send(api_client, "", UNKNOWN)

    assert [error["code"] for error in response.json()["errors"]] == ["too_many_names"]


def test_longest_prompt_is_taken(api_client):
    response, _seconds = send(api_client, "", {**BODY, "prompt": "x" * LONGEST_TEXT["prompt"]})

    assert response.status_code == 202


def test_longer_prompt_is_refused_by_every_door(api_client):
    response, _seconds = send(api_client, "", {**BODY, "prompt": "x" * (LONGEST_TEXT["prompt"] + 1)})

    assert [(error["field"], error["code"]) for error in response.json()["errors"]] == [("prompt", "too_long")]


@pytest.mark.parametrize("text", ["[" * 300_000, "[" + "[]," * 300_000 + "[]]", "[" + "0," * 300_000 + "0]"])
def test_json_of_very_many_values_is_refused_before_it_is_read(text):
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="values"):
            parsers.strict_json(text)
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 100_000


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', '{"b": {"a": 1, "c": 1, "a": 1}}'])
def test_json_with_a_name_twice_is_refused(text):
    with pytest.raises(ValueError, match="'a' is given twice"):
        parsers.strict_json(text)


def test_null_as_a_body_is_one_problem(api_client):
    response, _seconds = send(api_client, "", None)

    assert [error["code"] for error in response.json()["errors"]] == ["not_an_object"]


def test_form_with_too_many_files_says_so(api_client):
    parts = {f"f{number}": SimpleUploadedFile("a.png", PNG) for number in range(101)}

    response = api_client.post(TASKS, {**BODY, **parts}, format="multipart")

    assert (response.status_code, response.json()["code"]) == (400, "too_many_parts")
    assert "100 files" in response.json()["detail"]


def test_form_with_too_many_fields_says_so(api_client):
    response = api_client.post(TASKS, {**BODY, **dict(list(UNKNOWN.items())[:1001])}, format="multipart")

    assert (response.status_code, response.json()["code"]) == (400, "too_many_parts")
    assert "1000 fields" in response.json()["detail"]


def test_form_beyond_the_limit_is_refused_before_its_files_are_kept(api_client, monkeypatch):
    monkeypatch.setattr("seedance.api.parsers.MAX_FORM_BYTES", 1000)
    parts = {**BODY, "media[0][role]": "first_frame", "media[0][file]": SimpleUploadedFile("a.png", PNG)}

    response = api_client.post(TASKS, parts, format="multipart")

    assert (response.status_code, response.json()["max_bytes"]) == (413, 1000)


def test_form_beyond_djangos_own_limit_names_it(api_client, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000

    response = api_client.post(TASKS, {**BODY, "metadata": '"' + "x" * 2000 + '"'}, format="multipart")

    assert (response.status_code, response.json()["max_bytes"]) == (413, 1000)


# -- The limit of JSON is ours --------------------------------------------------------------------------------------


def body_with_an_image_of(size):
    """A request with one ``data:`` address of so many bytes, larger than images may be."""
    url = "data:image/png;base64," + "A" * (size // 4 * 4)
    return json.dumps({**BODY, "media": [{"role": "first_frame", "url": url}]}).encode()


def test_image_of_3_mb_written_into_the_body_is_taken_under_djangos_defaults(api_client, settings):
    assert settings.DATA_UPLOAD_MAX_MEMORY_SIZE == 2_621_440

    response = api_client.generic("POST", TASKS, body_with_an_image_of(3_000_000), "application/json")

    assert response.status_code == 202, response.content


@pytest.mark.slow
def test_body_of_79_mb_is_read_and_judged_by_the_rules(api_client):
    response = api_client.generic("POST", TASKS, body_with_an_image_of(79_000_000), "application/json")

    assert response.status_code == 400
    assert {"file_size", "body_too_large"} <= {error["code"] for error in response.json()["errors"]}


@pytest.mark.django_db(transaction=True)
def test_body_of_81_mb_is_told_the_limit_by_a_real_server(live_server, api_client):
    headers = {**api_client._credentials, "Content-Type": "application/json"}
    headers["Authorization"] = headers.pop("HTTP_AUTHORIZATION")
    request = Request(f"{live_server}{TASKS}", body_with_an_image_of(81_000_000), headers)

    with pytest.raises(OSError) as caught:
        urlopen(request)

    problem = json.load(caught.value)
    assert (caught.value.code, problem["code"], problem["max_bytes"]) == (413, "too_large", 80_000_000)
    assert "80 MB" in problem["detail"]
    assert not GenerationTask.objects.exists()


def test_large_body_is_in_memory_once_besides_its_values(api_client, rf):
    class Stream:
        """A body that is made when it is read."""

        def read(self, size):
            return b'{"prompt": "' + b"x" * 40_000_000 + b'"}'

    tracemalloc.start()
    try:
        parsers.StrictJSONParser().parse(Stream())
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 2.5 * 40_000_000  # the text and what is made of it, and no bytes beside them
