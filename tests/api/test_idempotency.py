"""A request that is sent again makes no second task."""

from threading import Barrier, Thread

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from seedance.models import GenerationTask

from .conftest import PNG, TASKS

pytestmark = pytest.mark.django_db


def send(client, body, key="k", path=TASKS):
    return client.post(path, body, format="json", headers={"Idempotency-Key": key})


def test_same_key_and_body_give_the_same_task_again(api_client, body):
    first = send(api_client, body)
    second = send(api_client, body)

    assert (second.status_code, second["Idempotent-Replayed"]) == (202, "true")
    assert second.json()["id"] == first.json()["id"]
    assert "Idempotent-Replayed" not in first


def test_same_key_and_reordered_body_are_the_same_request(api_client, body):
    first = send(api_client, body)
    second = send(api_client, dict(reversed(body.items())))

    assert second.json()["id"] == first.json()["id"]


def test_same_key_and_other_body_are_refused(api_client, body):
    send(api_client, body)

    response = send(api_client, {**body, "duration": 6})

    assert (response.status_code, response.json()["code"]) == (422, "idempotency_key_reused")


def test_same_key_of_another_owner_is_another_key(api_client, client_of, django_user_model, body):
    send(api_client, body)

    response = send(client_of(django_user_model.objects.create_user("bob")), body)

    assert "Idempotent-Replayed" not in response
    assert GenerationTask.objects.count() == 2


def test_key_of_a_refused_request_is_free(api_client, body):
    send(api_client, {**body, "duration": "five"})

    assert send(api_client, body).status_code == 202


def test_requests_without_key_make_a_task_each(api_client, body):
    for _ in range(2):
        api_client.post(TASKS, body, format="json")

    assert GenerationTask.objects.count() == 2


@pytest.mark.parametrize(
    "key", ["", "  ", "k" * 256, "schlüssel", "a\tb"], ids=["empty", "blank", "long", "umlaut", "tab"]
)
def test_key_that_cannot_be_kept_is_refused(api_client, body, key):
    response = send(api_client, body, key)

    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "Idempotency-Key"


def test_key_of_255_characters_is_kept(api_client, body):
    assert send(api_client, body, "k" * 255).status_code == 202


def test_same_key_and_same_file_give_the_same_task_again(api_client, body):
    def upload(content):
        parts = {"media[0][role]": "first_frame", "media[0][file]": SimpleUploadedFile("boat.png", content)}
        return api_client.post(TASKS, {**body, **parts}, format="multipart", headers={"Idempotency-Key": "k"})

    first, again, other = upload(PNG), upload(PNG), upload(PNG + b"\0")

    assert first.json()["id"] == again.json()["id"]
    assert other.status_code == 422


def test_batch_is_replayed_whole(api_client, body):
    bodies = {"tasks": [{**body, "seed": seed} for seed in range(3)]}

    first = send(api_client, bodies, path=f"{TASKS}batch/")
    second = send(api_client, bodies, path=f"{TASKS}batch/")

    assert second.json() == first.json()
    assert (second["Idempotent-Replayed"], GenerationTask.objects.count()) == ("true", 3)


def test_batch_with_other_tasks_is_refused(api_client, body):
    send(api_client, {"tasks": [body]}, path=f"{TASKS}batch/")

    response = send(api_client, {"tasks": [body, body]}, path=f"{TASKS}batch/")

    assert (response.status_code, GenerationTask.objects.count()) == (422, 1)


@pytest.mark.django_db(transaction=True)
def test_requests_at_the_same_moment_make_one_task(api_client, body):
    together = Barrier(4)
    answers = []

    def race():
        together.wait()
        answers.append(send(api_client, body))
        connection.close()

    racers = [Thread(target=race) for _ in range(4)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert GenerationTask.objects.count() == 1
