"""A request that is sent again makes no second task."""

from threading import Barrier, Thread

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from seedance.models import GenerationTask

from ..racing import at_once
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


def post_to(client, path, key="k"):
    return client.post(path, headers={"Idempotency-Key": key})


def is_refused(response):
    return (response.status_code, response.json()["code"]) == (422, "idempotency_key_reused")


def test_null_is_the_same_as_left_out(api_client, body):
    first = send(api_client, {**body, "seed": None, "media": None})

    assert send(api_client, body).json()["id"] == first.json()["id"]


def test_null_inside_the_metadata_counts(api_client, body):
    send(api_client, {**body, "metadata": {"order": None}})

    assert is_refused(send(api_client, {**body, "metadata": {}}))


def test_null_in_a_batch_is_the_same_as_left_out(api_client, body):
    first = send(api_client, {"tasks": [{**body, "seed": None}]}, path=f"{TASKS}batch/")

    assert send(api_client, {"tasks": [body]}, path=f"{TASKS}batch/").json() == first.json()


def test_key_of_a_task_is_refused_for_a_batch(api_client, body):
    send(api_client, body)

    assert is_refused(send(api_client, {"tasks": [body]}, path=f"{TASKS}batch/"))


def test_key_of_a_batch_is_refused_for_a_task(api_client, body):
    send(api_client, {"tasks": [body]}, path=f"{TASKS}batch/")

    assert is_refused(send(api_client, body))


def test_batch_of_which_a_task_was_erased_says_so(api_client, body):
    bodies = {"tasks": [{**body, "seed": seed} for seed in range(3)]}
    send(api_client, bodies, path=f"{TASKS}batch/")
    GenerationTask.objects.get(parameters__seed=1).erase()

    response = send(api_client, bodies, path=f"{TASKS}batch/")

    assert (response.status_code, response.json()["code"]) == (410, "idempotency_replay_incomplete")
    assert GenerationTask.objects.count() == 2


def test_retry_of_a_task_without_owner_is_paid_once(staff_client, make_task):
    client = staff_client("view", "submit")
    path = f"{TASKS}{make_task(status='failed').pk}/retry/"

    first, second = post_to(client, path), post_to(client, path)

    assert (second.status_code, second["Idempotent-Replayed"]) == (202, "true")
    assert (second.json()["id"], GenerationTask.objects.count()) == (first.json()["id"], 2)


def test_key_of_staff_is_not_the_key_of_the_owner(staff_client, api_client, make_task, user, body):
    send(api_client, body)
    old = make_task(status="failed", owner=user)

    response = post_to(staff_client("view", "submit"), f"{TASKS}{old.pk}/retry/")

    assert (response.status_code, "Idempotent-Replayed" in response) == (202, False)


def test_retry_of_two_tasks_with_one_key_is_refused(api_client, make_task, user):
    first, second = (make_task(status="failed", owner=user) for _ in range(2))
    post_to(api_client, f"{TASKS}{first.pk}/retry/")

    assert is_refused(post_to(api_client, f"{TASKS}{second.pk}/retry/"))


def test_submit_that_is_sent_again_gives_the_task(api_client, make_task, user):
    path = f"{TASKS}{make_task(owner=user).pk}/submit/"

    first, second = post_to(api_client, path), post_to(api_client, path)

    assert (first.status_code, second.status_code) == (202, 202)
    assert ("Idempotent-Replayed" in first, second["Idempotent-Replayed"]) == (False, "true")


def test_submit_with_another_key_is_a_conflict(api_client, make_task, user):
    path = f"{TASKS}{make_task(owner=user).pk}/submit/"
    post_to(api_client, path)

    assert post_to(api_client, path, "other").status_code == 409


def test_key_that_made_a_task_is_refused_for_its_submit(api_client, body):
    task = send(api_client, {**body, "submit": False}).json()

    assert is_refused(post_to(api_client, f"{TASKS}{task['id']}/submit/"))


@pytest.mark.django_db(transaction=True)
def test_submits_at_the_same_moment_are_one(api_client, make_task, user):
    path = f"{TASKS}{make_task(owner=user).pk}/submit/"

    answers = at_once(*[lambda: post_to(api_client, path)] * 4)

    assert {answer.status_code for answer in answers} == {202}
    assert sum("Idempotent-Replayed" not in answer for answer in answers) == 1
