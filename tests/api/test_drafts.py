"""The final video of a draft is asked for by our own id, by those who may see the draft."""

import datetime as dt

import pytest
from django.utils import timezone

from seedance.models import GenerationTask

from .conftest import SAMPLE_MODEL, TASKS

pytestmark = pytest.mark.django_db

NOBODYS = "019ab3c1-5d2e-7c41-9b7e-3f0a6f2d8c11"


@pytest.fixture
def draft(make_task, user):
    return make_task(owner=user, status="succeeded", draft=True, resolution="480p")


@pytest.fixture
def foreign(make_task, django_user_model):
    """Somebody else's draft."""
    bob = django_user_model.objects.create_user("bob", password="bob-secret")
    return make_task(owner=bob, status="succeeded", draft=True, resolution="480p", provider_task_id="cgt-bobs")


@pytest.fixture
def provider_ids(settings):
    """A site that takes a provider's own ids."""
    settings.SEEDANCE = {**settings.SEEDANCE, "ALLOW_PROVIDER_DRAFT_IDS": True}


def final(named, **fields):
    return {"model": SAMPLE_MODEL, "draft_task": str(named), **fields}


def problems(response):
    return [(error["field"], error["code"]) for error in response.json()["errors"]]


def test_final_video_is_asked_for_by_our_id_and_sent_with_the_providers(api_client, draft):
    response = api_client.post(TASKS, final(draft.pk), format="json")

    assert response.status_code == 202, response.content
    assert GenerationTask.objects.get(pk=response.json()["id"]).draft_task_id == draft.provider_task_id


def test_final_video_says_of_which_draft_it_is(api_client, draft):
    task_id = api_client.post(TASKS, final(draft.pk), format="json").json()["id"]

    events = api_client.get(f"{TASKS}{task_id}/events/").json()["results"]
    assert f"Final video of the draft {draft.pk}." in [event["detail"] for event in events]


def test_final_videos_may_be_asked_for_in_a_batch(api_client, draft):
    response = api_client.post(f"{TASKS}batch/", {"tasks": [final(draft.pk)]}, format="json")

    assert response.status_code == 202, response.content
    assert GenerationTask.objects.get(pk=response.json()["tasks"][0]["id"]).draft_task_id == draft.provider_task_id


@pytest.mark.parametrize("path", ["", "estimate/"])
def test_draft_of_somebody_else_is_refused_as_if_it_did_not_exist(api_client, foreign, path):
    headers = {"X-Request-ID": "the-same"}

    there = api_client.post(f"{TASKS}{path}", final(foreign.pk), format="json", headers=headers)
    nowhere = api_client.post(f"{TASKS}{path}", final(NOBODYS), format="json", headers=headers)

    assert (there.status_code, there.json()) == (400, nowhere.json())
    assert problems(there) == [("draft_task", "no_such_task")]


def test_draft_of_somebody_else_is_refused_in_a_batch(api_client, foreign):
    response = api_client.post(f"{TASKS}batch/", {"tasks": [final(foreign.pk)]}, format="json")

    assert problems(response) == [("tasks[0].draft_task", "no_such_task")]


def test_draft_of_somebody_else_is_refused_by_the_providers_id(api_client, foreign):
    response = api_client.post(TASKS, final(foreign.provider_task_id), format="json")

    assert problems(response) == [("draft_task", "no_such_task")]


def test_staff_who_may_view_it_may_use_it(staff_client, draft):
    assert staff_client("view").post(TASKS, final(draft.pk), format="json").status_code == 202


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        pytest.param({"draft": None}, "not_a_draft", id="no draft"),
        pytest.param({"status": "running"}, "not_a_draft", id="not finished"),
        pytest.param({"status": "failed"}, "not_a_draft", id="failed"),
        pytest.param({"provider": "former"}, "draft_of_other_provider", id="other provider"),
        pytest.param({"submitted_at": timezone.now() - dt.timedelta(days=7, minutes=1)}, "draft_expired", id="expired"),
    ],
)
def test_draft_that_cannot_become_a_video_is_refused_by_name(api_client, make_task, user, columns, code):
    task = make_task(**{"owner": user, "status": "succeeded", "draft": True, **columns})

    response = api_client.post(TASKS, final(task.pk), format="json")

    assert problems(response) == [("draft_task", code)]


def test_refused_draft_hides_no_other_problem(api_client):
    response = api_client.post(TASKS, final(NOBODYS, duration=5), format="json")

    assert problems(response) == [("draft_task", "no_such_task"), ("duration", "inherited")]


def test_id_of_the_provider_is_taken_where_the_site_allows_it(api_client, provider_ids):
    response = api_client.post(TASKS, final("cgt-20260902164158-rqwgv"), format="json")

    assert response.status_code == 202, response.content
    assert GenerationTask.objects.get().draft_task_id == "cgt-20260902164158-rqwgv"


def test_id_of_the_provider_that_is_known_as_somebody_elses_is_never_taken(api_client, foreign, provider_ids):
    response = api_client.post(TASKS, final(foreign.provider_task_id), format="json")

    assert problems(response) == [("draft_task", "no_such_task")]


def test_python_still_takes_the_providers_id(db):
    task = GenerationTask.objects.create_task(model_name=SAMPLE_MODEL, draft_task_id="cgt-20260902164158-rqwgv")

    assert task.draft_task_id == "cgt-20260902164158-rqwgv"
