"""``continue_from``: the last frame of one video is the first of the next."""

import pytest
from django.core.files.base import ContentFile

from seedance.models import GenerationTask, TaskEvent
from tests.conftest import content_of
from tests.films import film

from .conftest import PNG, SAMPLE_MODEL, SAMPLE_PROMPT, TASKS

pytestmark = pytest.mark.django_db

#: An id that no task has.
NOBODYS = "019ab3c1-5d2e-7c41-9b7e-3f0a6f2d8c11"


@pytest.fixture
def shot(make_task, user):
    """A finished task of the caller, with its video and its last frame stored."""
    return make_task(
        owner=user,
        status="succeeded",
        duration=7,
        ratio="9:16",
        metadata={"order": 1},
        video=ContentFile(film(["navy", "teal"]), name="boat.mp4"),
        last_frame=ContentFile(PNG, name="boat.png"),
    )


def errors_of(response):
    return [(error["field"], error["code"]) for error in response.json()["errors"]]


def test_next_shot_takes_everything_from_the_one_before(api_client, shot, user):
    response = api_client.post(TASKS, {"continue_from": str(shot.pk)}, format="json")

    assert response.status_code == 202
    row = response.json()
    assert (row["model"], row["prompt"], row["owner"]) == (SAMPLE_MODEL, SAMPLE_PROMPT, user.get_username())
    assert (row["parameters"]["duration"], row["parameters"]["ratio"]) == (7, "9:16")
    assert row["metadata"] == {}
    assert row["media"] == [{"role": "first_frame", "url": None}]


def test_next_shot_begins_with_the_last_frame(api_client, shot):
    response = api_client.post(TASKS, {"continue_from": str(shot.pk)}, format="json")

    item = GenerationTask.objects.get(pk=response.json()["id"]).media.get()
    assert content_of(item.file) == PNG


def test_next_shot_takes_what_the_body_says_instead(api_client, shot):
    body = {"continue_from": str(shot.pk), "prompt": "It lands.", "duration": 4, "ratio": None, "metadata": {"n": 2}}

    row = api_client.post(TASKS, body, format="json").json()

    assert (row["prompt"], row["metadata"]) == ("It lands.", {"n": 2})
    assert (row["parameters"]["duration"], row["parameters"]["ratio"]) == (4, "9:16")


def test_next_shot_names_the_one_before_in_its_timeline(api_client, shot):
    response = api_client.post(TASKS, {"continue_from": str(shot.pk)}, format="json")

    notes = TaskEvent.objects.filter(task=response.json()["id"], what="note").values_list("detail", "cause")
    assert list(notes) == [(f"Continues the video of {shot.pk}.", "api")]


def test_next_shot_may_come_as_a_form(api_client, shot):
    response = api_client.post(TASKS, {"continue_from": shot.pk.hex, "prompt": "It lands."}, format="multipart")

    assert (response.status_code, response.json()["prompt"]) == (202, "It lands.")


def test_next_shot_is_estimated_without_being_made(api_client, shot):
    response = api_client.post(f"{TASKS}estimate/", {"continue_from": str(shot.pk), "duration": 4}, format="json")

    assert response.status_code == 200
    assert response.json()["estimate"]["currency"] == "USD"
    assert response.json()["parameters"]["duration"] == 4
    assert GenerationTask.objects.count() == 1


def test_next_shot_that_is_sent_again_is_made_once(api_client, shot):
    headers = {"Idempotency-Key": "shot-2"}
    first = api_client.post(TASKS, {"continue_from": str(shot.pk)}, format="json", headers=headers)

    second = api_client.post(TASKS, {"continue_from": str(shot.pk)}, format="json", headers=headers)

    assert second.json()["id"] == first.json()["id"]
    assert GenerationTask.objects.count() == 2


def test_staff_may_continue_what_they_may_see(staff_client, shot):
    response = staff_client("view").post(TASKS, {"continue_from": str(shot.pk)}, format="json")

    assert (response.status_code, response.json()["owner"]) == (202, "sam")


@pytest.fixture
def foreign(make_task, django_user_model, shot):
    """A task of somebody else."""
    somebody = django_user_model.objects.create_user("mallory")
    return make_task(owner=somebody, status="succeeded", video=ContentFile(b"a film", name="boat.mp4"))


@pytest.mark.parametrize("path", [TASKS, f"{TASKS}estimate/"], ids=["create", "estimate"])
@pytest.mark.parametrize("named", [NOBODYS, "", "the last one", "\x00", 7], ids=ascii)
def test_task_that_does_not_exist_is_refused(api_client, path, named):
    response = api_client.post(path, {"continue_from": named, "prompt": "It lands."}, format="json")

    assert response.status_code == 400
    assert [field for field, _code in errors_of(response)] == ["continue_from"]


def test_task_of_somebody_else_is_refused_as_if_it_did_not_exist(api_client, foreign):
    headers = {"X-Request-ID": "the-same"}

    there = api_client.post(TASKS, {"continue_from": str(foreign.pk)}, format="json", headers=headers)
    nowhere = api_client.post(TASKS, {"continue_from": NOBODYS}, format="json", headers=headers)

    assert (there.status_code, there.json()) == (400, nowhere.json())


def test_task_without_a_stored_video_is_refused(api_client, make_task, user):
    response = api_client.post(TASKS, {"continue_from": str(make_task(owner=user).pk)}, format="json")

    assert errors_of(response) == [("continue_from", "cannot_be_continued")]
    assert "whose video is stored" in response.json()["errors"][0]["message"]


def test_frames_beside_it_are_refused(api_client, shot):
    media = [{"role": "first_frame", "url": "https://example.com/a.png"}]

    response = api_client.post(TASKS, {"continue_from": str(shot.pk), "media": media}, format="json")

    assert errors_of(response) == [("continue_from", "frame_given_twice")]
    assert GenerationTask.objects.count() == 1


def test_references_beside_it_are_judged_by_the_rules(api_client, shot):
    media = [{"role": "reference_image", "url": "https://example.com/a.png"}]

    response = api_client.post(TASKS, {"continue_from": str(shot.pk), "media": media}, format="json")

    assert ("media", "roles_mixed") in errors_of(response)


def test_what_is_wrong_with_the_frame_is_said_of_the_field(api_client, shot):
    with shot.last_frame.storage.open(shot.last_frame.name, "wb") as file:
        file.write(b"<html>no picture</html>")

    response = api_client.post(TASKS, {"continue_from": str(shot.pk)}, format="json")

    assert {field for field, _code in errors_of(response)} == {"continue_from"}


def test_model_that_takes_no_first_frame_is_refused_at_the_field(api_client, shot, settings):
    settings.SEEDANCE = {"PROVIDERS": {"default": {"PRESET": "ark", "API_KEY": "k"}}}
    body = {"continue_from": str(shot.pk), "model": "doubao-seedance-1-0-lite-t2v-250428"}

    response = api_client.post(TASKS, body, format="json")

    assert ("continue_from", "mode_not_supported") in errors_of(response)


def test_other_problems_are_named_at_the_same_time(api_client):
    body = {"continue_from": NOBODYS, "duration": "five", "colour": "red"}

    response = api_client.post(TASKS, body, format="json")

    assert {field for field, _code in errors_of(response)} == {"continue_from", "duration", "colour"}


def test_batch_cannot_continue_videos(api_client, shot):
    response = api_client.post(f"{TASKS}batch/", {"tasks": [{"continue_from": str(shot.pk)}]}, format="json")

    assert errors_of(response) == [("tasks[0].continue_from", "not_in_batch")]
