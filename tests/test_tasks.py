"""When things happen: rounds, wake-ups, and what is done side by side by threads with connections of their own."""

import datetime as dt
import logging
import threading

import pytest
from django.db import InterfaceError, OperationalError, connection, connections
from django.urls import get_script_prefix, set_script_prefix
from django.utils import timezone
from django_q.conf import Conf
from django_q.models import OrmQ

from seedance import lifecycle, queue, tasks
from seedance.exceptions import QueueError
from seedance.models import GenerationTask, Lease

from .conftest import SAMPLE_MODEL

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def enqueued(monkeypatch):
    """What would have been put into the queue, by name."""
    names = []
    monkeypatch.setattr(queue, "enqueue", lambda function, **options: names.append(function))
    return names


@pytest.fixture
def short_round(settings, provider):
    """Rounds that do one step and end."""
    settings.SEEDANCE = {**settings.SEEDANCE, "ROUND_SECONDS": 0.01, "TICK_SECONDS": 0.01}


def create(count=1, **columns):
    return [
        GenerationTask.objects.create_task(
            prompt=f"Video {number}.", model_name=SAMPLE_MODEL, duration=4, resolution="480p", submit=True, **columns
        )
        for number in range(count)
    ]


def test_many_pending_tasks_are_each_sent_once(provider, enqueued):
    create(20)

    sent = tasks.send_pending()

    assert sent == 20
    assert len({order.prompt for order in provider.creates}) == len(provider.creates) == 20


def test_two_workers_together_send_each_task_once(provider, enqueued):
    create(20)

    def work():
        tasks.send_pending()
        connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert len({order.prompt for order in provider.creates}) == len(provider.creates) == 20


def test_pending_tasks_are_sent_in_the_order_in_which_they_came(provider, enqueued, settings):
    settings.SEEDANCE = {**settings.SEEDANCE, "THREADS": 1}
    create(5)

    tasks.send_pending()

    assert [order.prompt for order in provider.creates] == [f"Video {number}." for number in range(5)]


def test_due_tasks_are_asked_about_in_lists_where_the_provider_has_them(provider, enqueued):
    create(5)
    tasks.send_pending()
    provider.finish()
    GenerationTask.objects.all().poll_now()
    heard = len(provider.requests)

    count = tasks.poll_due()

    assert count == 5
    assert len(provider.requests) - heard == 1
    assert set(GenerationTask.objects.values_list("status", flat=True)) == {"succeeded"}


def test_due_tasks_are_asked_about_one_by_one_where_it_has_not(provider, enqueued, settings):
    alias = {**settings.SEEDANCE["PROVIDERS"]["default"], "LISTS": False}
    settings.SEEDANCE = {"PROVIDERS": {"default": alias}}
    create(5)
    tasks.send_pending()
    provider.finish()
    GenerationTask.objects.all().poll_now()

    tasks.poll_due()

    assert set(GenerationTask.objects.values_list("status", flat=True)) == {"succeeded"}


def test_flex_tasks_are_asked_about_in_their_own_tier(provider, enqueued):
    create(2, service_tier="flex")
    create(2)
    tasks.send_pending()
    provider.finish()
    GenerationTask.objects.all().poll_now()

    tasks.poll_due()

    assert set(GenerationTask.objects.values_list("status", flat=True)) == {"succeeded"}


def test_tasks_of_a_provider_that_was_removed_do_not_stop_the_others(provider, enqueued, make_task):
    orphan = make_task(status="queued", provider="gone")
    create()
    tasks.send_pending()
    provider.finish()
    GenerationTask.objects.all().poll_now()

    tasks.poll_due()

    assert GenerationTask.objects.exclude(pk=orphan.pk).get().status == "succeeded"
    orphan.refresh_from_db()
    assert (orphan.status, orphan.poll_failures) == ("queued", 1)


def test_one_failing_row_does_not_stop_the_round(provider, enqueued, monkeypatch, caplog):
    failing, *_others = create(3)
    submit = lifecycle.submit

    def submit_or_fall(task):
        if task.pk == failing.pk:
            raise ZeroDivisionError
        submit(task)

    monkeypatch.setattr(lifecycle, "submit", submit_or_fall)

    with caplog.at_level(logging.CRITICAL):
        tasks.send_pending()

    assert GenerationTask.objects.filter(status="queued").count() == 2


