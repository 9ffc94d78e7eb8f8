"""When things happen: the jobs that django-q2 or a command runs. Each may run twice, or side by side with itself.

Our own rows decide what is left to do; the queue only decides who looks, and when.
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

#: Names of the other leases: whether a worker was called, who brings videos home, which cluster was greeted.
DISPATCH_LEASE = "wake"
ARCHIVE_LEASE = "archive"
WORKER_START_LEASE = "greeting"
#: Holder of a lease while its job waits in the queue; the worker that begins gives it back or takes it over.
CALLED = "called"
#: A holder that was silent for so long is gone. Seconds.
LEASE_SECONDS = 20.0
#: Least time between two signs of life. Seconds.
HEARTBEAT = 5.0
#: Videos brought home side by side by one worker, so that a slow host holds up only its own.
DOWNLOADS = 4
#: How long a wake-up that is on its way counts as being on its way. Seconds.
DISPATCH_SECONDS = 5.0
#: Tasks sent before the order is asked for again.
SEND_BATCH = 32
#: How long one look around may take before sending gets its turn. Seconds.
POLL_SECONDS = 4.0
#: Rows claimed for one look around.
POLL_BATCH = 500

Item = TypeVar("Item")


# -- What django-q2 calls ----------------------------------------------------------------------------------------------


def run_round() -> None:
    """Stay awake for a while and do what is due; takes over from the round before, which then ends.

    Inside the call that enqueued it, it does what is due once and returns.
    """
    if queue.runs_in_caller():
        step()
        return
    settings = conf.settings()
    holder = uuid.uuid4().hex
    deadline = time.monotonic() + settings.ROUND_SECONDS
    _survive(lambda: Lease.objects.take(ROUND_LEASE, holder, LEASE_SECONDS))

    def keep() -> bool:
        return Lease.objects.keep(ROUND_LEASE, holder, LEASE_SECONDS)

    def turn() -> bool:
        step(shutdown, keep)
        _enqueue_archive()
        return keep()

    with shutdown_signal() as shutdown:
        while True:
            ours = _survive(turn)
            if ours is False or time.monotonic() > deadline or shutdown.wait(settings.TICK_SECONDS):
                break
    _survive(lambda: Lease.objects.release(ROUND_LEASE, holder))


def dispatch() -> None:
    """Do what is due at once; stay awake only when nobody else is."""
    # Before looking: what is committed from here on needs another wake-up.
    _survive(lambda: Lease.objects.release(DISPATCH_LEASE, CALLED))
    if queue.runs_in_caller():
        step()
    elif _survive(Lease.objects.held().filter(name=ROUND_LEASE).exists):
        with shutdown_signal() as shutdown:
            _survive(lambda: step(shutdown))
    else:
        run_round()


def archive() -> None:
    """Bring home whatever waits, link by link, until nothing does or the worker is wanted elsewhere."""
    holder = uuid.uuid4().hex
    _survive(lambda: Lease.objects.take(ARCHIVE_LEASE, holder, LEASE_SECONDS))

    def alive() -> bool:
        return Lease.objects.keep(ARCHIVE_LEASE, holder, LEASE_SECONDS)

    with shutdown_signal() as shutdown:

        def archive_waiting(_lane: int) -> None:
            # After a database error the lane ends: its claim lapses, and the next archivist takes it up.
            while _survive(lambda: archive_next(alive)) and not shutdown.is_set:
                _survive(alive)

        waiting = _survive(GenerationTask.objects.archivable().order_by()[:DOWNLOADS].count) or 0
        _in_threads(archive_waiting, range(waiting))
    _survive(lambda: Lease.objects.release(ARCHIVE_LEASE, holder))


def enqueue_dispatch(**_signal: Any) -> None:
    """Have a worker look at once, unless one that was called has not begun yet. Receives ``work_waiting``."""
    # Inside a job that runs in its caller, the step under way sees to it.
    if queue.is_installed() and not queue.runs_in_caller():
        _call(DISPATCH_LEASE, DISPATCH_SECONDS, "seedance.tasks.dispatch")


def on_worker_start(**_signal: Any) -> None:
    """A worker has started: have a round begin, for the first schedule comes half a minute later.

    Once for each cluster. Whoever holds the round may have died with the cluster before, so it is not asked.
    """
    if not queue.is_worker_process():
        return  # django-q2 says so in its sync mode, too, inside somebody's request
    cluster = f"{socket.gethostname()[:24]}:{os.getppid()}"
    try:
        if Lease.objects.filter(name=WORKER_START_LEASE, holder=cluster).exists():
            return
        Lease.objects.take(WORKER_START_LEASE, cluster, LEASE_SECONDS)
        queue.enqueue("seedance.tasks.run_round")
    except (Error, QueueError) as exc:
        logger.warning("no round at start error=%s", type(exc).__name__)


# -- What the commands call as well ------------------------------------------------------------------------------------


def step(shutdown: ShutdownSignal | None = None, alive: Callable[[], object] | None = None) -> None:
    """Everything that is due, once: sends that a worker died over or that are in doubt, looks, and sends.

    A site without a cluster calls it from a loop of its own, every few seconds or at least every other minute.

    Args:
        sign: says when to make room.
        alive: called every few seconds as a sign of life; without one the round's lease is touched, so that
            health, doctor and admin see that somebody does the work.
    """
    beat = _Heartbeat(alive or show_life)
    beat()
    lifecycle.mark_abandoned()
    lifecycle.mark_paused()
    _in_threads(beat.before(lifecycle.reconcile), lifecycle.claim_unconfirmed(SEND_BATCH))
    poll_due(shutdown, beat)
    send_pending(shutdown, beat)
    if alive is None:
        show_life()


def show_life() -> None:
    """Leave a sign that the work of a round is being done, without disturbing a round that is awake."""
    Lease.objects.touch(ROUND_LEASE)


def send_pending(shutdown: ShutdownSignal | None = None, alive: Callable[[], object] = bool) -> int:
    """Send what is pending, in turn and a few side by side, until nothing is left that may leave now.

    At least one batch goes out, so that a cluster which is always busy still gets on. Returns how many.

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
    """Ask about every task whose look is due, for some seconds at most. Returns how many were claimed for it.

    Args:
        alive: called after each look.
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
    """Ask about these tasks now: in lists where the provider has them, side by side where not.

    Args:
        enough: says when to stop; the tasks that are left then are due again at once. Some are looked at in any
            case, so that a cluster which is always busy still gets on.
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

    # Single looks first, and in one pool with the lists: a list that waits for its pace must not hold them up.
    left = [task for group in _in_threads(poll_group, _groups(tasks), should_stop) for task in group]
    left += _in_threads(poll_one, missing, should_stop)
    lifecycle.reschedule(unchanged)
    GenerationTask.objects.filter(pk__in=[task.pk for task in left]).release_poll_claim()


