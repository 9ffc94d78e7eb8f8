"""The provider's memory: tasks, their progress through time, and what is forgotten."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .clock import Clock, Scheduler
from .errors import ApiError, request_id
from .options import Options
from .tasks import FINAL, Create, Step, Task

_PLANNED_FROM_BIRTH = ("unknown_status", "status_backwards")

Observer = Callable[[Task, float], None]


class TaskStore:
    """All tasks of one emulator. Every method takes the lock itself; none waits while holding it.

    queued → running → succeeded, as planned when the task was accepted; `expired` when its time runs out first. A task
    that finds the running limit reached stays queued until another one leaves.
    """

    def __init__(
        self,
        clock: Clock,
        scheduler: Scheduler,
        lock: threading.RLock,
        options: Callable[[], Options],
        observer: Observer,
    ) -> None:
        self._clock = clock
        self._scheduler = scheduler
        self._lock = lock
        self._options = options
        self._observer = observer
        self.tasks: dict[str, Task] = {}
        #: Every task ever accepted, also after its record was deleted: result links outlive records.
        self.results: dict[str, Task] = {}
        self.creates: list[Create] = []
        self._waiting: list[Task] = []

    def reset(self) -> None:
        with self._lock:
            self.tasks = {}
            self.results = {}
            self.creates = []
            self._waiting = []

    # -- asking ------------------------------------------------------------------------------------------------------

    def find(self, task_id: str, flavour: str) -> Task | None:
        """A task that this API made and still remembers."""
        with self._lock:
            self._scheduler.catch_up()
            task = self.tasks.get(task_id)
            return task if task is not None and task.flavour == flavour and self._remembered(task) else None

    def remembered(self, flavour: str, ids: Iterable[str] | None = None) -> list[Task]:
        """All tasks of an API that are still on record, newest first, or those of them with the given ids."""
        with self._lock:
            self._scheduler.catch_up()
            found = self.tasks.values() if ids is None else [self.tasks[each] for each in ids if each in self.tasks]
            kept = [task for task in found if task.flavour == flavour and self._remembered(task)]
        return sorted(kept, key=lambda task: task.created_at, reverse=True)

    def _remembered(self, task: Task) -> bool:
        now = self._clock.now()
        options = self._options()
        if task.status == "cancelled" and now >= task.updated_at + options.cancelled_seconds:
            return False
        return now < task.created_at + options.record_seconds

    # -- accepting ---------------------------------------------------------------------------------------------------

    def accept(self, task: Task, create: Create, steps: list[Step]) -> None:
        """Take a task in, note that it was paid, and plan its life.

        Raises:
            ApiError: 429 QuotaExceeded when too many tasks are queued already.
        """
        with self._lock:
            self._scheduler.catch_up()
            self._check_queued_cap(task)
            self.tasks[task.id] = self.results[task.id] = task
            self.creates.append(create)
            task.steps = steps
            self._observer(task, task.created_at)
            self._plan_next(task, task.created_at)
            deadline = task.created_at + task.spec.execution_expires_after
            self._scheduler.schedule(deadline, lambda at: self._expire(task, at))

    def _check_queued_cap(self, task: Task) -> None:
        cap = self._options().max_queued
        if cap is None:
            return
        queued = sum(
            each.status == "queued" and each.key == task.key and each.model == task.model
            for each in self.tasks.values()
        )
        if queued >= cap:
            raise ApiError(429, "QuotaExceeded", f"The number of queued tasks for model {task.model} exceeds {cap}.")

    # -- moving on ---------------------------------------------------------------------------------------------------

    def _plan_next(self, task: Task, now: float) -> None:
        task.version += 1
        if not task.steps:
            return
        version = task.version
        self._scheduler.schedule(
            now + task.steps[0].seconds, lambda at: self._take_step(task, at) if task.version == version else None
        )

    def _take_step(self, task: Task, at: float) -> None:
        step = task.steps[0]
        if step.status == "running" and not self._slot_free(task):
            self._waiting.append(task)
            return
        task.steps.pop(0)
        if step.status == "failed" and task.error is None:
            task.error = ("InternalServiceError", "The service encountered an unexpected internal error.")
        self._move(task, step.status, at)
        self._plan_next(task, at)

    def _slot_free(self, task: Task) -> bool:
        limit = self._options().max_running
        if limit is None:
            return True
        busy = sum(
            each.running_slot and each.key == task.key and each.model == task.model for each in self.tasks.values()
        )
        return busy < limit

    def _move(self, task: Task, status: str, at: float) -> None:
        task.status = status
        task.updated_at = at
        task.history.append((status, at))
        held = task.running_slot
        task.running_slot = status not in FINAL and status != "queued"
        if status != "cancelled":
            self._observer(task, at)
        if held and not task.running_slot:
            self._admit_waiting(at)

    def _admit_waiting(self, at: float) -> None:
        """Let waiting tasks run while there is room, higher priority first, then the older."""
        self._waiting.sort(key=lambda each: (-each.spec.priority, each.created_at))
        for task in list(self._waiting):
            if task.status != "queued":
                self._waiting.remove(task)
            elif self._slot_free(task):
                self._waiting.remove(task)
                self._take_step(task, at)

    def _expire(self, task: Task, at: float) -> None:
        if not task.is_final and task.id in self.tasks:
            self._abandon_plan(task)
            self._move(task, "expired", at)

    def _abandon_plan(self, task: Task) -> None:
        task.version += 1
        task.steps = []

    # -- people's hands ----------------------------------------------------------------------------------------------

    def cancel(self, task: Task) -> None:
        """What DELETE does to a queued task."""
        with self._lock:
            self._abandon_plan(task)
            self._move(task, "cancelled", self._clock.now())

    def forget(self, task: Task) -> None:
        """What DELETE does to a finished task: the record goes, the result link lives on."""
        with self._lock:
            self.tasks.pop(task.id, None)

    def finish(self, task_id: str | None = None) -> None:
        """Bring one task, or all that are not final, to `succeeded` now, by way of `running`."""
        with self._lock:
            self._scheduler.catch_up()
            for task in self._chosen(task_id):
                if task.status == "queued":
                    self._force(task, "running")
                self._force(task, "succeeded")

    def fail(self, task_id: str | None, code: str, message: str = "") -> None:
        """Bring one task, or all that are not final, to `failed` now."""
        with self._lock:
            self._scheduler.catch_up()
            for task in self._chosen(task_id):
                task.error = (code, failure_message(message))
                self._force(task, "failed")

    def set_status(self, task_id: str, status: str) -> None:
        """Show any word as status from now on; nothing else will happen to the task by itself."""
        with self._lock:
            self._scheduler.catch_up()
            self._force(self.tasks[task_id], status)

    def add_behaviour(self, task_id: str, name: str, options: Mapping[str, Any]) -> None:
        """Make an odd life begin now; one that never ends loses the rest of its plan."""
        if name in _PLANNED_FROM_BIRTH:
            raise ValueError(f"{name} is for new tasks; use set_status for one that exists")
        with self._lock:
            self._scheduler.catch_up()
            task = self.tasks[task_id]
            task.behaviours[name] = options
            if name == "frozen_running" and not task.is_final:
                if task.status == "queued":
                    self._force(task, "running")
                self._abandon_plan(task)

    def _chosen(self, task_id: str | None) -> list[Task]:
        if task_id is not None:
            return [self.tasks[task_id]]
        return [task for task in self.tasks.values() if not task.is_final]

    def _force(self, task: Task, status: str) -> None:
        self._abandon_plan(task)
        self._move(task, status, self._clock.now())


def failure_message(message: str) -> str:
    """A task's failure text the way the provider ends it."""
    reason = message or "The request failed because the generated content may contain sensitive information."
    return f"{reason} Request id: {request_id()}"
