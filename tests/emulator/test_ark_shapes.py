"""The task object, status by status: what is there and, just as much, what is left out."""

import pytest

from .conftest import MODEL

COMMON = {
    "id",
    "model",
    "status",
    "created_at",
    "updated_at",
    "service_tier",
    "execution_expires_after",
    "generate_audio",
    "draft",
}
MADE = {"content", "usage", "seed", "resolution", "ratio", "duration", "framespersecond"}


def test_queued_task_tells_its_terms_only(ark):
    body = ark.show(ark.new())

    assert body["status"] == "queued"
    assert body.keys() == COMMON
    assert (body["model"], body["service_tier"], body["execution_expires_after"]) == (MODEL, "default", 172800)
    assert (body["generate_audio"], body["draft"]) == (True, False)
    assert isinstance(body["created_at"], int)


def test_running_task_tells_its_terms_only(emulator, ark):
    task_id = ark.new()

    emulator.clock.advance(10)

    assert ark.show(task_id)["status"] == "running"
    assert ark.show(task_id).keys() == COMMON


def test_succeeded_task_tells_what_was_made(finished):
    body = finished(duration=4, ratio="9:16", resolution="480p", seed=7)

    assert body["status"] == "succeeded"
    assert body.keys() == COMMON | MADE
    assert body["content"].keys() == {"video_url"}
    assert (body["duration"], body["ratio"], body["resolution"], body["seed"]) == (4, "9:16", "480p", 7)
    assert body["framespersecond"] == 24


def test_failed_task_tells_why(emulator, ark):
    task_id = ark.new()

    emulator.fail(task_id, "OutputVideoSensitiveContentDetected", "No.")

    body = ark.show(task_id)
    assert body.keys() == COMMON | {"error"}
    assert body["error"]["code"] == "OutputVideoSensitiveContentDetected"
    assert body["error"]["message"].startswith("No. Request id: 02")


def test_cancelled_task_tells_its_terms_only(ark):
    task_id = ark.new()

    ark.delete(task_id)

    assert ark.show(task_id)["status"] == "cancelled"
    assert ark.show(task_id).keys() == COMMON


def test_second_generation_tells_priority_and_output_format(finished):
    body = finished(model="doubao-seedance-2-0-260128", priority=3)

    assert body.keys() == COMMON | MADE | {"priority", "output_format"}
    assert (body["priority"], body["output_format"]) == (3, "mp4")


def test_first_generation_knows_neither_audio_nor_draft(finished):
    body = finished(model="doubao-seedance-1-0-pro-250528")

    assert not {"generate_audio", "draft", "priority", "output_format"} & body.keys()


def test_frames_replace_duration(finished):
    body = finished(model="doubao-seedance-1-0-pro-250528", frames=57, duration=5)

    assert body["frames"] == 57
    assert "duration" not in body


def test_last_frame_is_offered_when_asked_for(finished):
    body = finished(return_last_frame=True)

    assert body["content"].keys() == {"video_url", "last_frame_url"}


def test_web_search_is_accounted_for(finished):
    body = finished(model="doubao-seedance-2-0-260128", tools=[{"type": "web_search"}])

    assert body["tools"] == [{"type": "web_search"}]
    assert body["usage"]["tool_usage"] == {"web_search": 1}


def test_comet_flavour_shows_fewer_fields(emulator, volc):
    task_id = volc.new()

    emulator.finish()

    assert volc.show(task_id).keys() == {
        *("id", "model", "status", "content", "created_at", "updated_at"),
        *("resolution", "duration", "ratio", "framespersecond"),
    }


def test_comet_flavour_can_report_usage(emulator, volc):
    emulator.configure(volc_usage=True)
    task_id = volc.new()

    emulator.finish()

    assert volc.show(task_id)["usage"]["total_tokens"] == 108900


def test_absent_fields_can_be_null(emulator, ark):
    emulator.configure(nulls=True)

    body = ark.show(ark.new())

    assert body["content"] is None
    assert body["error"] is None


