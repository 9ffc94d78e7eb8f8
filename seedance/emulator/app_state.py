"""All the parts of one emulator, put together."""

from __future__ import annotations

import secrets
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from .callbacks import Callbacks
from .clock import Clock, Scheduler
from .errors import ApiError
from .faults import Armed, FaultQueue, arm, sort_markers
from .inputs import InputRules
from .limits import Limits
from .media import Renderer
from .options import Options
from .prompt import read_markers
from .task_spec import TaskSpec
from .task_store import TaskStore, failure_message
from .tasks import Create, Step, Task, new_task_id
from .validation_context import ValidationContext
from .wire import Request

Describe = Callable[[Task], dict[str, Any]]


class AppState:
    """What the routes act on."""

    def __init__(self, options: Options, real_time: bool, describe: Callable[[AppState, Task], dict[str, Any]]) -> None:
        self._initial = options
        self.options = options
        #: Base address of the running server, without a trailing slash.
        self.url = ""
        self.secret = secrets.token_bytes(16)
        self.lock = threading.RLock()
        self.clock = Clock(real_time)
        self.scheduler = Scheduler(self.clock, self.lock)
        self.callbacks = Callbacks(self.clock, self.scheduler, self._current_options)
        self.limits = Limits(self.clock, self._current_options)
        self.store = TaskStore(self.clock, self.scheduler, self.lock, self._current_options, self._status_changed)
        self.faults = FaultQueue()
        self.renderer = Renderer()
        self.requests: deque[Request] = deque(maxlen=options.requests_kept)
        self._describe = describe

    def _current_options(self) -> Options:
        return self.options

    def _status_changed(self, task: Task, at: float) -> None:
        if task.spec.callback_url:
            self.callbacks.announce(task, self._describe(self, task), at)

    def start(self) -> None:
        self.scheduler.start()
        self.callbacks.start()

    def stop(self) -> None:
        self.scheduler.stop()
        self.callbacks.stop()

    def reset(self) -> None:
        """Forget everything received, made and armed; settings and clock as they were at first."""
        with self.lock:
            self.options = self._initial
            self.scheduler.clear()
            self.store.reset()
            self.clock.reset()
        self.callbacks.reset()
        self.limits.reset()
        self.faults.reset()
        self.requests.clear()

    def configure(self, **values: Any) -> None:
        """Change settings until the next reset."""
        self.options = self.options.changed(**values)

    # -- what routes share -------------------------------------------------------------------------------------------

    def authenticate(self, request: Request) -> str:
        """The bearer key of a request.

        Raises:
            ApiError: 401 when it is missing, empty, or not one of the accepted keys.
        """
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        key = key.strip()
        accepted = self.options.api_keys
        if scheme.lower() != "bearer" or not key or (accepted is not None and key not in accepted):
            raise ApiError(401, "AuthenticationError", "the API key in the request is missing or invalid.")
        return key

    def context(self, flavour: str) -> ValidationContext:
        """What validation has to know."""
        options = self.options
        return ValidationContext(
            endpoint_model=options.endpoint_model,
            closed_models=options.closed_models,
            inputs=InputRules(options.fetch_media, options.check_geometry),
            reference_video_seconds=options.reference_video_seconds,
            find_draft=lambda task_id: self._find_draft(task_id, flavour),
        )

    def _find_draft(self, task_id: str, flavour: str) -> TaskSpec | None:
        task = self.store.find(task_id, flavour)
        return task.spec if task is not None and task.spec.draft and task.status == "succeeded" else None

    def _fresh_id(self, flavour: str, now: float, service_tier: str) -> str:
        """An id that no task has yet: its five random characters meet again at some hundred creates a second."""
        while (task_id := new_task_id(flavour, now, service_tier)) in self.store.results:
            pass
        return task_id

    def accept(self, flavour: str, key: str, spec: TaskSpec, create: Callable[[str], Create], own: list[Armed]) -> Task:
        """Start a task for a validated spec.

        Args:
            create: makes the ledger entry for a task id.
            own: transport faults left over from the prompt's markers.

        Raises:
            ApiError: 429 when the queue is full.
        """
        now = self.clock.now()
        task = Task(self._fresh_id(flavour, now, spec.service_tier), flavour, spec, key, now, faults=own)
        markers = read_markers(spec.prompt)
        task.behaviours = {**self.faults.behaviours_for_new_task(), **sort_markers(markers.faults)[0]}
        if markers.failure is not None:
            code, message = markers.failure
            task.error = (code, failure_message(message))
        queued = self.options.queue_seconds if markers.queue_seconds is None else markers.queue_seconds
        running = self.options.run_seconds if markers.run_seconds is None else markers.run_seconds
        self.store.accept(task, create(task.id), _life(task, queued, running))
        return task

    def arm(self, name: str, on: Any = None, times: int | None = 1, task_id: str = "", **options: Any) -> None:
        """Arm a named fault; a lasting one with a `task_id` strikes that task at once.

        Raises:
            ValueError: for an unknown fault or operation, or one that only a new task can have.
            KeyError: for a lasting fault of an unknown task.
        """
        armed = arm(name, on, times, task_id, options)
        if task_id and armed.is_lasting:
            self.store.add_behaviour(task_id, name, options)
        else:
            self.faults.add(armed)


def _life(task: Task, queued: float, running: float) -> list[Step]:
    """The statuses ahead of a new task, odd ones included."""
    end = "failed" if task.error is not None else "succeeded"
    if "frozen_running" in task.behaviours:
        return [Step(queued, "running")]
    if "unknown_status" in task.behaviours:
        word = str(task.behaviours["unknown_status"].get("word", "reviewing"))
        return [Step(queued, "running"), Step(running / 2, word), Step(running / 2, end)]
    if "status_backwards" in task.behaviours:
        third = running / 3
        return [Step(queued, "running"), Step(third, "queued"), Step(third, "running"), Step(third, end)]
    return [Step(queued, "running"), Step(running, end)]
