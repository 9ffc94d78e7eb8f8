"""The jobs that django-q2 or a command runs, and their parts. Each may run twice, or concurrently with itself.

Our own rows decide what is left to do; the queue only decides when a job runs, and in which worker.
"""

import logging
import os
import socket
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from uuid import UUID

from django.db import Error, close_old_connections, connections
from django.urls import get_script_prefix, set_script_prefix

from . import conf, lifecycle, queue
from .exceptions import QueueError
from .models import GenerationTask, Lease
from .models.lease import ROUND_LEASE
from .queue import ShutdownSignal, shutdown_signal

logger = logging.getLogger(__name__)

#: Names of the other leases: a dispatch is enqueued, a worker archives, a cluster has started.
DISPATCH_LEASE = "dispatch"
ARCHIVE_LEASE = "archive"
WORKER_START_LEASE = "worker start"
#: Holder of a lease while its job waits in the queue; the worker that runs the job releases it or takes it over.
ENQUEUED = "enqueued"
#: How long a lease holds without a heartbeat. Seconds.
LEASE_SECONDS = 20.0
#: Least time between two heartbeats. Seconds.
HEARTBEAT = 5.0
#: Videos that one worker archives at a time, so that a slow host delays only its own.
DOWNLOADS = 4
#: How long an enqueued dispatch keeps another one from being enqueued. Seconds.
DISPATCH_SECONDS = 5.0
#: Tasks sent before the dispatch order is computed again.
SEND_BATCH = 32
#: How long polling may take before sending gets its turn. Seconds.
POLL_SECONDS = 4.0
#: Rows claimed at a time for polling.
POLL_BATCH = 500

Item = TypeVar("Item")


# -- Entry points of django-q2 -----------------------------------------------------------------------------------------


def run_round() -> None:
    """Do what is due, repeatedly for ``ROUND_SECONDS``; takes the lease from the round before, which then ends.

    In django-q2's sync mode it does what is due once and returns.
    """
    if queue.runs_in_caller():
        step()
        return
    settings = conf.settings()
    holder = uuid.uuid4().hex
    deadline = time.monotonic() + settings.ROUND_SECONDS
    _catch_database_error(lambda: Lease.objects.take(ROUND_LEASE, holder, LEASE_SECONDS))

    def keep() -> bool:
        return Lease.objects.keep(ROUND_LEASE, holder, LEASE_SECONDS)

    def turn() -> bool:
        step(shutdown, keep)
        _enqueue_archive()
        return keep()

    with shutdown_signal() as shutdown:
        while True:
            is_ours = _catch_database_error(turn)
            if is_ours is False or time.monotonic() > deadline or shutdown.wait(settings.TICK_SECONDS):
                break
    _catch_database_error(lambda: Lease.objects.release(ROUND_LEASE, holder))


def dispatch() -> None:
    """Do what is due at once; run a whole round only when no other round is running."""
    # First, because what is committed from here on needs another dispatch.
    _catch_database_error(lambda: Lease.objects.release(DISPATCH_LEASE, ENQUEUED))
    if queue.runs_in_caller():
        step()
    elif _catch_database_error(Lease.objects.held().filter(name=ROUND_LEASE).exists):
        with shutdown_signal() as shutdown:
            _catch_database_error(lambda: step(shutdown))
    else:
        run_round()


def archive() -> None:
    """Archive videos until none waits or other jobs wait for the worker."""
    holder = uuid.uuid4().hex
    _catch_database_error(lambda: Lease.objects.take(ARCHIVE_LEASE, holder, LEASE_SECONDS))

    def alive() -> bool:
        return Lease.objects.keep(ARCHIVE_LEASE, holder, LEASE_SECONDS)

    with shutdown_signal() as shutdown:

        def archive_waiting(_lane: int) -> None:
            # After a database error the lane ends: its claim lapses, and the next archive job takes it over.
            while _catch_database_error(lambda: archive_next(alive)) and not shutdown.is_set:
                _catch_database_error(alive)

        waiting = _catch_database_error(GenerationTask.objects.archivable().order_by()[:DOWNLOADS].count) or 0
        _in_threads(archive_waiting, range(waiting))
    _catch_database_error(lambda: Lease.objects.release(ARCHIVE_LEASE, holder))


def enqueue_dispatch(**_signal: Any) -> None:
    """Enqueue a dispatch, unless one is waiting in the queue already. Receives ``work_waiting``."""
    # Inside a job that runs in its caller, the current step does the work.
    if queue.is_installed() and not queue.runs_in_caller():
        _enqueue_once(DISPATCH_LEASE, DISPATCH_SECONDS, "seedance.tasks.dispatch")