def test_endpoint_id_is_resolved_in_the_answer(ark):
    body = ark.show(ark.new(model="ep-20260101-abcde"))

    assert body["model"] == MODEL


@pytest.mark.parametrize(
    ("model", "fields", "tokens"),
    [
        ("doubao-seedance-1-0-pro-250528", {"resolution": "480p", "duration": 5}, 49005),
        ("doubao-seedance-1-0-pro-250528", {"resolution": "1080p", "duration": 5}, 246840),
        ("doubao-seedance-1-5-pro-251215", {"resolution": "720p", "duration": 5}, 108900),
        ("dreamina-seedance-2-0-fast-260128", {"resolution": "480p", "duration": 4}, 40594),
        ("doubao-seedance-2-5-260628", {"resolution": "480p", "duration": 4}, 38830),
        ("doubao-seedance-2-5-260628", {"resolution": "480p", "duration": 30}, 288625),
        ("doubao-seedance-2-5-260628", {"resolution": "1080p", "duration": 4}, 196425),
        ("doubao-seedance-1-5-pro-251215", {"draft": True, "duration": 5, "generate_audio": False}, 35446),
        ("doubao-seedance-1-5-pro-251215", {"draft": True, "duration": 5, "generate_audio": True}, 30382),
    ],
    ids=["1.0 480p", "1.0 1080p", "1.5", "2.0 fast", "2.5", "2.5 long", "2.5 1080p", "silent draft", "draft"],
)
def test_usage_follows_the_measured_formula(finished, model, fields, tokens):
    body = finished(model=model, ratio="16:9", **fields)

    assert body["usage"] == {"completion_tokens": tokens, "total_tokens": tokens}


def test_reference_video_counts_as_input(emulator, ark):
    emulator.configure(reference_video_seconds=30)
    media = [{"type": "video_url", "video_url": {"url": "https://host/a.mp4"}, "role": "reference_video"}]
    task_id = ark.create(
        model="doubao-seedance-2-5-260628", media=media, duration=30, ratio="16:9", resolution="720p"
    ).json()["id"]

    emulator.finish()

    assert ark.show(task_id)["usage"]["total_tokens"] == 1296900


@pytest.mark.parametrize(
    ("prompt", "fields", "expected"),
    [
        ("A cat --rs 480p --dur 7 --rt 1:1", {}, ("480p", 7, "1:1")),
        ("A cat --resolution 480p --duration 7 --ratio 1:1", {"duration": 4, "ratio": "9:16"}, ("480p", 4, "9:16")),
        ("A cat --ratio 99:1 --hd true --fps 12", {}, ("720p", 5, "16:9")),
    ],
    ids=["flags", "fields win", "nonsense ignored"],
)
def test_inline_flags_fill_what_the_body_leaves_open(finished, prompt, fields, expected):
    body = finished(prompt, **fields)

    assert (body["resolution"], body["duration"], body["ratio"]) == expected


@pytest.mark.parametrize(
    ("model", "duration"),
    [("doubao-seedance-2-5-260628", 10), ("doubao-seedance-2-0-260128", 5)],
    ids=["2.5 by default", "2.0"],
)
def test_duration_may_be_left_to_the_model(finished, model, duration):
    body = finished(model=model, duration=-1)

    assert body["duration"] == duration


def test_final_of_a_draft_inherits_from_it(emulator, ark, finished):
    draft = finished(draft=True, duration=6, ratio="1:1", seed=5)

    response = ark.post({"model": MODEL, "content": [{"type": "draft_task", "draft_task": {"id": draft["id"]}}]})
    emulator.finish()

    body = ark.show(response.json()["id"])
    assert (draft["draft"], draft["resolution"]) == (True, "480p")
    assert (body["draft"], body["draft_task_id"], body["resolution"]) == (False, draft["id"], "720p")
    assert (body["duration"], body["ratio"], body["seed"]) == (6, "1:1", 5)


def test_safety_identifier_is_echoed(ark):
    assert ark.show(ark.new(safety_identifier="abc"))["safety_identifier"] == "abc"
