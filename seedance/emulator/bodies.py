"""A task as JSON in the Ark dialect. Fields that do not apply are left out, never null."""

from __future__ import annotations

from typing import Any

from .app_state import AppState
from .corruption import with_nulls
from .links import result_url, succeeded_at
from .model_table import FRAMES_PER_SECOND
from .tasks import Task


def task_body(app: AppState, task: Task, now: float, shown: bool = False) -> dict[str, Any]:
    """The task object of query, list and callback.

    Args:
        now: decides whether the result is still offered.
        shown: whether this is an response to a query; some faults count those.
    """
    body: dict[str, Any] = {"id": task.id, "model": task.model, "status": task.status}
    if task.status == "failed" and task.error is not None:
        body["error"] = {"code": task.error[0], "message": task.error[1]}
    if task.status == "succeeded":
        task.final_shown += shown
        body |= _result(app, task, now)
    body |= {"created_at": int(task.created_at), "updated_at": int(task.updated_at)}
    if task.status == "succeeded":
        body |= _made(task)
    if task.flavour == "ark":
        body |= _terms(task)
    else:
        body.pop("seed", None)
    return with_nulls(body) if app.options.nulls else body


def _result(app: AppState, task: Task, now: float) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if now < succeeded_at(task) + app.options.url_seconds and not task.still_has("success_without_url"):
        stale = task.still_has("url_expired")
        found["content"] = {"video_url": result_url(app, task, task.spec.output_format, stale)}
        if task.spec.return_last_frame:
            found["content"]["last_frame_url"] = result_url(app, task, "png", stale)
    if task.flavour == "ark" or app.options.volc_usage:
        found["usage"] = usage(task)
    if task.flavour == "ark" and task.spec.tools:
        found["tools"] = [{"type": tool.get("type")} for tool in task.spec.tools]
    return found


def usage(task: Task) -> dict[str, Any]:
    """Billed tokens."""
    found: dict[str, Any] = {"completion_tokens": task.spec.tokens, "total_tokens": task.spec.tokens}
    if any(tool.get("type") == "web_search" for tool in task.spec.tools):
        found["tool_usage"] = {"web_search": 1}
    return found


def _made(task: Task) -> dict[str, Any]:
    """What became of the parameters; only finished videos tell."""
    spec = task.spec
    length = {"frames": spec.frames} if spec.frames else {"duration": spec.duration}
    return {
        "seed": task.seed,
        "resolution": spec.resolution,
        "ratio": spec.ratio,
        **length,
        "framespersecond": FRAMES_PER_SECOND,
    }


def _terms(task: Task) -> dict[str, Any]:
    """The conditions under which a task runs, told in every status."""
    spec = task.spec
    terms: dict[str, Any] = {
        "service_tier": spec.service_tier,
        "execution_expires_after": spec.execution_expires_after,
    }
    if spec.model.audio:
        terms |= {"generate_audio": spec.generate_audio, "draft": spec.draft}
    if spec.draft_task_id:
        terms["draft_task_id"] = spec.draft_task_id
    if spec.model.priority:
        terms["priority"] = spec.priority
        if task.status == "succeeded":
            terms["output_format"] = spec.output_format
    if spec.safety_identifier:
        terms["safety_identifier"] = spec.safety_identifier
    return terms
