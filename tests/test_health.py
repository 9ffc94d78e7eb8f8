"""Monitoring: which problems are found, and what the health endpoint answers."""

import datetime as dt

import pytest
from django.db.models import F
from django.urls import reverse
from django.utils import timezone
from django_q.models import Schedule

from seedance import health, queue, tasks
from seedance.catalogue import find_error
from seedance.models import Account, Lease, ModelPause

pytestmark = pytest.mark.django_db
LONG_AGO = timezone.now() - dt.timedelta(hours=1)


@pytest.fixture(autouse=True)
def scheduled(db):
    queue.install_schedules()


@pytest.fixture
def alive(provider, db):
    """Somebody has just done the work of a round, though not of what a test adds to it."""
    tasks.step()


def codes():
    return [finding.code for finding in health.findings()]


def test_healthy_site_has_no_findings(alive, make_task):
    make_task(status="running")

    assert codes() == []


def test_idle_site_needs_no_worker(db):
    assert codes() == []


def test_missing_schedules_are_found(db):
    Schedule.objects.all().delete()

    assert codes() == ["schedules_missing"]


def test_missing_schedules_are_no_trouble_while_rounds_are_done(alive, make_task):
    Schedule.objects.all().delete()
    make_task(status="running")

    assert codes() == []


@pytest.mark.parametrize(("minutes", "silent"), [(2, []), (4, ["no_worker"])])
def test_worker_is_missing_after_three_minutes(alive, make_task, minutes, silent):
    make_task(status="running")

    Lease.objects.update(until=F("until") - dt.timedelta(minutes=minutes))

    assert codes() == silent


@pytest.mark.parametrize("status", ["pending", "queued", "running"])
def test_missing_worker_is_found_while_there_is_work(make_task, status):
    make_task(status=status)

    assert "no_worker" in codes()


def test_late_polls_are_found(alive, make_task):
    make_task(status="running", next_poll_at=LONG_AGO)

    assert codes() == ["polls_late"]


def test_late_sends_are_found(alive, make_task):
    make_task(status="pending", updated_at=LONG_AGO)

    assert codes() == ["submits_late"]


def test_dying_links_are_found(alive, make_task):
    make_task(status="succeeded", video_url_expires_at=timezone.now() + dt.timedelta(hours=1))

    assert codes() == ["links_expiring"]


def test_paused_account_is_found_with_its_reason(alive):
    Account.objects.pause("default", code="AccountOverdueError", reason="The balance is <b>empty</b>.")

    finding = health.findings()[0]

    assert finding.code == "account_paused"
    assert "The balance is <b>empty</b>." in str(finding)


def test_monitor_hears_that_all_is_well(client):
    answer = client.get(reverse("seedance:health"))

    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "findings": []})


def test_monitor_hears_of_trouble_without_details(client):
    Account.objects.pause("default", code="AccountOverdueError", reason="secret reason")

    answer = client.get(reverse("seedance:health"))

    assert answer.status_code == 503
    assert answer.json() == {"status": "trouble", "findings": ["account_paused"]}


def test_slow_task_is_no_trouble_for_a_monitor(client, alive, make_task):
    make_task(status="running", attention="slow")

    assert client.get(reverse("seedance:health")).status_code == 200


def test_warning_alone_is_no_trouble(client, alive, make_task):
    make_task(status="pending", updated_at=LONG_AGO)

    answer = client.get(reverse("seedance:health"))

    assert (answer.status_code, answer.json()["findings"]) == (200, ["submits_late"])


def test_paused_account_is_found_with_what_helps_against_its_code(alive):
    Account.objects.pause("default", code="AccountOverdueError", reason="x")

    assert str(find_error("AccountOverdueError").advice) in str(health.findings()[0])


def test_paused_model_is_found_and_turns_no_monitor_red(client, alive):
    ModelPause.objects.pause("default", "model-a", code="ModelNotOpen", reason="Activate it.")

    finding = health.findings()[0]
    answer = client.get(reverse("seedance:health"))

    assert (finding.code, finding.trouble) == ("model_paused", False)
    assert "model-a" in str(finding.message) and "Activate it." in str(finding.message)
    assert answer.status_code == 200
