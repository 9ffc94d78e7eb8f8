"""What is known of django-q2: enqueueing, schedules, and the sign to stop."""

import multiprocessing
import os
import signal
import socket
import threading

import pytest
from django_q.conf import Conf
from django_q.models import OrmQ, Schedule
from django_q.signals import post_spawn

from seedance import queue
from seedance.exceptions import QueueError
from seedance.queue import ShutdownSignal, shutdown_signal

from .queue_worker import wait_for_sign

NAMES = [name for name, _ in queue.SCHEDULES]


def with_cluster(settings, name):
    settings.SEEDANCE = {**settings.SEEDANCE, "CLUSTER": name}


# -- schedules ---------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_schedules_are_installed_once():
    first, second = queue.install_schedules(), queue.install_schedules()

    assert (first, second) == (NAMES, [])
    assert list(Schedule.objects.values_list("name", flat=True)) == NAMES


@pytest.mark.django_db
def test_schedule_runs_the_round_every_minute_for_ever():
    queue.install_schedules()

    schedule = Schedule.objects.get(name="seedance round")
    assert (schedule.func, schedule.schedule_type, schedule.minutes) == (
        "seedance.tasks.run_round",
        Schedule.MINUTES,
        1,
    )
    assert (schedule.repeats, schedule.cluster) == (-1, None)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        {"func": "seedance.tasks.gone"},
        {"minutes": 5},
        {"schedule_type": Schedule.DAILY},
        {"repeats": 0},
        {"cluster": "elsewhere"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_changed_schedule_is_repaired(change):
    queue.install_schedules()
    Schedule.objects.update(**change)

    repaired = queue.install_schedules()

    assert repaired == NAMES
    assert queue.install_schedules() == []


@pytest.mark.django_db
def test_doubled_schedule_is_made_single():
    queue.install_schedules()
    Schedule.objects.create(name=NAMES[0], func="seedance.tasks.run_round", schedule_type=Schedule.MINUTES, minutes=1)

    queue.install_schedules()

    assert Schedule.objects.filter(name=NAMES[0]).count() == 1


@pytest.mark.django_db
def test_schedules_of_others_are_left_alone():
    Schedule.objects.create(name="nightly report", func="os.getpid", schedule_type=Schedule.DAILY)

    queue.install_schedules()

    assert Schedule.objects.filter(name="nightly report", func="os.getpid").exists()


@pytest.mark.django_db
def test_schedule_belongs_to_the_cluster_named(settings):
    queue.install_schedules()
    with_cluster(settings, "videos")

    repaired = queue.install_schedules()

    assert repaired == NAMES
    assert Schedule.objects.get(name=NAMES[0]).cluster == "videos"


@pytest.mark.django_db
def test_missing_schedules_are_named():
    before = queue.missing_schedules()
    queue.install_schedules()

    assert (before, queue.missing_schedules()) == (NAMES, [])


# -- enqueueing --------------------------------------------------------------------------------------------------------


@pytest.fixture
def orm_broker(db, monkeypatch):
    """The queue is a table, whatever broker this run of the tests uses."""
    monkeypatch.setattr(Conf, "ORM", "default")


def test_enqueue_leaves_a_job_for_a_worker(orm_broker):
    queue.enqueue("seedance.tasks.dispatch", timeout=90.5)

    job = OrmQ.objects.get().task
    assert (job["func"], job["name"], job["timeout"]) == ("seedance.tasks.dispatch", "dispatch", 90)
    assert job["ack_failure"] is True


def test_enqueue_addresses_the_cluster_named(orm_broker, settings):
    with_cluster(settings, "videos")

    queue.enqueue("seedance.tasks.dispatch")

    assert OrmQ.objects.get().key == "videos"


def test_enqueue_says_when_the_broker_cannot_be_reached(monkeypatch):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        monkeypatch.setattr(Conf, "ORM", None)
        monkeypatch.setattr(Conf, "REDIS", f"redis://127.0.0.1:{held.getsockname()[1]}/0")

        with pytest.raises(QueueError, match="rows are safe") as caught:
            queue.enqueue("seedance.tasks.dispatch")

    assert type(caught.value.__cause__).__name__ == "ConnectionError"


@pytest.mark.django_db
def test_worker_start_calls_the_callback():
    called = []

    def on_worker_start(**signal_arguments):
        called.append(signal_arguments["proc_name"])

    queue.on_worker_start(on_worker_start)
    post_spawn.send(sender="django_q", proc_name="Process-1:1")
    post_spawn.disconnect(on_worker_start)

    assert called == ["Process-1:1"]


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [(["manage.py", "qcluster"], True), (["manage.py", "runserver"], False), (["manage.py"], False)],
    ids=["cluster", "web", "nothing"],
)
def test_cluster_process_knows_itself(monkeypatch, arguments, answer):
    monkeypatch.setattr("sys.argv", arguments)

    assert queue.is_cluster_process() is answer


# -- the sign to stop --------------------------------------------------------------------------------------------------


def test_shutdown_signal_is_not_set_at_first():
    assert ShutdownSignal().is_set is False


def test_shutdown_signal_stays_set():
    sign = ShutdownSignal()

    sign.set()

    assert sign.is_set is True
    assert sign.wait(60) is True


def test_shutdown_signal_lets_a_wait_end():
    assert ShutdownSignal().wait(0.01) is False


def test_shutdown_signal_interrupts_a_wait():
    sign = ShutdownSignal()
    threading.Timer(0.05, sign.set).start()

    assert sign.wait(60) is True


def test_shutdown_signal_is_set_for_an_orphan(monkeypatch):
    sign = ShutdownSignal()
    monkeypatch.setattr(os, "getppid", lambda: 1)

    assert sign.is_set is True


def test_shutdown_signal_is_set_when_jobs_wait_in_the_worker_s_queue():
    context = multiprocessing.get_context("spawn")
    jobs, answers = context.Queue(), context.Queue()
    worker = context.Process(target=wait_for_sign, args=(jobs, answers))
    worker.start()

    before = answers.get(timeout=30)
    jobs.put("STOP")
    after = answers.get(timeout=30)

    jobs.get(timeout=30)
    worker.join(30)
    assert (before, after) == (False, True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_shutdown_signal_is_set_on_sigterm(number):
    with shutdown_signal() as sign:
        signal.raise_signal(number)

        assert sign.is_set is True


def test_shutdown_signal_restores_the_handlers():
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)

    with pytest.raises(RuntimeError), shutdown_signal():
        raise RuntimeError

    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_shutdown_signal_leaves_an_ignored_signal_ignored():
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with shutdown_signal():
            within = signal.getsignal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, former)

    assert within is signal.SIG_IGN


def test_shutdown_signal_works_outside_the_main_thread():
    seen = []

    def beside():
        with shutdown_signal() as sign:
            sign.set()
            seen.append(sign.is_set)

    thread = threading.Thread(target=beside)
    thread.start()
    thread.join()

    assert seen == [True]
