"""Every fault the emulator knows, and what the task, its timeline, the API and the admin then say."""

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from seedance import tasks
from seedance.emulator.faults import FAULTS
from seedance.models import GenerationTask, RateLimit, Status
from seedance.queue import ShutdownSignal

from ..conftest import SAMPLE_MODEL, SAMPLE_PROMPT

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

#: What strikes, where, for how long, and where that leaves the task: status, flag, and whether its video is home.
OUTCOMES = [
    # The answer to the create: refused means unbilled, silence means searching, and a limit means waiting.
    ("connection_reset", "create", 1, "unconfirmed", "unconfirmed", False),
    ("rate_limited", "create", 1, "succeeded", "", True),
    ("html_502", "create", 1, "unconfirmed", "unconfirmed", False),
    ("redirect_301", "create", 1, "failed", "", False),
    ("html_200", "create", 1, "unconfirmed", "unconfirmed", False),
    ("invalid_request_500", "create", 1, "failed", "", False),
    ("wrapped_451", "create", 1, "failed", "", False),
    ("flat_error", "create", 1, "failed", "", False),
    ("response_metadata_error", "create", 1, "failed", "", False),
    ("comet_parse_error", "create", 1, "failed", "", False),
    # Accepted and paid, and found again in the provider's list.
    ("lost_response_after_accept", "create", 1, "succeeded", "", True),
    ("empty_id", "create", 1, "succeeded", "", True),
    ("missing_id", "create", 1, "succeeded", "", True),
    ("truncated_json", "create", 1, "succeeded", "", True),
    ("empty_body", "create", 1, "succeeded", "", True),
    ("gzip_mislabel", "create", 1, "succeeded", "", True),
    # Polls are repeated; their faults pass or are waited for.
    *(
        (name, "get", 2, "succeeded", "", True)
        for name in (
            "connection_reset",
            "rate_limited",
            "html_502",
            "redirect_301",
            "html_200",
            "invalid_request_500",
            "wrapped_451",
            "flat_error",
            "response_metadata_error",
            "truncated_json",
            "empty_body",
            "gzip_mislabel",
            "null_instead_of_omitted",
            "slow_headers",
            "slow_body",
        )
    ),
    # So are downloads, until the video is home.
    ("truncated_mp4", "download", 1, "succeeded", "", True),
    ("html_for_mp4", "download", 1, "succeeded", "", True),
    ("slow_headers", "download", 1, "succeeded", "", True),
    ("slow_body", "download", 1, "succeeded", "", True),
    ("html_for_mp4", "download", None, "succeeded", "archive", False),
    # Odd lives.
    ("error_at_transition", None, None, "succeeded", "", True),
    ("unknown_status", None, None, "succeeded", "", True),
    ("status_backwards", None, None, "succeeded", "", True),
    ("frozen_running", None, None, "expired", "", False),
    ("success_without_url", None, None, "succeeded", "no_video", False),
    ("url_expired", None, None, "succeeded", "lost_media", False),
    # Callbacks are only ever a hint; here none arrives at all.
    *(
        (name, None, None, "succeeded", "", True)
        for name in (
            "callback_dropped",
            "callback_doubled",
            "callback_late",
            "callback_early",
            "callback_reordered",
            "callback_forged",
        )
    ),
]
IDS = [f"{name}-{on or 'life'}-{times or 'always'}" for name, on, times, *_ in OUTCOMES]
QUICK = {"slow_headers": {"seconds": 0.2}, "slow_body": {"seconds": 0.2}}


@pytest.fixture
def lived(provider, user):
    """Returns a function that has a task live through a fault, for more than an hour of the provider's time."""

    def live(name, on, times):
        provider.fault(name, on=on, times=times, **QUICK.get(name, {}))
        task = GenerationTask.objects.create_task(
            prompt=SAMPLE_PROMPT,
            model_name=SAMPLE_MODEL,
            duration=4,
            resolution="480p",
            execution_expires_after=3600,
            owner=user,
            submit=True,
        )
        for _ in range(12):
            RateLimit.objects.all().delete()
            GenerationTask.objects.update(not_before=None)
            GenerationTask.objects.filter(status=Status.UNCONFIRMED).update(next_search_at=task.created_at)
            GenerationTask.objects.all().poll_now()
            tasks.step(ShutdownSignal())
            tasks.archive_next()
            provider.clock.advance(400)
        return GenerationTask.objects.get()

    return live


def test_every_fault_has_an_outcome():
    assert {name for name, *_ in OUTCOMES} == set(FAULTS)


@pytest.mark.parametrize(("name", "on", "times", "status", "flag", "home"), OUTCOMES, ids=IDS)
def test_fault_leaves_the_task_where_it_belongs(
    lived, provider, user, admin_client, name, on, times, status, flag, home
):
    task = lived(name, on, times)

    assert (task.status, task.attention, task.archived_at is not None) == (status, flag, home)
    assert len(provider.creates) <= 1
    assert task.events.exclude(what="created").exists()
    told = _api(user).get(reverse("seedance:api-task", args=[task.pk])).json()
    assert (told["status"], told["needs_attention"], bool(told["attention"])) == (status, bool(flag), bool(flag))
    assert (told["error"] is not None) is (status == "failed")
    page = admin_client.get(reverse("admin:seedance_generationtask_change", args=[task.pk])).content.decode()
    assert task.get_status_display() in page
    assert str(task.get_attention_display()).replace("'", "&#x27;") in page


def _api(user):
    client = APIClient()
    client.force_authenticate(user)
    return client
