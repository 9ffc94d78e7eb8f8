"""Steering a task: submit, sync, cancel, retry, erase; and who may."""

import datetime as dt

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from seedance.models import GenerationTask, MediaItem, Status, TaskEvent

from .conftest import PNG, TASKS

pytestmark = pytest.mark.django_db

#: Verb -> the statuses in which it does something.
WELCOME = {
    "submit": {"new"},
    "sync": {"queued", "running", "succeeded"},  # a video may still have to come home
    "archive": {"succeeded"},
    "cancel": {"new", "pending", "queued"},
    "retry": {"succeeded", "failed", "cancelled", "expired"},
}
ALLOWED = [(verb, status) for verb, statuses in WELCOME.items() for status in sorted(statuses)]
FORBIDDEN = [(verb, status) for verb, statuses in WELCOME.items() for status in Status.values if status not in statuses]
ERASABLE = {"new", "pending", "succeeded", "failed", "cancelled", "expired"}


@pytest.fixture
def cancelling_provider(settings):
    """A provider that can drop a queued task."""
    providers = {"default": {"PRESET": "emulator", "CANCELS": True}}
    settings.SEEDANCE = {**settings.SEEDANCE, "PROVIDERS": providers}


@pytest.mark.usefixtures("cancelling_provider")
@pytest.mark.parametrize(("verb", "status"), ALLOWED)
def test_verb_is_accepted_where_it_does_something(api_client, make_task, user, verb, status):
    task = make_task(owner=user, status=status, duration=5, ratio="16:9")

    response = api_client.post(f"{TASKS}{task.pk}/{verb}/")

    assert response.status_code == 202, response.content


@pytest.mark.usefixtures("cancelling_provider")
@pytest.mark.parametrize(("verb", "status"), FORBIDDEN)
def test_verb_is_refused_with_the_task_as_it_is(api_client, make_task, user, verb, status):
    task = make_task(owner=user, status=status)

    response = api_client.post(f"{TASKS}{task.pk}/{verb}/")

    assert (response.status_code, response["Content-Type"]) == (409, "application/problem+json")
    assert response.json()["code"] == "wrong_state"
    assert response.json()["task"] == api_client.get(f"{TASKS}{task.pk}/").json()


def test_submit_makes_a_new_task_pending(api_client, make_task, user):
    task = make_task(owner=user)

    assert api_client.post(f"{TASKS}{task.pk}/submit/").json()["status"] == "pending"


def test_sync_makes_the_task_due(api_client, make_task, user):
    task = make_task(owner=user, status="running", next_poll_at=timezone.now() + dt.timedelta(hours=1))

    api_client.post(f"{TASKS}{task.pk}/sync/")

    assert GenerationTask.objects.due().get() == task


def test_archive_again_has_a_lost_video_fetched_and_makes_no_new_task(api_client, make_task, user):
    task = make_task(owner=user, status="succeeded", attention="lost_media", next_archive_at=None, archive_attempts=5)

    shown = api_client.post(f"{TASKS}{task.pk}/archive/").json()

    assert (shown["status"], shown["needs_attention"]) == ("succeeded", False)
    assert list(GenerationTask.objects.archivable()) == [task]
    assert GenerationTask.objects.get().archive_attempts == 0
    assert task.events.get().actor == user.get_username()


def test_archive_again_is_refused_once_the_video_is_stored(api_client, stored_task):
    assert api_client.post(f"{TASKS}{stored_task.pk}/archive/").json()["code"] == "wrong_state"


def test_sync_is_refused_once_the_video_is_stored(api_client, stored_task):
    assert api_client.post(f"{TASKS}{stored_task.pk}/sync/").status_code == 409


def test_cancel_of_a_pending_task_is_done_at_once(api_client, make_task, user):
    task = make_task(owner=user, status="pending")

    assert api_client.post(f"{TASKS}{task.pk}/cancel/").json()["status"] == "cancelled"


def test_cancel_says_when_the_provider_cannot(api_client, make_task, user, settings):
    providers = {"default": {"PRESET": "emulator", "CANCELS": False}}
    settings.SEEDANCE = {**settings.SEEDANCE, "PROVIDERS": providers}
    task = make_task(owner=user, status="queued")

    response = api_client.post(f"{TASKS}{task.pk}/cancel/")

    assert response.status_code == 409
    assert "cannot cancel" in response.json()["detail"]


def test_retry_makes_a_linked_task(api_client, make_task, user):
    old = make_task(owner=user, status="failed", duration=5)

    response = api_client.post(f"{TASKS}{old.pk}/retry/")

    new = GenerationTask.objects.get(retry_of=old)
    assert response["Location"] == f"http://testserver{TASKS}{new.pk}/"
    assert (response.json()["retry_of"], response.json()["status"]) == (str(old.pk), "pending")


def test_retry_twice_with_one_key_makes_one_task(api_client, make_task, user):
    old = make_task(owner=user, status="failed", duration=5)
    path = f"{TASKS}{old.pk}/retry/"

    first = api_client.post(path, headers={"Idempotency-Key": "k"})
    second = api_client.post(path, headers={"Idempotency-Key": "k"})

    assert first.json()["id"] == second.json()["id"]
    assert (old.retries.count(), second["Idempotent-Replayed"]) == (1, "true")


def test_retry_names_what_the_rules_refuse_today(api_client, make_task, user):
    old = make_task(owner=user, status="failed", duration=99)

    response = api_client.post(f"{TASKS}{old.pk}/retry/")

    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "duration")