def on_worker_start(**_signal: Any) -> None:
    """Enqueue a round when a worker has started, because the first schedule is due only half a minute later.

    Once for each cluster. The lease of the round is ignored: its holder may have died with the cluster before.
    """
    if not queue.is_worker_process():
        return  # django-q2 sends the signal in its sync mode, too, inside a web request
    cluster = f"{socket.gethostname()[:24]}:{os.getppid()}"
    try:
        if Lease.objects.filter(name=WORKER_START_LEASE, holder=cluster).exists():
            return
        Lease.objects.take(WORKER_START_LEASE, cluster, LEASE_SECONDS)
        queue.enqueue("seedance.tasks.run_round")
    except (Error, QueueError) as exc:
        logger.warning("round not enqueued error=%s", type(exc).__name__)


# -- Also called by the commands ---------------------------------------------------------------------------------------


def step(shutdown: ShutdownSignal | None = None, alive: Callable[[], object] | None = None) -> None:
    """Do everything that is due, once: reconcile, poll and send.

    A site without a cluster calls it from a loop of its own, every few seconds or at least every other minute.

    Args:
        shutdown: says when to stop early.
        alive: called every few seconds as a heartbeat; without one the round's lease is touched, so that health,
            doctor and admin see that the work is done.
    """
    beat = _Heartbeat(alive or touch_round_lease)
    beat()
    lifecycle.mark_abandoned()
    lifecycle.mark_paused()
    _in_threads(beat.before(lifecycle.reconcile), lifecycle.claim_unconfirmed(SEND_BATCH))
    poll_due(shutdown, beat)
    send_pending(shutdown, beat)
    if alive is None:
        touch_round_lease()


def touch_round_lease() -> None:
    """Show that the work of a round is being done, without taking the lease from a running round."""
    Lease.objects.touch(ROUND_LEASE)


def send_pending(shutdown: ShutdownSignal | None = None, alive: Callable[[], object] = bool) -> int:
    """Send pending tasks in dispatch order, a few at a time, until none is left that may be sent now. Returns how many.

    At least one batch is sent, so that a busy cluster makes progress.

    Args:
        alive: called before each send.
    """
    sent: list[GenerationTask] = []

    def send(pk: UUID) -> None:
        alive()
        if task := lifecycle.claim(pk):
            lifecycle.submit(task)
            sent.append(task)

    while batch := lifecycle.next_to_dispatch(SEND_BATCH):
        before = len(sent)
        _in_threads(send, batch)
        if len(sent) == before or (shutdown and shutdown.is_set):
            break
    return len(sent)


def poll_due(shutdown: ShutdownSignal | None = None, alive: Callable[[], object] = bool) -> int:
    """Poll every task whose poll is due, for ``POLL_SECONDS`` at most. Returns how many were claimed.

    Args:
        alive: called after each poll.
    """
    count = 0
    deadline = time.monotonic() + POLL_SECONDS

    def should_stop() -> bool:
        alive()
        return time.monotonic() > deadline or (shutdown is not None and shutdown.is_set)

    while tasks := lifecycle.claim_due_polls(POLL_BATCH):
        poll(tasks, should_stop)
        count += len(tasks)
        if len(tasks) < POLL_BATCH or time.monotonic() > deadline or (shutdown and shutdown.is_set):
            break
    return count


def poll(tasks: Sequence[GenerationTask], should_stop: Callable[[], bool] = bool) -> None:
    """Poll these tasks now: in lists where the provider has them, otherwise concurrently one by one.

    Args:
        should_stop: says when to stop; the tasks that are left then are due again at once. Some are polled in any
            case, so that a busy cluster makes progress.
    """
    missing: list[GenerationTask] = []
    unchanged: list[GenerationTask] = []

    def poll_group(group: list[GenerationTask]) -> None:
        if len(group) == 1:
            poll_one(group[0])
        else:
            missing.extend(lifecycle.poll_many(group, conf.provider(group[0].provider)))

    def poll_one(task: GenerationTask) -> None:
        if not lifecycle.poll(task):
            unchanged.append(task)

    # Single polls first, and in one pool with the lists: a list that waits for its rate limit must not delay them.
    left = [task for group in _in_threads(poll_group, _groups(tasks), should_stop) for task in group]
    left += _in_threads(poll_one, missing, should_stop)
    lifecycle.reschedule(unchanged)
    GenerationTask.objects.filter(pk__in=[task.pk for task in left]).release_poll_claim()


def _groups(tasks: Sequence[GenerationTask]) -> list[list[GenerationTask]]:
    """Single tasks, then groups that one list call can answer for, of one account and service tier each."""
    accounts: dict[tuple[str, bool], list[GenerationTask]] = defaultdict(list)
    for task in tasks:
        accounts[task.provider, task.parameters.get("service_tier") == "flex"].append(task)
    groups: list[list[GenerationTask]] = []
    for (alias, _flex), account in accounts.items():
        provider = conf.provider(alias) if alias in conf.provider_aliases() else None
        size = max(1, min(provider.LIST_IDS, 500)) if provider and provider.LISTS else 1
        groups += [account[start : start + size] for start in range(0, len(account), size)]
    return sorted(groups, key=len)


