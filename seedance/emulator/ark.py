"""The Ark dialect: create, get, list and delete under `/contents/generations/tasks`.

Served twice: under /api/v3 as Ark itself, and under /volc/v3 in CometAPI's flavour, which has its own ids and error
envelope, shows fewer fields, and knows neither list nor delete.
"""

from __future__ import annotations

from typing import Any

from .app_state import AppState
from .bodies import task_body
from .errors import ApiError, invalid
from .faults import Armed
from .model_table import BY_DOMESTIC_ID, MODELS
from .tasks import Create, Task
from .validate import read_spec
from .validation_context import find_model
from .wire import Request, Response, json_response

_LARGEST_BODY = 64 * 2**20
_LARGEST_PAGE = 500


def create(app: AppState, flavour: str, request: Request, own: list[Armed]) -> Response:
    """Accept a task. The response holds its id and nothing else worth mentioning."""
    key = app.authenticate(request)
    body = _read_body(flavour, request)
    context = app.context(flavour)
    try:
        spec = read_spec(body, context)
    except ApiError as error:
        raise _in_flavour(flavour, error) from error
    app.limits.check("create", key, find_model(body["model"], context)[0] if body.get("model") else "")
    task = app.accept(flavour, key, spec, lambda task_id: _ledger_entry(task_id, spec.prompt, body), own)
    if "callback_early" in task.behaviours:
        app.callbacks.deliver_first(task)
    payload = {"id": task.id}
    if spec.safety_identifier:
        payload["safety_identifier"] = spec.safety_identifier
    response = json_response(payload)
    response.after = lambda: app.callbacks.open(task)
    return response


def _read_body(flavour: str, request: Request) -> Any:
    if len(request.body) > _LARGEST_BODY:
        raise ApiError(413, "RequestBodyTooLarge", "The request body is larger than 64 MB.")
    chunked = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    if request.json is None or (flavour == "volc" and chunked):
        raise invalid(
            "invalid character looking for beginning of value", code="" if flavour == "volc" else "InvalidParameter"
        )
    return request.json


def _in_flavour(flavour: str, error: ApiError) -> ApiError:
    """The relay has no 404 for models: it finds no channel for them."""
    if flavour == "volc" and error.status == 404:
        return ApiError(503, "model_not_found", f"No available channel for this model (distributor): {error.message}")
    return error


def _ledger_entry(task_id: str, prompt: str, body: dict[str, Any]) -> Create:
    parameters = {name: value for name, value in body.items() if name not in ("model", "content") and value is not None}
    return Create(task_id, body["model"], prompt, parameters, body)


def get(app: AppState, flavour: str, request: Request, task_id: str) -> Response:
    """Show one task."""
    key = app.authenticate(request)
    app.limits.check("get", key)
    task = _find(app, flavour, task_id)
    with app.lock:
        _trip_at_transition(task)
        return json_response(task_body(app, task, app.clock.now(), shown=True))


def _find(app: AppState, flavour: str, task_id: str) -> Task:
    task = app.store.find(task_id, flavour)
    if task is not None:
        return task
    if flavour == "volc":
        raise ApiError(400, "task_not_exist", "task_not_exist")
    raise ApiError(404, "ResourceNotFound", "The specified resource is not found.")


def _trip_at_transition(task: Task) -> None:
    seen, task.shown_status = task.shown_status, task.status
    if "error_at_transition" in task.behaviours and seen and seen != task.status:
        raise ApiError(500, "InternalServiceError", "The service encountered an unexpected internal error.")


def list_tasks(app: AppState, flavour: str, request: Request) -> Response:
    """Show a page of tasks, newest first. Flex tasks stay hidden unless asked for."""
    key = app.authenticate(request)
    if flavour == "volc":
        raise ApiError(404, "", f"Invalid URL ({request.method} {request.path})")
    app.limits.check("list", key)
    number, size = _page_parameter(request, "page_num", 1), _page_parameter(request, "page_size", 20)
    tasks = [
        task for task in app.store.remembered(flavour, request.query.get("filter.task_ids")) if _fits(request, task)
    ]
    page = tasks[(number - 1) * size : number * size]
    with app.lock:
        items = [task_body(app, task, app.clock.now()) for task in page]
    return json_response({"total": len(tasks), "items": items})


def _page_parameter(request: Request, name: str, default: int) -> int:
    text = request.parameter(name, str(default))
    if not text.isdecimal() or not 1 <= int(text) <= _LARGEST_PAGE:
        raise invalid(f"The parameter `{name}` specified in the request is not valid: must be 1 to 500.", name)
    return int(text)


def _fits(request: Request, task: Task) -> bool:
    return (
        request.parameter("filter.status", task.status) == task.status
        and request.parameter("filter.model", task.model) == task.model
        and request.parameter("filter.service_tier", "default") == task.spec.service_tier
    )


def delete(app: AppState, flavour: str, request: Request, task_id: str) -> Response:
    """Cancel a queued task, or delete the record of a finished one."""
    key = app.authenticate(request)
    if flavour == "volc":
        raise ApiError(404, "", f"Invalid URL ({request.method} {request.path})")
    app.limits.check("delete", key)
    task = _find(app, flavour, task_id)
    with app.lock:
        if task.status == "queued":
            app.store.cancel(task)
        elif task.status in ("succeeded", "failed", "expired"):
            app.store.forget(task)
        elif task.status == "cancelled":
            raise ApiError(409, "InvalidAction", f"Cannot delete task `{task_id}` because it has been cancelled.")
        else:
            raise ApiError(
                409,
                "InvalidAction.RunningTaskDeletion",
                f"Cannot delete task `{task_id}` because it is currently running.",
            )
    return json_response({})


def models(app: AppState, request: Request) -> Response:
    """The hosts' catalogue: every model of the table, with the kinds of input it takes."""
    app.authenticate(request)
    data = [
        {
            "id": model_id,
            "name": model.family,
            "version": model.date,
            "domain": "VideoGeneration",
            "status": "Retiring" if "lite" in model.family or "1-5" in model.family else "active",
            "task_type": sorted(model.modes),
        }
        for model_id, model in zip(BY_DOMESTIC_ID, MODELS, strict=True)
    ]
    return json_response({"object": "list", "data": data})
