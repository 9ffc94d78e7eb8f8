"""Time that can be pushed forward, and what is due when."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable
from itertools import count

Action = Callable[[float], None]


class Clock:
    """Unix seconds: the machine's own time, or a frozen moment, plus what was advanced."""

    def __init__(self, real_time: bool = True) -> None:
        self.real_time = real_time
        self._offset = 0.0
        self._frozen_at = time.time()
        self._listeners: list[Callable[[], None]] = []

    def now(self) -> float:
        """The current moment, Unix seconds."""
        return (time.time() if self.real_time else self._frozen_at) + self._offset

    def advance(self, seconds: float) -> None:
        """Move forward; everything that falls due on the way happens, in order, before this returns."""
        if seconds < 0:
            raise ValueError("time only goes forward")
        self._offset += seconds
        for listener in self._listeners:
            listener()

    def reset(self) -> None:
        """Back to real time, or to a fresh frozen moment."""
        self._offset = 0.0
        self._frozen_at = time.time()

    def on_advance(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)


class Scheduler:
    """Actions with a due time. One lock guards it and everything the actions touch.

    A thread keeps it in step with real time, so that things happen although nobody asks.
    """

    def __init__(self, clock: Clock, lock: threading.RLock) -> None:
        self._clock = clock
        self._lock = lock
        self._changed = threading.Condition(lock)
        self._entries: list[tuple[float, int, Action]] = []
        self._serial = count()
        self._stopping = False
        self._thread: threading.Thread | None = None
        clock.on_advance(self.catch_up)

    def schedule(self, at: float, action: Action) -> None:
        """Have `action(at)` called once the clock reaches `at`."""
        with self._lock:
            entry = (at, next(self._serial), action)
            heapq.heappush(self._entries, entry)
            if self._entries[0] is entry:
                self._changed.notify()

    def catch_up(self) -> None:
        """Do everything that is due, oldest first, each at its own moment."""
        if not self._entries:
            return
        with self._lock:
            now = self._clock.now()
            while self._entries and self._entries[0][0] <= now:
                at, _, action = heapq.heappop(self._entries)
                action(at)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()

    def start(self) -> None:
        self._stopping = False
        self._thread = threading.Thread(target=self._keep_time, name="seedance-emulator-clock", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        with self._lock:
            self._stopping = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(timeout=1)

    def _keep_time(self) -> None:
        with self._lock:
            while not self._stopping:
                self._changed.wait(self._idle_seconds())
                if not self._stopping:
                    self.catch_up()

    def _idle_seconds(self) -> float | None:
        if not self._entries or not self._clock.real_time:
            return None
        return max(0.0, self._entries[0][0] - self._clock.now()) + 0.001