def archive_next(alive: Callable[[], object] = bool) -> GenerationTask | None:
    """Archive one waiting video. Returns its task, ``None`` when none waited; ``archived_at`` is set when it is stored.

    Args:
        alive: called every few seconds meanwhile, from another thread.
    """
    task = lifecycle.claim_archivable()
    if task is not None:
        lifecycle.archive(task, alive)
    return task


def archive_one(task: GenerationTask, *, cause: str) -> bool:
    """Archive this video now, also a lost one. False when there is none, it is claimed, or it failed."""
    GenerationTask.objects.filter(pk=task.pk).archive_again(cause=cause)
    claimed = lifecycle.claim_archivable(task.pk)
    return claimed is not None and lifecycle.archive(claimed)


# -- Internals ---------------------------------------------------------------------------------------------------------


class _Heartbeat:
    """Calls ``alive`` when it is called, but at most every ``HEARTBEAT`` seconds."""

    def __init__(self, alive: Callable[[], object]) -> None:
        self._alive, self._last = alive, float("-inf")

    def __call__(self) -> None:
        now = time.monotonic()
        if now - self._last >= HEARTBEAT:
            self._last = now
            _catch_database_error(self._alive)  # work goes on without a heartbeat

    def before(self, verb: Callable[[Item], object]) -> Callable[[Item], object]:
        """A verb that is preceded by a heartbeat."""

        def alive_verb(item: Item) -> object:
            self()
            return verb(item)

        return alive_verb


def _catch_database_error(work: Callable[[], Item]) -> Item | None:
    """Call ``work``. A database error is logged, and the next call gets a fresh connection.

    Returns:
        What ``work`` returned, ``None`` after a database error.
    """
    try:
        return work()
    except Error as exc:
        logger.warning("database error in job error=%s", type(exc).__name__)
        close_old_connections()
        return None


def _enqueue_archive() -> None:
    """Enqueue an archive job, unless a worker archives already."""
    if queue.is_installed() and GenerationTask.objects.archivable().exists():
        settings = conf.settings()
        timeout, cluster = settings.DOWNLOAD_SECONDS + 60, settings.ARCHIVE_CLUSTER
        _enqueue_once(ARCHIVE_LEASE, LEASE_SECONDS, "seedance.tasks.archive", timeout=timeout, cluster=cluster)


def _enqueue_once(
    lease: str, seconds: float, function: str, *, timeout: float | None = None, cluster: str = ""
) -> None:
    """Enqueue a job, unless one is running, or was enqueued within ``seconds``.

    While an enqueued job still waits after that time, because no cluster runs, no other one is enqueued.
    """
    is_waiting = Lease.objects.filter(name=lease, holder=ENQUEUED).exists()
    if not Lease.objects.take_if_free(lease, ENQUEUED, seconds):
        return
    try:
        if not (is_waiting and queue.size(cluster)):
            queue.enqueue(function, timeout=timeout, cluster=cluster)
    except QueueError as exc:
        Lease.objects.release(lease, ENQUEUED)
        logger.warning("job not enqueued function=%s error=%s", function, type(exc.__cause__).__name__)


def _in_threads(
    verb: Callable[[Item], object], items: Iterable[Item], should_stop: Callable[[], bool] = bool
) -> list[Item]:
    """Do ``verb`` to each item, up to ``THREADS`` at a time, each thread with its own database connection.

    Args:
        should_stop: asked after each item whether to skip the rest; every thread does at least one.

    Returns:
        The items that were skipped.
    """
    waiting = deque(items)

    def lane() -> None:
        while waiting:
            try:
                item = waiting.popleft()
            except IndexError:
                return
            try:
                verb(item)
            except Exception:
                # An error in one row must not stop the others, and the next row needs a working connection.
                logger.exception("row failed item=%s", item)
                close_old_connections()
            if should_stop():
                return

    prefix = get_script_prefix()  # thread-local in Django, and needed by reverse()

    def lane_in_thread() -> None:
        set_script_prefix(prefix)
        try:
            lane()
        finally:
            connections.close_all()

    # Inside a web request everything stays on its thread and its connection.
    lanes = 1 if queue.runs_in_caller() else min(conf.settings().THREADS, len(waiting))
    if lanes <= 1:
        lane()
        return list(waiting)
    with ThreadPoolExecutor(lanes) as pool:
        for future in [pool.submit(lane_in_thread) for _ in range(lanes)]:
            future.result()
    return list(waiting)
