"""The provider rings; we look for ourselves."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from seedance import lifecycle, tasks
from seedance.models import Callback, GenerationTask

from .conftest import SAMPLE_MODEL, SAMPLE_PROMPT


@pytest.fixture
def later():
    return timezone.now() + dt.timedelta(days=1)


@pytest.fixture
def receive_callback(client):
    """Returns a function that calls back about a task, as a provider does."""

    def call(task, body=b"{}", **headers):
        return client.post(
            reverse("seedance:callback", args=[task.callback_token]), body, content_type="application/json", **headers
        )

    return call


def test_callback_is_asked_for_when_the_site_has_a_public_address(provider, settings, db):
    settings.SEEDANCE = {**settings.SEEDANCE, "PUBLIC_URL": "http://127.0.0.1:9/"}
    task = GenerationTask.objects.create_task(prompt=SAMPLE_PROMPT, model_name=SAMPLE_MODEL, submit=True)

    tasks.send_pending()

    assert provider.requests[-1].json["callback_url"] == (
        f"http://127.0.0.1:9/seedance/callbacks/{task.callback_token}/"
    )


def test_callback_is_stored_as_it_arrived(make_task, receive_callback):
    task = make_task(status="queued")

    answer = receive_callback(task, b'{"id": "cgt-1", "status": "running", "surprise": 1}')

    callback = Callback.objects.get()
    assert answer.status_code == 204
    assert (callback.task, callback.body) == (task, '{"id": "cgt-1", "status": "running", "surprise": 1}')


def test_callback_makes_the_task_due(make_task, receive_callback, later):
    task = make_task(status="queued", next_poll_at=later)

    receive_callback(task, b'{"status": "running"}')

    assert list(GenerationTask.objects.due()) == [task]


def test_callback_makes_the_search_for_an_unconfirmed_task_due(make_task, receive_callback, later):
    task = make_task(status="unconfirmed", next_search_at=later)

    receive_callback(task, b'{"status": "running"}')

    assert lifecycle.claim_unconfirmed(10) == [task]


def test_callback_that_says_what_we_know_costs_no_poll(make_task, receive_callback, later):
    make_task(status="queued", next_poll_at=later)

    receive_callback(GenerationTask.objects.get(), b'{"status": "queued"}')

    assert not GenerationTask.objects.due().exists()


@pytest.mark.parametrize(
    "body",
    [b'{"status": "succeeded", "content": {"video_url": "https://evil/x.mp4"}}', b"\x00\xff", b"[]", b"", b"{" * 9999],
    ids=["forged-success", "binary", "list", "empty", "deep"],
)
def test_callback_changes_nothing_by_itself(make_task, receive_callback, body):
    task = make_task(status="running")

    answer = receive_callback(task, body)

    task.refresh_from_db()
    assert answer.status_code == 204
    assert (task.status, task.video_url) == ("running", "")


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_at_a_callback_address_is_harmless(make_task, client, method):
    task = make_task(status="queued")

    answer = getattr(client, method)(reverse("seedance:callback", args=[task.callback_token]))

    assert answer.status_code == 204
    assert not Callback.objects.exists()


@pytest.mark.parametrize("token", ["x", "x" * 32, "x" * 5000, "%00"])
def test_unknown_token_is_not_found(db, client, token):
    assert client.post(f"/seedance/callbacks/{token}/").status_code == 404


def test_huge_callback_is_refused(make_task, receive_callback):
    answer = receive_callback(make_task(status="queued"), b"x" * 300_000)

    assert answer.status_code == 413
    assert not Callback.objects.exists()


def test_callbacks_of_one_task_are_limited(make_task, receive_callback, monkeypatch):
    monkeypatch.setattr("seedance.lifecycle.callbacks.MAX_CALLBACKS", 3)
    task = make_task(status="queued")

    answers = {receive_callback(task).status_code for _ in range(5)}

    assert answers == {204}
    assert Callback.objects.count() == 3


def test_callback_is_believed_only_after_a_poll(provider, make_task, receive_callback, db):
    GenerationTask.objects.create_task(prompt=SAMPLE_PROMPT, model_name=SAMPLE_MODEL, submit=True)
    tasks.send_pending()
    provider.finish()
    task = GenerationTask.objects.get()

    receive_callback(task, b'{"status": "failed"}')
    tasks.poll_due()

    task.refresh_from_db()
    assert task.status == "succeeded"
