"""All the parts of one emulator, put together."""

from __future__ import annotations

import secrets
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from .callbacks import Callbacks
from .clock import Agenda, Clock
from .errors import ApiError
from .faults import Armed, FaultBox, arm, sort_markers
from .house import House
from .inputs import InputRules
from .limits import Limits
from .media import Renderer
from .options import Options
from .order import Order
from .prompt import read_markers
from .state import State, failure_message
from .tasks import Create, Step, Task, new_task_id
from .wire import Heard

Describe = Callable[[Task], dict[str, Any]]


class World:
    """What the routes act on."""

    def __init__(self, options: Options, real_time: bool, describe: Callable[[World, Task], dict[str, Any]]) -> None:
        self._initial = options
        self.options = options
        #: Base address of the running server, without a trailing slash.
        self.url = ""
        self.secret = secrets.token_bytes(16)
        self.lock = threading.RLock()
        self.clock = Clock(real_time)
        self.agenda = Agenda(self.clock, self.lock)
        self.callbacks = Callbacks(self.clock, self.agenda, self._current_options)
        self.limits = Limits(self.clock, self._current_options)
        self.state = State(self.clock, self.agenda, self.lock, self._current_options, self._status_changed)
        self.faults = FaultBox()
        self.renderer = Renderer()
        self.heard: deque[Heard] = deque(maxlen=options.requests_kept)
        self._describe = describe

    def _current_options(self) -> Options:
        return self.options

    def _status_changed(self, task: Task, at: float) -> None:
        if task.order.callback_url:
            self.callbacks.announce(task, self._describe(self, task), at)

    def start(self) -> None:
        self.agenda.start()
        self.callbacks.start()

    def stop(self) -> None:
        self.agenda.stop()
        self.callbacks.stop()

    def reset(self) -> None:
        """Forget everything heard, made and armed; settings and clock as they were at first."""
        with self.lock:
            self.options = self._initial
            self.agenda.clear()
            self.state.reset()
            self.clock.reset()
        self.callbacks.reset()
        self.limits.reset()
        self.faults.reset()
        self.heard.clear()

    def configure(self, **values: Any) -> None:
        """Change settings until the next reset."""
        self.options = self.options.changed(**values)

    # -- what routes share -------------------------------------------------------------------------------------------

    def authenticate(self, heard: Heard) -> str:
        """The bearer key of a request.

        Raises:
            ApiError: 401 when it is missing, empty, or not one of the accepted keys.
        """
        scheme, _, key = heard.headers.get("Authorization", "").partition(" ")
        key = key.strip()
        accepted = self.options.api_keys
        if scheme.lower() != "bearer" or not key or (accepted is not None and key not in accepted):
            raise ApiError(401, "AuthenticationError", "the API key in the request is missing or invalid.")
        return key

    def house(self, face: str) -> House:
        """What validation has to know."""
        options = self.options
        return House(
            endpoint_model=options.endpoint_model,
            closed_models=options.closed_models,
            inputs=InputRules(options.fetch_media, options.check_geometry),
            reference_video_seconds=options.reference_video_seconds,
            find_draft=lambda task_id: self._find_draft(task_id, face),
        )

    def _find_draft(self, task_id: str, face: str) -> Order | None:
        task = self.state.find(task_id, face)
        return task.order if task is not None and task.order.draft and task.status == "succeeded" else None

    def _fresh_id(self, face: str, now: float, service_tier: str) -> str:
        """An id that no task has yet: its five random characters meet again at some hundred creates a second."""
        while (task_id := new_task_id(face, now, service_tier)) in self.state.results:
            pass
        return task_id

    def accept(self, face: str, key: str, order: Order, create: Callable[[str], Create], own: list[Armed]) -> Task:
        """Start a task for a validated order.

        Args:
            create: makes the ledger entry for a task id.
            own: faults of the wire left over from the prompt's markers.

        Raises:
            ApiError: 429 when the queue is full.
        """
        now = self.clock.now()
        task = Task(self._fresh_id(face, now, order.service_tier), face, order, key, now, faults=own)
        markers = read_markers(order.prompt)
        task.traits = {**self.faults.traits_for_new_task(), **sort_markers(markers.faults)[0]}
        if markers.failure is not None:
            code, message = markers.failure
            task.error = (code, failure_message(message))
        queued = self.options.queue_seconds if markers.queue_seconds is None else markers.queue_seconds
        running = self.options.run_seconds if markers.run_seconds is None else markers.run_seconds
        self.state.accept(task, create(task.id), _life(task, queued, running))
        return task

    def arm(self, name: str, on: Any = None, times: int | None = 1, task_id: str = "", **options: Any) -> None:
        """Arm a named fault; a lasting one with a `task_id` strikes that task at once.

        Raises:
            ValueError: for an unknown fault or operation, or one that only a new task can have.
            KeyError: for a lasting fault of an unknown task.
        """
        armed = arm(name, on, times, task_id, options)
        if task_id and armed.is_lasting:
            self.state.give_trait(task_id, name, options)
        else:
            self.faults.add(armed)


def _life(task: Task, queued: float, running: float) -> list[Step]:
    """The statuses ahead of a new task, odd ones included."""
    end = "failed" if task.error is not None else "succeeded"
    if "frozen_running" in task.traits:
        return [Step(queued, "running")]
    if "unknown_status" in task.traits:
        word = str(task.traits["unknown_status"].get("word", "reviewing"))
        return [Step(queued, "running"), Step(running / 2, word), Step(running / 2, end)]
    if "status_backwards" in task.traits:
        third = running / 3
        return [Step(queued, "running"), Step(third, "queued"), Step(third, "running"), Step(third, end)]
    return [Step(queued, "running"), Step(running, end)]