def test_retry_says_when_an_input_file_is_gone(api_client, make_task, user):
    old = make_task(owner=user, status="failed", duration=5)
    item = MediaItem.objects.create(task=old, role="first_frame", file=ContentFile(PNG, name="boat.png"))
    item.file.storage.delete(item.file.name)

    response = api_client.post(f"{TASKS}{old.pk}/retry/")

    assert (response.status_code, response.json()["code"]) == (410, "gone")


@pytest.mark.parametrize("status", sorted(ERASABLE))
def test_delete_erases_a_task_that_costs_nothing_more(api_client, make_task, user, status):
    task = make_task(owner=user, status=status)

    response = api_client.delete(f"{TASKS}{task.pk}/")

    assert (response.status_code, GenerationTask.objects.count()) == (204, 0)


@pytest.mark.parametrize("status", sorted(set(Status.values) - ERASABLE))
def test_delete_is_refused_while_it_may_cost(api_client, make_task, user, status):
    task = make_task(owner=user, status=status)

    response = api_client.delete(f"{TASKS}{task.pk}/")

    assert (response.status_code, response.json()["task"]["status"]) == (409, status)


CALLS = [
    ("get", ""), ("delete", ""), ("post", "submit/"), ("post", "sync/"), ("post", "archive/"), ("post", "cancel/"),
    ("post", "retry/"), ("get", "events/"), ("get", "video/"), ("get", "last_frame/"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_somebody_elses_task_does_not_exist(api_client, make_task, django_user_model, method, path):
    task = make_task(owner=django_user_model.objects.create_user("bob"), status="succeeded")

    response = getattr(api_client, method)(f"{TASKS}{task.pk}/{path}")

    assert (response.status_code, GenerationTask.objects.count()) == (404, 1)


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_a_task_without_owner_is_nobodys(api_client, make_task, method, path):
    task = make_task(status="succeeded")

    assert getattr(api_client, method)(f"{TASKS}{task.pk}/{path}").status_code == 404


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_nobody_gets_at_a_task_without_a_name(client, make_task, method, path):
    task = make_task(status="succeeded")

    response = getattr(client, method)(f"{TASKS}{task.pk}/{path}")

    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")


@pytest.mark.parametrize("path", ["tasks/", "models/", "no-such-thing/"])
def test_nobody_gets_anything_without_a_name(client, path):
    response = client.get(f"/seedance/api/v1/{path}")

    assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")


def test_list_shows_only_ones_own(api_client, make_task, django_user_model):
    make_task(owner=django_user_model.objects.create_user("bob"))
    make_task()

    assert api_client.get(TASKS).json()["results"] == []


def test_staff_who_may_view_see_every_task(staff_client, make_task, user):
    make_task(owner=user)
    make_task()

    assert len(staff_client("view").get(TASKS).json()["results"]) == 2


def test_staff_without_permission_see_their_own(staff_client, make_task, user):
    make_task(owner=user)

    assert staff_client().get(TASKS).json()["results"] == []


@pytest.mark.parametrize(("method", "path"), CALLS[1:7])
def test_staff_may_not_change_what_they_only_may_view(staff_client, make_task, user, method, path):
    task = make_task(owner=user, status="succeeded")

    response = getattr(staff_client("view"), method)(f"{TASKS}{task.pk}/{path}")

    assert (response.status_code, response.json()["code"]) == (403, "permission_denied")


@pytest.mark.parametrize(
    ("right", "method", "path", "status"),
    [
        ("submit", "post", "submit/", "new"),
        ("submit", "post", "retry/", "failed"),
        ("sync", "post", "sync/", "running"),
        ("sync", "post", "archive/", "succeeded"),
        ("cancel", "post", "cancel/", "pending"),
        ("delete", "delete", "", "failed"),
    ],
)
def test_staff_may_change_what_they_have_the_permission_for(staff_client, make_task, user, right, method, path, status):
    task = make_task(owner=user, status=status, duration=5)

    response = getattr(staff_client("view", right), method)(f"{TASKS}{task.pk}/{path}")

    assert response.status_code in {202, 204}, response.content


def test_retry_by_staff_stays_the_owners_and_names_the_staff(staff_client, make_task, user):
    old = make_task(owner=user, status="failed", duration=5)

    staff_client("view", "submit").post(f"{TASKS}{old.pk}/retry/")

    new = GenerationTask.objects.get(retry_of=old)
    assert new.owner == user
    assert new.events.get(what=TaskEvent.What.NOTE).actor == "sam"


@pytest.mark.parametrize(("rights", "seen"), [(("view",), False), (("view", "view_cost"), True)])
def test_staff_see_cost_with_the_permission_only(staff_client, make_task, user, rights, seen):
    figure = {"amount": "0.2614", "currency": "USD"}
    task = make_task(
        owner=user, estimate_amount="0.2614", estimate_currency="USD", cost_amount="0.2614", cost_currency="USD"
    )

    shown = staff_client(*rights).get(f"{TASKS}{task.pk}/").json()

    assert [shown["estimate"], shown["cost"]] == ([figure, figure] if seen else [None, None])


def test_staff_lists_ask_the_database_as_often_for_many_tasks(
    staff_client, make_task, user, django_assert_max_num_queries
):
    for _ in range(20):
        make_task(owner=user, estimate_amount="1", estimate_currency="USD")
    client = staff_client("view")

    with django_assert_max_num_queries(5):  # token, permissions of the person and of groups, tasks, media
        client.get(TASKS)


def test_refusal_explains_the_error_of_the_task(api_client, make_task, user):
    task = make_task(owner=user, status="failed", error_code="ModelNotOpen", error_message="not activated")

    problem = api_client.get(f"{TASKS}{task.pk}/video/").json()

    assert problem["code"] == "no_video"
    assert "activate" in problem["advice"].lower()
    assert problem["meaning"]
