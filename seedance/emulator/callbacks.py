"""Tell the address a task was created with about each of its statuses."""

from __future__ import annotations

import http.client
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from .clock import Clock, Scheduler
from .loopback import ask_loopback, is_loopback_url
from .options import Options
from .tasks import Task
from .wire import encode

_WORKERS = 4
_RECORDS_KEPT = 5_000
#: Pushes that are repeated when nobody acknowledges them.
_REPEATED = ("succeeded", "failed")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to push. `outcome` is the HTTP status, or `dropped`, `not loopback`, or the trouble's name."""

    task_id: str
    status: str
    url: str
    attempt: int
    outcome: int | str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(slots=True)
class _Push:
    task_id: str
    status: str
    url: str
    body: bytes
    generation: int
    attempt: int = 1


@dataclass(slots=True)
class _Outbox:
    """Pushes of one task, sent one after the other once the create call has been answered."""

    waiting: deque[_Push] = field(default_factory=deque)
    open: bool = False
    busy: bool = False
    held_back: _Push | None = None


class Callbacks:
    """Pushes JSON by POST, only ever to this machine, from a few threads of its own."""

    def __init__(self, clock: Clock, scheduler: Scheduler, options: Callable[[], Options]) -> None:
        self._clock = clock
        self._scheduler = scheduler
        self._options = options
        self._lock = threading.Lock()
        self._outboxes: dict[str, _Outbox] = {}
        #: Rises with every reset; pushes of an older generation vanish wherever they are.
        self._generation = 0
        self._work: queue.SimpleQueue[_Outbox | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self.deliveries: deque[Delivery] = deque(maxlen=_RECORDS_KEPT)

    def reset(self) -> None:
        with self._lock:
            self._generation += 1
            self._outboxes = {}
            self.deliveries.clear()

    # -- filling the outbox ------------------------------------------------------------------------------------------

    def announce(self, task: Task, body: Mapping[str, Any], at: float) -> None:
        """Queue the push that a status change deserves, as the task's callback faults bend it."""
        if not task.spec.callback_url:
            return
        push = _Push(task.id, task.status, task.spec.callback_url, encode(body), self._generation)
        if "callback_dropped" in task.behaviours:
            self._note(push, "dropped")
        elif "callback_late" in task.behaviours:
            seconds = float(task.behaviours["callback_late"].get("seconds", 5.0))
            self._scheduler.schedule(at + seconds, lambda _: self._enqueue(push))
        elif "callback_reordered" in task.behaviours:
            self._enqueue_reordered(push, task.is_final)
        else:
            self._enqueue(push)
            if "callback_doubled" in task.behaviours:
                self._enqueue(push)
            if "callback_forged" in task.behaviours and task.status == "running":
                self._enqueue(self._forgery(push, body))

    def _enqueue_reordered(self, push: _Push, final: bool) -> None:
        """Keep `running` back until the final push has gone."""
        with self._lock:
            outbox = self._outboxes.setdefault(push.task_id, _Outbox())
            if push.status == "running":
                outbox.held_back = push
                return
            held, outbox.held_back = (outbox.held_back, None) if final else (None, outbox.held_back)
        self._enqueue(push)
        if held is not None:
            self._enqueue(held)

    @staticmethod
    def _forgery(push: _Push, body: Mapping[str, Any]) -> _Push:
        lie = {
            **body,
            "status": "succeeded",
            "content": {"video_url": "http://127.0.0.1:9/forged.mp4"},
            "updated_at": int(body["updated_at"]) + 1,
        }
        return replace(push, status="succeeded", body=encode(lie))

    def _enqueue(self, push: _Push) -> None:
        with self._lock:
            if push.generation != self._generation:
                return
            outbox = self._outboxes.setdefault(push.task_id, _Outbox())
            outbox.waiting.append(push)
            self._wake(outbox)

    def _wake(self, outbox: _Outbox) -> None:
        if outbox.open and not outbox.busy and outbox.waiting:
            outbox.busy = True
            self._work.put(outbox)

    def open(self, task: Task) -> None:
        """Let a task's pushes go: its create call has been answered, or never will be."""
        with self._lock:
            outbox = self._outboxes.setdefault(task.id, _Outbox())
            outbox.open = True
            self._wake(outbox)

    def deliver_first(self, task: Task) -> None:
        """Send what waits right now, in the caller's thread, before the create call is answered."""
        with self._lock:
            outbox = self._outboxes.get(task.id, _Outbox())
            early, outbox.waiting = list(outbox.waiting), deque()
        for push in early:
            self._send(push)

    # -- emptying it -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._threads = [
            threading.Thread(target=self._serve, name=f"seedance-emulator-callback-{number}", daemon=True)
            for number in range(_WORKERS)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        for _ in self._threads:
            self._work.put(None)
        deadline = time.monotonic() + 0.5
        for thread in self._threads:
            thread.join(timeout=max(0.0, deadline - time.monotonic()))

    def wait_idle(self, seconds: float) -> bool:
        """Wait until nothing is on its way; False when that took too long. Pushes planned for later do not count."""
        deadline = time.monotonic() + seconds
        while self._is_busy():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)
        return True

    def _is_busy(self) -> bool:
        with self._lock:
            return any(outbox.busy or outbox.waiting for outbox in self._outboxes.values())

    def _serve(self) -> None:
        while (outbox := self._work.get()) is not None:
            with self._lock:
                push = outbox.waiting.popleft() if outbox.waiting else None
            if push is not None and push.generation == self._generation:
                self._send(push)
            with self._lock:
                outbox.busy = False
                self._wake(outbox)

    def _send(self, push: _Push) -> None:
        if not is_loopback_url(push.url):
            self._note(push, "not loopback")
            return
        outcome = self._post(push)
        self._note(push, outcome)
        acknowledged = isinstance(outcome, int) and 200 <= outcome < 300
        options = self._options()
        if not acknowledged and push.status in _REPEATED and push.attempt <= options.callback_retries:
            again = replace(push, attempt=push.attempt + 1)
            self._scheduler.schedule(self._clock.now() + options.callback_retry_seconds, lambda _: self._enqueue(again))

    def _post(self, push: _Push) -> int | str:
        try:
            return ask_loopback("POST", push.url, push.body, self._options().callback_ack_seconds)[0]
        except (OSError, http.client.HTTPException) as exc:
            return type(exc).__name__

    def _note(self, push: _Push, outcome: int | str) -> None:
        with self._lock:
            if push.generation == self._generation:
                self.deliveries.append(Delivery(push.task_id, push.status, push.url, push.attempt, outcome))
