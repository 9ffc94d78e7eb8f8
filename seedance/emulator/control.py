"""Routes below /__control__/: everything the Python object can be told, for other processes and for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .app_state import AppState
from .wire import Request, Response, json_response

Values = dict[str, Any]


def response(app: AppState, request: Request) -> Response:
    """Run one control route. Answers JSON; 400 with a reason when the request makes no sense."""
    name = request.path.removeprefix("/__control__/").strip("/")
    if request.method == "GET" and name in _QUESTIONS:
        return json_response(_QUESTIONS[name](app))
    if request.method == "POST" and name in _COMMANDS:
        return _obey(app, name, request)
    return json_response({"error": "no such control route", "get": [*_QUESTIONS], "post": [*_COMMANDS]}, 404)


def _obey(app: AppState, name: str, request: Request) -> Response:
    values = request.json if request.body else {}
    if not isinstance(values, dict):
        return json_response({"error": "the body must be a JSON object"}, 400)
    try:
        _COMMANDS[name](app, values)
    except KeyError as exc:
        return json_response({"error": f"missing or unknown: {exc.args[0]}"}, 400)
    except (TypeError, ValueError) as exc:
        return json_response({"error": str(exc)}, 400)
    return json_response({"ok": True})


def _fail_next(app: AppState, values: Values) -> None:
    rest = {"status": int(values["status"]), **{name: values[name] for name in values if name not in ("on", "times")}}
    app.faults.fail_next(values.get("on", "create"), values.get("times", 1), rest)


def _fault(app: AppState, values: Values) -> None:
    rest = {name: value for name, value in values.items() if name != "name"}
    app.arm(values["name"], **rest)


def _advance(app: AppState, values: Values) -> None:
    app.clock.advance(float(values["seconds"]))


def _finish(app: AppState, values: Values) -> None:
    app.store.finish(values.get("id"))


def _fail(app: AppState, values: Values) -> None:
    app.store.fail(values.get("id"), values.get("code", "InternalServiceError"), values.get("message", ""))


def _set_status(app: AppState, values: Values) -> None:
    app.store.set_status(values["id"], str(values["status"]))


def _tasks(app: AppState) -> Any:
    app.scheduler.catch_up()
    return [task.as_dict() for task in app.store.tasks.values()]


_COMMANDS: Mapping[str, Callable[[AppState, Values], None]] = {
    "fail_next": _fail_next,
    "fault": _fault,
    "advance": _advance,
    "finish": _finish,
    "fail": _fail,
    "set_status": _set_status,
    "configure": lambda app, values: app.configure(**values),
    "reset": lambda app, values: app.reset(),
}
_QUESTIONS: Mapping[str, Callable[[AppState], Any]] = {
    "requests": lambda app: [request.as_dict() for request in list(app.requests)],
    "ledger": lambda app: [create.as_dict() for create in list(app.store.creates)],
    "tasks": _tasks,
    "callbacks": lambda app: [delivery.as_dict() for delivery in list(app.callbacks.deliveries)],
}
#: Every control route as method and path.
ROUTES = (
    *(f"POST /__control__/{name}" for name in _COMMANDS),
    *(f"GET /__control__/{name}" for name in _QUESTIONS),
)
