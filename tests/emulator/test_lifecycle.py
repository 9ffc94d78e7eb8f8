"""Time: what happens to a task by itself, and what is forgotten."""

import pytest

from seedance.emulator import Emulator

from .conftest import ArkClient

DAY = 86_400


def statuses(emulator, task_id):
    return [status for status, _ in emulator.tasks[task_id].history]


def test_task_goes_from_queued_to_running_to_succeeded(emulator, ark):
    task_id = ark.new()

    emulator.clock.advance(10)
    running = ark.show(task_id)["status"]
    emulator.clock.advance(60)

    assert running == "running"
    assert ark.show(task_id)["status"] == "succeeded"
    assert statuses(emulator, task_id) == ["queued", "running", "succeeded"]


def test_frozen_clock_stands_still(ark):
    task_id = ark.new()

    first, second = ark.show(task_id), ark.show(task_id)

    assert first == second


def test_transitions_bear_the_moment_they_were_due(emulator, ark):
    task_id = ark.new()

    emulator.clock.advance(1000)

    body = ark.show(task_id)
    assert body["updated_at"] - body["created_at"] == 70


def test_time_only_goes_forward(emulator):
    with pytest.raises(ValueError, match="forward"):
        emulator.clock.advance(-1)


def test_real_time_passes_by_itself():
    with Emulator(queue_seconds=0, run_seconds=0) as emulator:
        client = ArkClient(emulator.ark_url)
        body = client.show(client.new())
        client.session.close()

    assert body["status"] == "succeeded"


def test_markers_set_the_times_of_one_task(emulator, ark):
    task_id = ark.new("A cat [[queue:2]] [[run:3]]")

    emulator.clock.advance(5)

    assert ark.show(task_id)["status"] == "succeeded"


def test_marker_makes_a_task_fail(emulator, ark):
    task_id = ark.new("A cat [[fail:OutputVideoSensitiveContentDetected too beautiful]]")

    emulator.clock.advance(70)

    body = ark.show(task_id)
    assert body["status"] == "failed"
    assert body["error"]["code"] == "OutputVideoSensitiveContentDetected"
    assert body["error"]["message"].startswith("too beautiful")


def test_finish_brings_every_task_home(emulator, ark):
    first, second = ark.new(), ark.new()

    emulator.finish()

    assert [ark.show(each)["status"] for each in (first, second)] == ["succeeded", "succeeded"]
    assert statuses(emulator, first) == ["queued", "running", "succeeded"]


def test_finish_can_be_limited_to_one_task(emulator, ark):
    first, second = ark.new(), ark.new()

    emulator.finish(first)

    assert [ark.show(each)["status"] for each in (first, second)] == ["succeeded", "queued"]


def test_finished_task_stays_finished(emulator, ark):
    task_id = ark.new()
    emulator.fail(task_id, "InternalServiceError", "Sorry.")

    emulator.clock.advance(1000)

    assert ark.show(task_id)["status"] == "failed"


def test_set_status_shows_any_word_and_pins_it(emulator, ark):
    task_id = ark.new()

    emulator.set_status(task_id, "transmogrifying")
    emulator.clock.advance(1000)

    assert ark.show(task_id)["status"] == "transmogrifying"


def test_task_expires_when_its_time_runs_out(emulator, ark):
    task_id = ark.new("A cat [[run:999999]]", execution_expires_after=3600)

    emulator.clock.advance(3600)

    assert ark.show(task_id)["status"] == "expired"


def test_result_is_offered_for_a_day(emulator, ark):
    task_id = ark.new()
    emulator.finish()

    emulator.clock.advance(DAY)

    body = ark.show(task_id)
    assert body["status"] == "succeeded"
    assert "content" not in body
    assert "usage" in body


def test_record_is_kept_for_seven_days(emulator, ark):
    task_id = ark.new()
    emulator.clock.advance(7 * DAY - 1)
    before = ark.get(task_id).status_code

    emulator.clock.advance(1)

    response = ark.get(task_id)
    assert (before, response.status_code) == (200, 404)
    assert response.json()["error"]["code"] == "ResourceNotFound"


def test_cancelled_record_is_kept_for_a_day(emulator, ark):
    task_id = ark.new()
    ark.delete(task_id)

    emulator.clock.advance(DAY)

    assert ark.get(task_id).status_code == 404


def test_draft_can_be_finished_for_seven_days(emulator, ark, finished):
    draft = finished(draft=True)
    emulator.clock.advance(7 * DAY)

    response = ark.post(
        {"model": draft["model"], "content": [{"type": "draft_task", "draft_task": {"id": draft["id"]}}]}
    )

    assert response.status_code == 400


def test_tasks_of_one_face_are_unknown_to_the_others(ark, volc, videos):
    task_id = ark.new()

    assert volc.get(task_id).status_code == 400
    assert videos.get(task_id).status_code == 400


def test_unknown_task_on_the_comet_flavour(volc):
    response = volc.get("021773297205999example")

    assert response.status_code == 400
    assert "task_not_exist" in response.json()["error"]["message"]


def test_reset_forgets_everything(emulator, ark):
    task_id = ark.new()
    emulator.fail_next(503, on="get")
    emulator.configure(max_queued=0)
    emulator.clock.advance(1000)

    emulator.reset()

    assert (emulator.tasks, emulator.creates, emulator.requests) == ({}, [], [])
    assert ark.get(task_id).status_code == 404
    assert ark.create().status_code == 200
