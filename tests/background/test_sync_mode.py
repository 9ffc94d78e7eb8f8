"""django-q2's sync mode runs jobs inside the request: they do their part and return."""

import pytest

from .conftest import PLAIN

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

SYNC = {
    "INSTALLED_APPS": [*PLAIN, "django_q"],
    "Q_CLUSTER": {"orm": "default", "sync": True, "retry": 420, "timeout": 120},
}


@pytest.fixture
def sync(site, provider):
    provider.configure(queue_seconds=3600)
    return site(**SYNC)


def test_task_is_sent_by_the_commit_that_made_it_and_nobody_waits(sync, provider):
    seconds, status = sync.run(
        """
        began = time.monotonic()
        task = create()
        seconds = time.monotonic() - began
        task.refresh_from_db()
        print(json.dumps([seconds, task.status]))
        """
    )

    assert status == "queued"
    assert seconds < 2


def test_nothing_is_sent_before_the_commit(sync, provider):
    before, after, same_connection = sync.run(
        """
        from django.db import transaction
        with transaction.atomic():
            backend = connection.connection
            first, second = create(), create()
            first.refresh_from_db()
            before = first.status
        second.refresh_from_db()
        print(json.dumps([before, second.status, backend is connection.connection]))
        """
    )

    assert (before, after) == ("pending", "queued")
    assert same_connection
    assert len(provider.creates) == 2


def test_job_of_another_app_starts_no_round(sync):
    seconds = sync.run(
        """
        from django_q.tasks import async_task
        began = time.monotonic()
        async_task("os.getpid")
        print(json.dumps(time.monotonic() - began))
        """
    )

    assert seconds < 2


def test_task_that_a_receiver_makes_meanwhile_is_sent_as_well(sync, provider):
    statuses = sync.run(
        """
        from seedance.signals import task_status_changed

        def follow(task, new_status, **kwargs):
            if new_status == "queued" and GenerationTask.objects.count() < 3:
                create()

        task_status_changed.connect(follow)
        create()
        print(json.dumps(list(GenerationTask.objects.values_list("status", flat=True))))
        """
    )

    assert statuses == ["queued"] * 3


def test_check_says_what_sync_mode_is(sync):
    _status, words = sync.manage("check")

    assert "seedance.W024" in words