def test_round_finds_sends_and_marks_what_a_dead_worker_left(provider, enqueued, short_round, make_task):
    make_task(status="submitting", lease_until=timezone.now())
    create()

    tasks.run_round()

    assert sorted(GenerationTask.objects.values_list("status", flat=True)) == ["queued", "unconfirmed"]


def test_round_enqueues_one_archive_job(provider, enqueued, short_round, make_task):
    make_task(status="succeeded")

    tasks.run_round()
    tasks.run_round()

    assert enqueued == ["seedance.tasks.archive"]


def test_archive_work_goes_to_the_cluster_named_for_it(provider, short_round, make_task, settings, monkeypatch):
    settings.SEEDANCE = {**settings.SEEDANCE, "ARCHIVE_CLUSTER": "videos", "DOWNLOAD_SECONDS": 100}
    jobs = []
    monkeypatch.setattr(queue, "enqueue", lambda function, **options: jobs.append((function, options)))
    make_task(status="succeeded")

    tasks.run_round()

    assert jobs == [("seedance.tasks.archive", {"timeout": 160, "cluster": "videos"})]


def test_round_gives_its_lease_back(short_round):
    tasks.run_round()

    assert not Lease.objects.held().exists()


def test_round_ends_when_a_successor_takes_over(settings, provider, monkeypatch):
    settings.SEEDANCE = {**settings.SEEDANCE, "ROUND_SECONDS": 60, "TICK_SECONDS": 0.01}
    steps = []

    def step(sign, alive):
        steps.append(1)
        Lease.objects.take("round", "successor", 60)

    monkeypatch.setattr(tasks, "step", step)

    tasks.run_round()

    assert steps == [1]
    assert Lease.objects.held().get().holder == "successor"


def test_dispatch_sends_at_once_and_returns_while_a_round_runs(provider, enqueued):
    Lease.objects.take("round", "somebody", 60)
    create()

    tasks.dispatch()

    assert GenerationTask.objects.get().status == "queued"
    assert Lease.objects.get(name="round").holder == "somebody"


def test_dispatch_runs_a_round_when_there_is_none(provider, enqueued, short_round):
    create()

    tasks.dispatch()

    assert Lease.objects.filter(name="round").exists()


def test_archive_job_stores_everything(provider, enqueued):
    create(3)
    tasks.send_pending()
    provider.finish()
    GenerationTask.objects.all().poll_now()
    tasks.poll_due()

    tasks.archive()

    assert GenerationTask.objects.filter(archived_at=None).count() == 0


def test_commit_of_a_pending_task_enqueues_a_dispatch(provider, enqueued):
    create()

    assert enqueued == ["seedance.tasks.dispatch"]


def test_dispatch_is_not_enqueued_again_before_one_has_begun(provider, enqueued):
    create()
    create()

    assert enqueued == ["seedance.tasks.dispatch"]


def test_worker_that_has_begun_is_followed_by_another(provider, enqueued, short_round):
    create()
    tasks.dispatch()
    create()

    assert enqueued == ["seedance.tasks.dispatch"] * 2


def test_single_polls_come_before_lists(provider, enqueued, make_task):
    flex = make_task(status="queued", service_tier="flex")
    for _ in range(3):
        make_task(status="queued")

    groups = tasks._groups(list(GenerationTask.objects.all()))

    assert [len(group) for group in groups] == [1, 3]
    assert groups[0] == [flex]


def test_queue_that_cannot_be_reached_loses_no_task(provider, monkeypatch):
    def broken(function, **options):
        raise QueueError from ConnectionError("no broker")

    monkeypatch.setattr(queue, "enqueue", broken)

    create()

    assert GenerationTask.objects.get().status == "pending"


@pytest.mark.parametrize("error", [InterfaceError, OperationalError])
def test_round_goes_on_after_the_driver_lost_its_connection(provider, enqueued, settings, error):
    # psycopg 3 says OperationalError where psycopg 2 and mysqlclient say InterfaceError, which is no DatabaseError.
    settings.SEEDANCE = {**settings.SEEDANCE, "ROUND_SECONDS": 0.3, "TICK_SECONDS": 0.01}
    create()
    failures = [error("connection already closed")]

    def lose_it(execute, sql, params, many, context):
        if failures and "seedance_generationtask" in sql:
            raise failures.pop()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(lose_it):
        tasks.run_round()

    assert (failures, GenerationTask.objects.get().status) == ([], "queued")


