"""CometAPI's unified dialect: multipart create, query and download under /v1/videos."""

from __future__ import annotations

import re
from typing import Any

from .app_state import AppState
from .errors import ApiError, invalid
from .faults import Armed
from .files import file_response, result_file
from .links import result_url, succeeded_at
from .model_table import BY_UNIFIED_NAME, RATIOS, Model
from .multipart import Form, read_form
from .prompt import spoken_words
from .task_spec import TaskSpec
from .tasks import Create, Task
from .wire import Request, Response, json_response

FACE = "videos"
_WORDS = {"queued": "queued", "running": "in_progress", "succeeded": "completed", "expired": "failed"}
_UPPER = {"queued": "QUEUED", "in_progress": "IN_PROGRESS", "completed": "SUCCESS", "failed": "FAILURE"}
_RELAY_PROGRESS = {"queued": "10%", "in_progress": "50%", "completed": "100%", "failed": "100%"}
_SIZE = re.compile(r"(\d+)[xX*](\d+)")
_IMAGE_TYPES = ("image/jpeg", "image/png", "image/webp")


# -- create ----------------------------------------------------------------------------------------------------------


def create(app: AppState, request: Request, own: list[Armed]) -> Response:
    """Accept a task from a multipart form."""
    key = app.authenticate(request)
    form = read_form(request)
    spec = _read_order(app, form)
    app.limits.check("create", key, spec.model_id)

    def ledger_entry(task_id: str) -> Create:
        rest = {name: value for name, value in form.fields.items() if name not in ("model", "prompt")}
        return Create(task_id, form.fields["model"], spec.prompt, rest, {**form.fields, "files": form.file_names})

    task = app.accept(FACE, key, spec, ledger_entry, own)
    return json_response(
        {
            "id": task.id,
            "task_id": task.id,
            "object": "video",
            "model": spec.model_id,
            "status": _word(app, task),
            "progress": 0,
            "created_at": int(task.created_at),
        }
    )


def _read_order(app: AppState, form: Form) -> TaskSpec:
    name = form.fields.get("model", "")
    if not name:
        raise invalid("model is required", "model", "invalid_request")
    model = BY_UNIFIED_NAME.get(name)
    if model is None or name in app.options.closed_models:
        raise ApiError(
            503, "model_not_found", f"No available channel for model {name} under group default (distributor)"
        )
    prompt = form.fields.get("prompt", "")
    if not spoken_words(prompt):
        raise invalid("prompt is required", "prompt", "invalid_request")
    _check_files(model, form, name)
    resolution, ratio = _read_size(model, form, name)
    seconds = _read_seconds(model, form, name)
    return TaskSpec(
        model_id=name,
        model=model,
        mode="r2v" if form.files else "t2v",
        prompt=prompt,
        resolution=resolution,
        ratio=ratio,
        duration=seconds,
    )


def _check_files(model: Model, form: Form, name: str) -> None:
    if not form.files:
        return
    if "r2v" not in model.modes:
        raise invalid(f"the specified task_type r2v does not support model {name}", "input_reference")
    for each in form.files:
        if each.content_type not in _IMAGE_TYPES:
            raise invalid(f"unsupported input_reference type {each.content_type}", "input_reference")


def _read_seconds(model: Model, form: Form, name: str) -> int:
    text = form.fields.get("seconds") or "5"
    if not text.isdecimal() or not model.shortest <= int(text) <= model.longest_unified:
        raise invalid(
            f"seconds must be between {model.shortest} and {model.longest_unified} for model {name}", "seconds"
        )
    return int(text)


def _read_size(model: Model, form: Form, name: str) -> tuple[str, str]:
    """Resolution and ratio, from a ratio preset, an exact pixel size, or the defaults."""
    offered = [each for each in model.resolutions if not (model.omni and each == "1080p")]
    size, resolution = form.fields.get("size") or "16:9", form.fields.get("resolution") or model.default_resolution
    if resolution not in offered:
        raise invalid(f"the parameter resolution specified in the request is not valid for model {name}", "resolution")
    if size in RATIOS:
        return resolution, size
    match = _SIZE.fullmatch(size)
    for each in offered if match else ():
        for ratio in RATIOS:
            if match and model.size(each, ratio) == (int(match[1]), int(match[2])):
                return each, ratio
    raise invalid(f"the parameter size specified in the request is not valid for model {name}", "size")


# -- query and download ----------------------------------------------------------------------------------------------