def _groups(tasks: Sequence[GenerationTask]) -> list[list[GenerationTask]]:
    """Tasks alone, then groups that one list call can answer for, of one account and service tier each."""
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
    """Store one waiting video. Returns its task, ``None`` when none waited; ``archived_at`` tells whether it is stored.

    Args:
        alive: called every few seconds meanwhile, from another thread.
    """
    task = lifecycle.claim_archivable()
    if task is not None:
        lifecycle.archive(task, alive)
    return task


def archive_one(task: GenerationTask, *, cause: str) -> bool:
    """Store this video now, also a lost one. False when there is none, or another worker is at it, or it failed."""
    GenerationTask.objects.filter(pk=task.pk).archive_again(cause=cause)
    claimed = lifecycle.claim_archivable(task.pk)
    return claimed is not None and lifecycle.archive(claimed)


# -- How it is done ----------------------------------------------------------------------------------------------------


class _Heartbeat:
    """Gives a sign of life when it is called, but not more often than every ``HEARTBEAT`` seconds."""

    def __init__(self, alive: Callable[[], object]) -> None:
        self._alive, self._last = alive, float("-inf")

    def __call__(self) -> None:
        now = time.monotonic()
        if now - self._last >= HEARTBEAT:
            self._last = now
            _survive(self._alive)  # work goes on without a sign of it

    def before(self, verb: Callable[[Item], object]) -> Callable[[Item], object]:
        """A verb that is preceded by a sign of life."""

        def alive_verb(item: Item) -> object:
            self()
            return verb(item)

        return alive_verb


def _survive(work: Callable[[], Item]) -> Item | None:
    """Do a piece of work. A database that went away meanwhile is logged, and met with a fresh connection next time.

    Returns:
        What the work returned, ``None`` when the database failed.
    """
    try:
        return work()
    except Error as exc:
        logger.warning("job met a database error error=%s", type(exc).__name__)
        close_old_connections()
        return None


def _enqueue_archive() -> None:
    """Have a worker bring videos home, unless one is at it and shows signs of life."""
    if queue.is_installed() and GenerationTask.objects.archivable().exists():
        settings = conf.settings()
        timeout, cluster = settings.DOWNLOAD_SECONDS + 60, settings.ARCHIVE_CLUSTER
        _call(ARCHIVE_LEASE, LEASE_SECONDS, "seedance.tasks.archive", timeout=timeout, cluster=cluster)


def _call(lease: str, seconds: float, function: str, *, timeout: float | None = None, cluster: str = "") -> None:
    """Have a worker do a job, unless one is at it, or was called within ``seconds``.

    A call that still waits in the queue after that time, because no cluster runs, is not followed by another.
    """
    unanswered = Lease.objects.filter(name=lease, holder=CALLED).exists()
    if not Lease.objects.take_if_free(lease, CALLED, seconds):
        return
    try:
        if not (unanswered and queue.size(cluster)):
            queue.enqueue(function, timeout=timeout, cluster=cluster)
    except QueueError as exc:
        Lease.objects.release(lease, CALLED)
        logger.warning("no worker called function=%s error=%s", function, type(exc.__cause__).__name__)


def _in_threads(
    verb: Callable[[Item], object], items: Iterable[Item], should_stop: Callable[[], bool] = bool
) -> list[Item]:
    """Do ``verb`` to each item, up to ``THREADS`` at a time, each thread with its own database connection.

    Args:
        enough: asked after each item whether to leave the rest; every thread does at least one.

    Returns:
        The items that were left.
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
                # A fault of ours in one row must not keep all others from being looked at,
                # and the next row must not meet a connection that was lost.
                logger.exception("one row failed item=%s", item)
                close_old_connections()
            if should_stop():
                return

    prefix = get_script_prefix()  # Django keeps it for each thread, and addresses of ours need it

    def lane_in_thread() -> None:
        set_script_prefix(prefix)
        try:
            lane()
        finally:
            connections.close_all()

    # Inside somebody's request everything stays on its thread and its connection.
    lanes = 1 if queue.runs_in_caller() else min(conf.settings().THREADS, len(waiting))
    if lanes <= 1:
        lane()
        return list(waiting)
    with ThreadPoolExecutor(lanes) as pool:
        for future in [pool.submit(lane_in_thread) for _ in range(lanes)]:
            future.result()
    return list(waiting)