# -- jobs that no cluster takes ----------------------------------------------------------------------------------------


@pytest.fixture
def broker(monkeypatch):
    """The queue is a table, whatever broker this run of the tests uses; no cluster empties it."""
    monkeypatch.setattr(Conf, "ORM", "default")
    return OrmQ.objects


def minutes_go_by():
    Lease.objects.update(until=timezone.now())


def test_dispatches_that_no_cluster_takes_leave_one_row(provider, broker):
    for _ in range(5):
        create()
        minutes_go_by()

    assert broker.count() == 1


def test_dispatch_that_the_broker_lost_is_followed_by_another(provider, broker):
    create()
    broker.all().delete()
    minutes_go_by()

    create()

    assert broker.count() == 1


def test_dispatch_that_was_taken_is_followed_by_another_however_long_the_queue_is(provider, broker, short_round):
    create()
    tasks.dispatch()

    create()

    assert broker.count() == 2


def test_archive_job_that_no_cluster_takes_is_enqueued_once(provider, broker, short_round, make_task):
    make_task(status="succeeded")

    for _ in range(3):
        tasks.run_round()
        minutes_go_by()

    assert broker.count() == 1


def test_site_without_a_queue_enqueues_nothing(provider, broker, short_round, make_task, settings):
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "django_q"]
    make_task(status="succeeded")
    create()

    tasks.run_round()

    assert broker.count() == 0


# -- the sign of life --------------------------------------------------------------------------------------------------


def test_step_touches_the_lease_of_the_round_and_holds_none(provider):
    tasks.step()

    lease = Lease.objects.get(name="round")
    assert timezone.now() - lease.until < dt.timedelta(seconds=5)
    assert not Lease.objects.held().exists()


def test_step_beside_a_running_round_does_not_take_its_lease(provider):
    Lease.objects.take("round", "a round", 20)

    tasks.step()

    assert Lease.objects.keep("round", "a round", 20)


def test_long_step_sends_heartbeats(provider, enqueued, settings, monkeypatch):
    settings.SEEDANCE = {**settings.SEEDANCE, "THREADS": 1}
    monkeypatch.setattr(tasks, "HEARTBEAT", 0)
    create(3)
    signs = []

    tasks.step(alive=lambda: signs.append(len(provider.creates)))

    assert {0, 1, 2} <= set(signs)


# -- addresses of ours, below a prefix ---------------------------------------------------------------------------------

PUBLIC = "https://x.example"


@pytest.fixture
def prefixed(settings, provider):
    """A site that Django knows to live below /portal."""
    settings.FORCE_SCRIPT_NAME = "/portal"
    settings.SEEDANCE = {**settings.SEEDANCE, "PUBLIC_URL": PUBLIC}
    before = get_script_prefix()
    set_script_prefix("/portal/")
    yield provider
    set_script_prefix(before)


def callback_addresses(provider):
    return {order.json["callback_url"].partition("/seedance/")[0] for order in provider.requests if order.json}


def test_prefix_of_the_site_is_kept_when_tasks_are_sent_in_one_batch(prefixed, enqueued):
    create(2)

    tasks.send_pending()

    assert callback_addresses(prefixed) == {f"{PUBLIC}/portal"}


def test_prefix_is_known_in_another_thread(prefixed, enqueued):
    create()
    thread = threading.Thread(target=lambda: (tasks.send_pending(), connections.close_all()))

    thread.start()
    thread.join()

    assert callback_addresses(prefixed) == {f"{PUBLIC}/portal"}


@pytest.mark.parametrize("count", [1, 2])
def test_prefix_that_the_public_address_holds_already_is_not_doubled(prefixed, enqueued, settings, count):
    settings.SEEDANCE = {**settings.SEEDANCE, "PUBLIC_URL": f"{PUBLIC}/portal/"}
    create(count)

    tasks.send_pending()

    assert callback_addresses(prefixed) == {f"{PUBLIC}/portal"}


def test_path_of_the_public_address_is_kept_where_django_has_no_prefix(provider, enqueued, settings):
    settings.SEEDANCE = {**settings.SEEDANCE, "PUBLIC_URL": f"{PUBLIC}/portal"}
    create()

    tasks.send_pending()

    assert callback_addresses(provider) == {f"{PUBLIC}/portal"}