def get(app: AppState, request: Request, task_id: str) -> Response:
    """Show one task, in the plain or the relay form."""
    key = app.authenticate(request)
    app.limits.check("get", key)
    task = _find(app, task_id)
    with app.lock:
        _trip_at_transition(task)
        task.final_shown += task.status == "succeeded"
        return json_response(_relay_body(app, task) if app.options.relay_envelope else _body(app, task))


def _find(app: AppState, task_id: str) -> Task:
    task = app.store.find(task_id, FACE)
    if task is None or app.clock.now() < task.created_at + app.options.initialising_seconds:
        raise ApiError(400, "task_not_exist", "task_not_exist")
    return task


def _trip_at_transition(task: Task) -> None:
    seen, task.shown_status = task.shown_status, task.status
    if "error_at_transition" in task.behaviours and seen and seen != task.status:
        raise ApiError(500, "", "upstream error: internal server error")


def _plain_word(task: Task) -> str:
    return _WORDS.get(task.status, task.status)


def _word(app: AppState, task: Task) -> str:
    word = _plain_word(task)
    return _UPPER.get(word, word.upper()) if app.options.videos_upper_case else word


def _progress(app: AppState, task: Task) -> int:
    if task.is_final:
        return 100
    if task.status == "queued":
        return 0
    passed = app.clock.now() - task.updated_at
    return min(99, 10 + int(80 * passed / (passed + 1 + app.options.run_seconds)))


def _body(app: AppState, task: Task) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": task.id,
        "task_id": task.id,
        "object": "video",
        "model": task.model,
        "status": _word(app, task),
        "progress": _progress(app, task),
        "created_at": int(task.created_at),
    }
    if task.is_final:
        body["completed_at"] = int(task.updated_at)
    if url := _video_url(app, task):
        body["video_url"] = url
    return body


def _video_url(app: AppState, task: Task) -> str:
    if task.status != "succeeded" or app.clock.now() >= succeeded_at(task) + app.options.url_seconds:
        return ""
    if task.still_has("success_without_url"):
        return ""
    return result_url(app, task, "mp4", stale=task.still_has("url_expired"))


def _relay_body(app: AppState, task: Task) -> dict[str, Any]:
    """The envelope of the new-api family: upper case, per cent, and the link where one expects a reason."""
    word = _plain_word(task)
    url = _video_url(app, task)
    reason = task.error[1] if task.status == "failed" and task.error else url
    return {
        "code": "success",
        "message": "",
        "data": {
            "task_id": task.id,
            "status": _UPPER.get(word, "IN_PROGRESS"),
            "fail_reason": reason,
            "progress": _RELAY_PROGRESS.get(word, "30%"),
            "submit_time": int(task.created_at),
            "start_time": next((int(at) for status, at in task.history if status == "running"), 0),
            "finish_time": int(task.updated_at) if task.is_final else 0,
            "data": _body(app, task),
        },
    }


def content(app: AppState, request: Request, task_id: str) -> Response:
    """The video itself, for the key that made it."""
    app.authenticate(request)
    task = _find(app, task_id)
    delay = app.options.content_delay_seconds
    if task.status != "succeeded" or app.clock.now() < succeeded_at(task) + delay:
        error = {
            "message": f"Task is not completed yet, current status: {_word(app, task)}",
            "type": "invalid_request_error",
        }
        return json_response({"error": error}, 400)
    if app.clock.now() >= succeeded_at(task) + app.options.url_seconds:
        raise ApiError(404, "", "video content has expired")
    return file_response(request, result_file(app, task, "mp4"), "mp4", succeeded_at(task))


# -- catalogue -------------------------------------------------------------------------------------------------------


def keyed_models(app: AppState, request: Request) -> Response:
    """The models of this route as an OpenAI-like list."""
    app.authenticate(request)
    data = [{"id": name, "object": "model", "created": 0, "owned_by": "bytedance"} for name in BY_UNIFIED_NAME]
    return json_response({"object": "list", "data": data})


def public_models() -> dict[str, Any]:
    """The public catalogue, without prices that could be mistaken for real ones."""
    data = [
        {
            "id": name,
            "provider": "bytedance",
            "model_type": "video",
            "features": sorted(model.modes),
            "pricing": {"currency": "USD", "input": None, "output": None, "per_request": None, "per_second": None},
            "api_doc_url": "",
            "code": name,
        }
        for name, model in BY_UNIFIED_NAME.items()
    ]
    return {"success": True, "page": 1, "page_size": len(data), "total": len(data), "data": data}
