"""The Ark dialect: create, get, list and delete under `/contents/generations/tasks`.

Served twice: under /api/v3 as Ark itself, and under /volc/v3 in CometAPI's flavour, which has its own ids and error
envelope, shows fewer fields, and knows neither list nor delete.
"""

from __future__ import annotations

from typing import Any

from .bodies import task_body
from .errors import ApiError, invalid
from .faults import Armed
from .house import find_model
from .table import BY_DOMESTIC_ID, MODELS
from .tasks import Create, Task
from .validate import read_order
from .wire import Answer, Heard, json_answer
from .world import World

_LARGEST_BODY = 64 * 2**20
_LARGEST_PAGE = 500


def create(world: World, face: str, heard: Heard, own: list[Armed]) -> Answer:
    """Accept a task. The answer holds its id and nothing else worth mentioning."""
    key = world.authenticate(heard)
    body = _read_body(face, heard)
    house = world.house(face)
    try:
        order = read_order(body, house)
    except ApiError as error:
        raise _in_flavour(face, error) from error
    world.limits.check("create", key, find_model(body["model"], house)[0] if body.get("model") else "")
    task = world.accept(face, key, order, lambda task_id: _ledger_entry(task_id, order.prompt, body), own)
    if "callback_early" in task.traits:
        world.callbacks.deliver_first(task)
    payload = {"id": task.id}
    if order.safety_identifier:
        payload["safety_identifier"] = order.safety_identifier
    answer = json_answer(payload)
    answer.after = lambda: world.callbacks.open(task)
    return answer


def _read_body(face: str, heard: Heard) -> Any:
    if len(heard.body) > _LARGEST_BODY:
        raise ApiError(413, "RequestBodyTooLarge", "The request body is larger than 64 MB.")
    chunked = "chunked" in heard.headers.get("Transfer-Encoding", "").lower()
    if heard.json is None or (face == "volc" and chunked):
        raise invalid(
            "invalid character looking for beginning of value", code="" if face == "volc" else "InvalidParameter"
        )
    return heard.json


def _in_flavour(face: str, error: ApiError) -> ApiError:
    """The relay has no 404 for models: it finds no channel for them."""
    if face == "volc" and error.status == 404:
        return ApiError(503, "model_not_found", f"No available channel for this model (distributor): {error.message}")
    return error


def _ledger_entry(task_id: str, prompt: str, body: dict[str, Any]) -> Create:
    parameters = {name: value for name, value in body.items() if name not in ("model", "content") and value is not None}
    return Create(task_id, body["model"], prompt, parameters, body)


def get(world: World, face: str, heard: Heard, task_id: str) -> Answer:
    """Show one task."""
    key = world.authenticate(heard)
    world.limits.check("get", key)
    task = _find(world, face, task_id)
    with world.lock:
        _trip_at_transition(task)
        return json_answer(task_body(world, task, world.clock.now(), shown=True))


def _find(world: World, face: str, task_id: str) -> Task:
    task = world.state.find(task_id, face)
    if task is not None:
        return task
    if face == "volc":
        raise ApiError(400, "task_not_exist", "task_not_exist")
    raise ApiError(404, "ResourceNotFound", "The specified resource is not found.")


def _trip_at_transition(task: Task) -> None:
    seen, task.shown_status = task.shown_status, task.status
    if "error_at_transition" in task.traits and seen and seen != task.status:
        raise ApiError(500, "InternalServiceError", "The service encountered an unexpected internal error.")


def list_tasks(world: World, face: str, heard: Heard) -> Answer:
    """Show a page of tasks, newest first. Flex tasks stay hidden unless asked for."""
    key = world.authenticate(heard)
    if face == "volc":
        raise ApiError(404, "", f"Invalid URL ({heard.method} {heard.path})")
    world.limits.check("list", key)
    number, size = _page_parameter(heard, "page_num", 1), _page_parameter(heard, "page_size", 20)
    tasks = [task for task in world.state.remembered(face, heard.query.get("filter.task_ids")) if _fits(heard, task)]
    page = tasks[(number - 1) * size : number * size]
    with world.lock:
        items = [task_body(world, task, world.clock.now()) for task in page]
    return json_answer({"total": len(tasks), "items": items})


def _page_parameter(heard: Heard, name: str, default: int) -> int:
    text = heard.parameter(name, str(default))
    if not text.isdecimal() or not 1 <= int(text) <= _LARGEST_PAGE:
        raise invalid(f"The parameter `{name}` specified in the request is not valid: must be 1 to 500.", name)
    return int(text)


def _fits(heard: Heard, task: Task) -> bool:
    return (
        heard.parameter("filter.status", task.status) == task.status
        and heard.parameter("filter.model", task.model) == task.model
        and heard.parameter("filter.service_tier", "default") == task.order.service_tier
    )


def delete(world: World, face: str, heard: Heard, task_id: str) -> Answer:
    """Cancel a queued task, or delete the record of a finished one."""
    key = world.authenticate(heard)
    if face == "volc":
        raise ApiError(404, "", f"Invalid URL ({heard.method} {heard.path})")
    world.limits.check("delete", key)
    task = _find(world, face, task_id)
    with world.lock:
        if task.status == "queued":
            world.state.cancel(task)
        elif task.status in ("succeeded", "failed", "expired"):
            world.state.forget(task)
        elif task.status == "cancelled":
            raise ApiError(409, "InvalidAction", f"Cannot delete task `{task_id}` because it has been cancelled.")
        else:
            raise ApiError(
                409,
                "InvalidAction.RunningTaskDeletion",
                f"Cannot delete task `{task_id}` because it is currently running.",
            )
    return json_answer({})


def models(world: World, heard: Heard) -> Answer:
    """The hosts' catalogue: every model of the table, with the kinds of input it takes."""
    world.authenticate(heard)
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
    return json_answer({"object": "list", "data": data})
