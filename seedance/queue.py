"""The interface to django-q2. A site may leave it out of ``INSTALLED_APPS`` and use the commands instead."""

import datetime as dt
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.apps import apps
from django.db import models, router, transaction

from . import conf
from .exceptions import QueueError

#: Set while a job is being enqueued: a job that runs meanwhile runs inside the caller, not in a worker.
_enqueuing: ContextVar[bool] = ContextVar("seedance_enqueuing", default=False)

#: Our schedules: stable name, function. Each runs once a minute.
SCHEDULES = (("seedance round", "seedance.tasks.run_round"),)


def is_installed() -> bool:
    """Whether the site runs django-q2."""
    return apps.is_installed("django_q")


def is_cluster_process() -> bool:
    """Whether this process was started to run a cluster."""
    return "qcluster" in sys.argv[1:2]


def is_worker_process() -> bool:
    """Whether this process is a worker of a cluster."""
    return _job_queue() is not None


def runs_in_caller() -> bool:
    """Whether a job runs right inside the call that enqueued it, as in django-q2's ``sync`` mode.

    It must then do its part and return: a web request waits for it, on the same thread and connection.
    """
    return _enqueuing.get()


def size(cluster: str = "") -> int:
    """How many jobs wait in a cluster's queue, in that of ours when none is named.

    Raises:
        QueueError: the broker cannot be reached.
    """
    from django_q.brokers import get_broker

    try:
        return int(get_broker(cluster or conf.settings().CLUSTER or None).queue_size())
    except Exception as exc:  # brokers are pluggable, and so are their errors
        raise QueueError from exc


def enqueue(function: str, *, timeout: float | None = None, cluster: str = "") -> None:
    """Have a worker call ``function`` (a dotted path) soon.

    Args:
        timeout: seconds after which its cluster may end it.
        cluster: by name; empty: the one the settings name.

    Raises:
        QueueError: the broker cannot be reached.
    """
    from django_q.tasks import async_task  # its models exist only where it is installed

    options: dict[str, Any] = {"timeout": int(timeout)} if timeout else {}
    if name := cluster or conf.settings().CLUSTER:
        options["cluster"] = name
    inside = _enqueuing.set(True)
    try:
        async_task(function, q_options={"task_name": function.rpartition(".")[2], "ack_failure": True, **options})
    except Exception as exc:  # brokers are pluggable, and so are their errors
        raise QueueError from exc
    finally:
        _enqueuing.reset(inside)


def on_worker_start(callback: Callable[..., None]) -> None:
    """Have ``callback`` called in every worker process of a cluster when it starts."""
    from django_q.signals import post_spawn

    post_spawn.connect(callback)


def install_schedules() -> list[str]:
    """Create or repair our schedules; twice does no harm. Returns the names of those that were not right."""
    from django_q.models import Schedule

    repaired, using = [], router.db_for_write(Schedule)
    for name, function in SCHEDULES:
        wanted = {"func": function, "schedule_type": Schedule.MINUTES, "minutes": 1, "repeats": -1}
        wanted["cluster"] = conf.settings().CLUSTER or None
        rows = Schedule.objects.using(using).filter(name=name)
        if rows.filter(**wanted).count() == 1 == rows.count():
            continue
        with transaction.atomic(using=using):
            rows.delete()
            Schedule.objects.using(using).create(name=name, **wanted)
        repaired.append(name)
    return repaired


def failures_before(moment: dt.datetime) -> "models.QuerySet[Any]":
    """django-q2's rows about jobs of ours that failed before; they hold nothing that our rows do not."""
    from django_q.models import Failure

    return Failure.objects.using(router.db_for_write(Failure)).filter(
        func__startswith="seedance.tasks.", stopped__lt=moment
    )


def missing_schedules() -> list[str]:
    """Names of our schedules that are not installed."""
    from django_q.models import Schedule

    rows = Schedule.objects.using(router.db_for_write(Schedule))  # a replica may not have them yet
    there = set(rows.filter(name__in=[name for name, _ in SCHEDULES]).values_list("name", flat=True))
    return [name for name, _ in SCHEDULES if name not in there]


def _job_queue() -> Any:
    """The queue between a cluster and this worker of it; ``None`` in any other process."""
    # The first argument of the worker's process. There is no public way to it: django-q2's signal ``post_spawn`` gives
    # only the name of the process, and ``multiprocessing.parent_process()`` does not tell a worker from the cluster's
    # other processes, nor whether jobs wait. Without the attribute, a long-running job ends only at its deadline.
    arguments = getattr(multiprocessing.current_process(), "_args", ())
    return next((item for item in arguments[:1] if hasattr(item, "qsize")), None)


class ShutdownSignal:
    """Tells a long-running job when to end.

    A django-q2 worker is not notified that its cluster stops until its job ends: the cluster only puts a "stop" for
    each worker into the queue between them. So anything waiting in that queue means that all workers are busy or that
    the cluster stops, and in both cases a job that only waits for work should end. Outside of a cluster only the
    signals count.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._parent = os.getppid()
        self._queue = _job_queue()

    @property
    def is_set(self) -> bool:
        """Whether to end now."""
        return self._event.is_set() or self._work_waits() or os.getppid() != self._parent

    def set(self, *_signal: object) -> None:
        """Request the end; serves as a signal handler."""
        self._event.set()

    def wait(self, seconds: float) -> bool:
        """Sleep, but no longer than until it is set. Returns whether it is."""
        while seconds > 0 and not self.is_set:
            pause = min(seconds, 0.5)
            self._event.wait(pause)
            seconds -= pause
        return self.is_set

    def _work_waits(self) -> bool:
        try:
            return self._queue is not None and self._queue.qsize() > 0
        except (OSError, ValueError, NotImplementedError):
            return False


@contextmanager
def shutdown_signal() -> Iterator[ShutdownSignal]:
    """A ``ShutdownSignal`` that SIGTERM and SIGINT set within the block, in the main thread of a process."""
    shutdown = ShutdownSignal()
    if threading.current_thread() is not threading.main_thread():
        yield shutdown
        return
    former = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        for number, handler in former.items():
            # A worker ignores SIGINT on purpose: its cluster handles Ctrl-C.
            if handler is not signal.SIG_IGN:
                signal.signal(number, shutdown.set)
        yield shutdown
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
