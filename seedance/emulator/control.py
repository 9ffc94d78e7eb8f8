"""Routes below /__control__/: everything the Python object can be told, for other processes and for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .wire import Answer, Heard, json_answer
from .world import World

Values = dict[str, Any]


def answer(world: World, heard: Heard) -> Answer:
    """Run one control route. Answers JSON; 400 with a reason when the wish makes no sense."""
    name = heard.path.removeprefix("/__control__/").strip("/")
    if heard.method == "GET" and name in _QUESTIONS:
        return json_answer(_QUESTIONS[name](world))
    if heard.method == "POST" and name in _COMMANDS:
        return _obey(world, name, heard)
    return json_answer({"error": "no such control route", "get": [*_QUESTIONS], "post": [*_COMMANDS]}, 404)


def _obey(world: World, name: str, heard: Heard) -> Answer:
    values = heard.json if heard.body else {}
    if not isinstance(values, dict):
        return json_answer({"error": "the body must be a JSON object"}, 400)
    try:
        _COMMANDS[name](world, values)
    except KeyError as exc:
        return json_answer({"error": f"missing or unknown: {exc.args[0]}"}, 400)
    except (TypeError, ValueError) as exc:
        return json_answer({"error": str(exc)}, 400)
    return json_answer({"ok": True})


def _fail_next(world: World, values: Values) -> None:
    rest = {"status": int(values["status"]), **{name: values[name] for name in values if name not in ("on", "times")}}
    world.faults.fail_next(values.get("on", "create"), values.get("times", 1), rest)


def _fault(world: World, values: Values) -> None:
    rest = {name: value for name, value in values.items() if name != "name"}
    world.arm(values["name"], **rest)


def _advance(world: World, values: Values) -> None:
    world.clock.advance(float(values["seconds"]))


def _finish(world: World, values: Values) -> None:
    world.state.finish(values.get("id"))


def _fail(world: World, values: Values) -> None:
    world.state.fail(values.get("id"), values.get("code", "InternalServiceError"), values.get("message", ""))


def _set_status(world: World, values: Values) -> None:
    world.state.set_status(values["id"], str(values["status"]))


def _tasks(world: World) -> Any:
    world.agenda.catch_up()
    return [task.as_dict() for task in world.state.tasks.values()]


_COMMANDS: Mapping[str, Callable[[World, Values], None]] = {
    "fail_next": _fail_next,
    "fault": _fault,
    "advance": _advance,
    "finish": _finish,
    "fail": _fail,
    "set_status": _set_status,
    "configure": lambda world, values: world.configure(**values),
    "reset": lambda world, values: world.reset(),
}
_QUESTIONS: Mapping[str, Callable[[World], Any]] = {
    "requests": lambda world: [heard.as_dict() for heard in list(world.heard)],
    "ledger": lambda world: [create.as_dict() for create in list(world.state.creates)],
    "tasks": _tasks,
    "callbacks": lambda world: [delivery.as_dict() for delivery in list(world.callbacks.deliveries)],
}
#: Every control route as method and path.
ROUTES = (
    *(f"POST /__control__/{name}" for name in _COMMANDS),
    *(f"GET /__control__/{name}" for name in _QUESTIONS),
)
