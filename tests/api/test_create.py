"""Asking for a video."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models.fields.files import FieldFile

from seedance.models import GenerationTask, MediaItem
from seedance.signals import work_available

from .conftest import PNG, TASKS

pytestmark = pytest.mark.django_db

KEYS = [
    "id", "status", "needs_attention", "attention", "provider", "provider_task_id", "model", "prompt", "media",
    "parameters", "result", "video", "last_frame", "usage", "estimate", "cost", "error", "metadata", "retry_of",
    "owner", "created_at", "submitted_at", "finished_at", "expires_at",
]  # fmt: skip


def test_create_keeps_the_sample_request_as_pending(api_client, body, user):
    response = api_client.post(TASKS, body, format="json")

    task = GenerationTask.objects.get()
    assert (response.status_code, task.status, task.owner) == (202, "pending", user)


def test_create_says_where_the_task_is_and_when_to_poll(api_client, body):
    response = api_client.post(TASKS, body, format="json")

    assert response["Location"] == f"http://testserver{TASKS}{response.json()['id']}/"
    assert int(response["Retry-After"]) >= 1


def test_create_shows_every_key_in_order(api_client, body):
    response = api_client.post(TASKS, body, format="json")

    assert list(response.json()) == KEYS


def test_create_wakes_the_workers_after_the_commit(api_client, body, django_capture_on_commit_callbacks):
    woken = []

    def note(**kwargs: Any) -> None:
        woken.append(GenerationTask.objects.count())

    work_available.connect(note)
    with django_capture_on_commit_callbacks(execute=True):
        api_client.post(TASKS, body, format="json")

    assert woken == [1]


def test_create_can_keep_a_task_without_submitting_it(api_client, body):
    response = api_client.post(TASKS, {**body, "submit": False}, format="json")

    assert response.json()["status"] == "new"


def test_create_gives_metadata_back(api_client, body):
    response = api_client.post(TASKS, {**body, "metadata": {"order": 17}}, format="json")

    assert response.json()["metadata"] == {"order": 17}


def test_create_treats_null_as_not_given(api_client, body):
    nothing = dict.fromkeys(["seed", "resolution", "media", "metadata", "draft_task", "provider"])

    response = api_client.post(TASKS, {**body, **nothing}, format="json")

    assert response.status_code == 202


def test_create_lifts_flags_out_of_the_prompt(api_client, body):
    response = api_client.post(TASKS, {**body, "prompt": "A boat. --seed 7"}, format="json")

    assert response.json()["prompt"] == "A boat."
    assert response.json()["parameters"]["seed"] == 7


def test_create_names_every_problem_at_once(api_client, body):
    wrong = {**body, "colour": "red", "duration": "five", "ratio": "7:5", "media": [{"role": "first_frame"}]}

    response = api_client.post(TASKS, wrong, format="json")

    assert response.status_code == 400
    assert {error["field"] for error in response.json()["errors"]} == {"colour", "duration", "ratio", "media[0]"}


def test_create_suggests_the_field_that_was_meant(api_client, body):
    response = api_client.post(TASKS, {**body, "durations": 5}, format="json")

    (error,) = response.json()["errors"]
    assert (error["code"], error["hint"]) == ("unknown_field", "Write duration, or leave it out.")


def test_create_stores_nothing_when_it_refuses(api_client, body):
    api_client.post(TASKS, {**body, "model": "no-such-model"}, format="json")

    assert not GenerationTask.objects.exists()


@pytest.mark.parametrize(
    ("media", "field"),
    [
        pytest.param([{"role": "first_frame"}], "media[0]", id="neither"),
        pytest.param(["https://example.com/a.png"], "media[0]", id="a string"),
        pytest.param("https://example.com/a.png", "media", id="no list"),
        pytest.param([{"role": "first_frame", "url": 5}], "media[0].url", id="a number as address"),
        pytest.param([{"role": ["first_frame"], "url": "https://example.com/a.png"}], "media[0].role", id="role list"),
        pytest.param([{"role": "first_frame", "file": "boat"}], "media[0].file", id="a name as file"),
        pytest.param([{"role": "first_frame", "uri": "x"}], "media[0].uri", id="unknown key"),
    ],
)
def test_create_names_the_medium_that_is_wrong(api_client, body, media, field):
    response = api_client.post(TASKS, {**body, "media": media}, format="json")

    assert response.status_code == 400
    assert field in {error["field"] for error in response.json()["errors"]}


def test_create_takes_media_by_address(api_client, body):
    media = [{"role": "first_frame", "url": "https://example.com/boat.png"}]

    response = api_client.post(TASKS, {**body, "media": media}, format="json")

    assert response.json()["media"] == media


def test_create_shortens_data_addresses(api_client, body, data_url):
    media = [{"role": "first_frame", "url": data_url}]

    response = api_client.post(TASKS, {**body, "media": media}, format="json")

    assert response.json()["media"] == [{"role": "first_frame", "url": "data:image/png;base64,…"}]


def stored_bytes(file: FieldFile) -> bytes:
    with file.open("rb") as opened:
        return opened.read()


def upload() -> SimpleUploadedFile:
    return SimpleUploadedFile("boat.png", PNG, "image/png")


def test_create_takes_files_in_bracketed_parts(api_client, body):
    parts = {**body, "media[0][role]": "first_frame", "media[0][file]": upload()}

    response = api_client.post(TASKS, parts, format="multipart")

    assert response.status_code == 202, response.content
    assert stored_bytes(MediaItem.objects.get().file) == PNG


def test_create_takes_files_named_by_the_media_json(api_client, body):
    parts = {**body, "media": '[{"role": "first_frame", "file": "boat"}]', "boat": upload()}

    response = api_client.post(TASKS, parts, format="multipart")

    assert response.status_code == 202, response.content
    assert stored_bytes(MediaItem.objects.get().file) == PNG


def test_create_shows_no_address_for_an_uploaded_file(api_client, body):
    parts = {**body, "media[0][role]": "first_frame", "media[0][file]": upload()}

    response = api_client.post(TASKS, parts, format="multipart")

    assert response.json()["media"] == [{"role": "first_frame", "url": None}]


def test_create_reads_form_values_as_json(api_client, body):
    parts = {**body, "generate_audio": "false", "metadata": '{"order": 17}', "submit": "false", "seed": ""}

    response = api_client.post(TASKS, parts, format="multipart")

    assert response.json()["parameters"]["generate_audio"] is False
    assert (response.json()["metadata"], response.json()["status"]) == ({"order": 17}, "new")


@pytest.mark.parametrize(("written", "status"), [("True", "pending"), ("False", "new")])
def test_create_reads_the_switches_of_python_clients(api_client, body, written, status):
    response = api_client.post(TASKS, {**body, "submit": written}, format="multipart")

    assert (response.status_code, response.json()["status"]) == (202, status)


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        pytest.param({"media": "boat.png"}, "media", id="media is no JSON"),
        pytest.param({"media": '{"role": 1}'}, "media", id="media is no list"),
        pytest.param({"media": '[{"role": "first_frame", "file": "boat"}]'}, "media[0].file", id="no such part"),
        pytest.param({"media[0][role]": "first_frame"}, "media[0]", id="neither file nor address"),
        pytest.param({"media[0][colour]": "red"}, "media[0].colour", id="unknown key"),
        pytest.param({"duration": "five"}, "duration", id="duration is no number"),
        pytest.param({"metadata": "order"}, "metadata", id="metadata is no JSON"),
    ],
)
def test_create_names_the_form_part_that_is_wrong(api_client, body, parts, field):
    response = api_client.post(TASKS, {**body, **parts}, format="multipart")

    assert response.status_code == 400
    assert field in {error["field"] for error in response.json()["errors"]}


def test_create_refuses_a_stray_file(api_client, body):
    response = api_client.post(TASKS, {**body, "boat": upload()}, format="multipart")

    (error,) = response.json()["errors"]
    assert (error["field"], error["code"]) == ("boat", "unknown_field")


def test_create_refuses_both_address_and_file(api_client, body):
    parts = {
        **body,
        "media[0][role]": "first_frame",
        "media[0][file]": upload(),
        "media[0][url]": "https://example.com/a.png",
    }

    response = api_client.post(TASKS, parts, format="multipart")

    assert "media[0]" in {error["field"] for error in response.json()["errors"]}


def test_create_refuses_one_file_part_used_twice(api_client, body):
    media = '[{"role": "first_frame", "file": "boat"}, {"role": "last_frame", "file": "boat"}]'

    response = api_client.post(TASKS, {**body, "media": media, "boat": upload()}, format="multipart")

    assert "media[1].file" in {error["field"] for error in response.json()["errors"]}


def test_create_takes_files_with_a_session(client, user, body):
    client.force_login(user)

    response = client.post(TASKS, {**body, "media[0][role]": "first_frame", "media[0][file]": upload()})

    assert response.status_code == 202, response.content


def test_estimate_creates_nothing(api_client, body):
    response = api_client.post(f"{TASKS}estimate/", body, format="json")

    assert response.status_code == 200
    assert not GenerationTask.objects.exists()


def test_estimate_tells_tokens_cost_and_lifted_parameters(api_client, body):
    response = api_client.post(f"{TASKS}estimate/", {**body, "prompt": "A boat. --seed 7"}, format="json")

    assert response.json()["usage"] == {"total_tokens": 108900}
    assert response.json()["estimate"] == {"amount": "0.2614", "currency": "USD"}
    assert "cost" not in response.json()
    assert response.json()["lifted"] == {"seed": 7}


def test_estimate_names_problems_like_create(api_client, body):
    response = api_client.post(f"{TASKS}estimate/", {**body, "duration": 1000}, format="json")

    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == ["duration"]


def test_batch_creates_all_in_order(api_client, body):
    bodies = [{**body, "seed": seed} for seed in range(3)]

    response = api_client.post(f"{TASKS}batch/", {"tasks": bodies}, format="json")

    assert response.status_code == 202
    assert [task["parameters"]["seed"] for task in response.json()["tasks"]] == [0, 1, 2]


def test_batch_creates_nothing_when_one_is_wrong(api_client, body):
    bodies = [body, {**body, "duration": "five"}, {"colour": 1}]

    response = api_client.post(f"{TASKS}batch/", {"tasks": bodies}, format="json")

    fields = {error["field"] for error in response.json()["errors"]}
    assert (response.status_code, GenerationTask.objects.count()) == (400, 0)
    assert {"tasks[1].duration", "tasks[2].colour", "tasks[2].model"} <= fields


@pytest.mark.parametrize(
    "tasks",
    [
        pytest.param([], id="none"),
        pytest.param([{}] * 101, id="too many"),
        pytest.param({}, id="no list"),
        pytest.param(None, id="null"),
        pytest.param([None, 5, []], id="no objects"),
    ],
)
def test_batch_refuses_what_is_no_batch(api_client, tasks):
    response = api_client.post(f"{TASKS}batch/", {"tasks": tasks}, format="json")

    assert response.status_code == 400
    assert response.json()["errors"]
