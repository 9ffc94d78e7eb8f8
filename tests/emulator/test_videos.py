"""The unified dialect under /v1/videos."""

import re

import pytest
import requests

PICTURE = ("input_reference", ("a.png", b"\x89PNG", "image/png"))


def test_create_answers_with_a_video_object(videos):
    body = videos.create().json()

    assert body.keys() == {"id", "task_id", "object", "model", "status", "progress", "created_at"}
    assert re.fullmatch(r"task_[0-9A-Za-z]{32}", body["id"])
    assert body["task_id"] == body["id"]
    assert (body["object"], body["model"], body["status"], body["progress"]) == (
        "video",
        "doubao-seedance-2-0",
        "queued",
        0,
    )


def test_create_enters_the_ledger(emulator, videos):
    task_id = videos.create(prompt="Ein Käfer", seconds="7", files=[PICTURE]).json()["id"]

    (entry,) = emulator.creates
    assert (entry.id, entry.model, entry.prompt) == (task_id, "doubao-seedance-2-0", "Ein Käfer")
    assert entry.parameters == {"seconds": "7"}
    assert entry.body["files"] == ["a.png"]


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"model": ""}, 400, "model is required"),
        ({"model": "doubao-seedance-1-5-pro-251215"}, 503, "No available channel"),
        ({"prompt": ""}, 400, "prompt is required"),
        ({"seconds": "16"}, 400, "seconds must be between 4 and 15"),
        ({"seconds": "five"}, 400, "seconds must be"),
        ({"seconds": "11", "model": "doubao-seedance-1-0-pro"}, 400, "seconds must be between 2 and 10"),
        ({"size": "5:4"}, 400, "size"),
        ({"size": "123x456"}, 400, "size"),
        ({"resolution": "8k"}, 400, "resolution"),
        ({"size": "1920x1080", "model": "seedance-2-5"}, 400, "size"),
        ({"resolution": "1080p", "model": "seedance-2-5"}, 400, "resolution"),
        ({"files": [PICTURE], "model": "doubao-seedance-1-5-pro"}, 400, "task_type r2v does not support"),
        ({"files": [("input_reference", ("a.svg", b"<svg/>", "image/svg+xml"))]}, 400, "unsupported"),
    ],
)
def test_bad_create_is_refused(emulator, videos, fields, status, words):
    response = videos.create(**fields)

    assert response.status_code == status
    assert words in response.json()["error"]["message"]
    assert response.json()["error"]["type"] == "comet_api_error"
    assert emulator.creates == []


def test_json_body_is_refused(videos):
    response = videos.session.post(videos.videos_url, json={"model": "seedance-2-5", "prompt": "A cat"}, timeout=10)

    assert response.status_code == 400


def test_key_is_asked_for(emulator):
    response = requests.get(f"{emulator.videos_url}/videos/task_x", timeout=10)

    assert response.status_code == 401


def test_unknown_task_does_not_exist(videos):
    response = videos.get("task_unknown")

    assert response.status_code == 400
    assert "task_not_exist" in response.json()["error"]["message"]


def test_new_task_may_be_unknown_while_it_initialises(emulator, videos):
    emulator.configure(initialising_seconds=5)
    task_id = videos.new()

    first = videos.get(task_id).status_code
    emulator.clock.advance(5)

    assert (first, videos.get(task_id).status_code) == (400, 200)


def test_task_moves_through_the_openai_words(emulator, videos):
    task_id = videos.new()

    queued = videos.show(task_id)
    emulator.clock.advance(40)
    running = videos.show(task_id)
    emulator.clock.advance(60)
    done = videos.show(task_id)

    assert [each["status"] for each in (queued, running, done)] == ["queued", "in_progress", "completed"]
    assert queued["progress"] == 0
    assert 0 < running["progress"] < 100
    assert done["progress"] == 100
    assert "video_url" not in running
    assert done["completed_at"] > done["created_at"]


def test_failed_task_gives_no_reason(emulator, videos):
    task_id = videos.new()

    emulator.fail(task_id, "OutputVideoSensitiveContentDetected")

    body = videos.show(task_id)
    assert (body["status"], body["progress"]) == ("failed", 100)
    assert "error" not in body


def test_statuses_can_be_upper_case(emulator, videos):
    emulator.configure(videos_upper_case=True)
    task_id = videos.new()
    emulator.finish()

    assert videos.show(task_id)["status"] == "SUCCESS"


def test_relay_envelope_hides_the_link_in_the_reason(emulator, videos):
    emulator.configure(relay_envelope=True)
    task_id = videos.new()
    emulator.finish()

    body = videos.show(task_id)

    assert body["code"] == "success"
    assert body["data"]["status"] == "SUCCESS"
    assert body["data"]["progress"] == "100%"
    assert body["data"]["fail_reason"].startswith(emulator.url)


def test_relay_envelope_of_a_running_task(emulator, videos):
    emulator.configure(relay_envelope=True)
    task_id = videos.new()
    emulator.clock.advance(10)

    data = videos.show(task_id)["data"]

    assert (data["status"], data["fail_reason"], data["progress"]) == ("IN_PROGRESS", "", "50%")


def test_video_url_opens_without_the_key(emulator, videos):
    task_id = videos.new()
    emulator.finish()

    url = videos.show(task_id)["video_url"]

    assert requests.get(url, timeout=10).content[4:8] == b"ftyp"
    assert videos.session.get(url, timeout=10).status_code == 403


def test_content_opens_with_the_key(emulator, videos):
    task_id = videos.new()
    emulator.finish()

    response = videos.content(task_id)

    assert response.headers["Content-Type"] == "video/mp4"
    assert response.content[4:8] == b"ftyp"


def test_content_is_refused_before_completion(videos):
    response = videos.content(videos.new())

    assert response.status_code == 400
    assert response.json()["error"] == {
        "message": "Task is not completed yet, current status: queued",
        "type": "invalid_request_error",
    }


def test_content_may_come_late(emulator, videos):
    emulator.configure(content_delay_seconds=10)
    task_id = videos.new()
    emulator.finish()

    early = videos.content(task_id).status_code
    emulator.clock.advance(10)

    assert (early, videos.content(task_id).status_code) == (400, 200)


def test_content_is_gone_after_a_day(emulator, videos):
    task_id = videos.new()
    emulator.finish()

    emulator.clock.advance(86_400)

    assert videos.content(task_id).status_code == 404
    assert "video_url" not in videos.show(task_id)


@pytest.mark.parametrize(("path", "key"), [("/v1/models", "data"), ("/api/models", "data")], ids=["keyed", "public"])
def test_catalogues_list_the_offered_models(emulator, videos, path, key):
    body = videos.session.get(emulator.url + path, timeout=10).json()

    assert {each["id"] for each in body[key]} == {
        "seedance-2-5",
        "doubao-seedance-2-0",
        "doubao-seedance-2-0-fast",
        "doubao-seedance-1-5-pro",
        "doubao-seedance-1-0-pro",
    }


def test_exact_size_sets_the_resolution(emulator, videos):
    task_id = videos.new(size="720x1280")

    assert (emulator.tasks[task_id].spec.resolution, emulator.tasks[task_id].spec.ratio) == ("720p", "9:16")
