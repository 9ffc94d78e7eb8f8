"""A task as JSON in the Ark dialect. Fields that do not apply are left out, never null."""

from __future__ import annotations

from typing import Any

from .damage import with_nulls
from .links import result_url, succeeded_at
from .table import FRAMES_PER_SECOND
from .tasks import Task
from .world import World


def task_body(world: World, task: Task, now: float, shown: bool = False) -> dict[str, Any]:
    """The task object of query, list and callback.

    Args:
        now: decides whether the result is still offered.
        shown: whether this is an answer to a query; some faults count those.
    """
    body: dict[str, Any] = {"id": task.id, "model": task.model, "status": task.status}
    if task.status == "failed" and task.error is not None:
        body["error"] = {"code": task.error[0], "message": task.error[1]}
    if task.status == "succeeded":
        task.final_shown += shown
        body |= _result(world, task, now)
    body |= {"created_at": int(task.created_at), "updated_at": int(task.updated_at)}
    if task.status == "succeeded":
        body |= _made(task)
    if task.face == "ark":
        body |= _terms(task)
    else:
        body.pop("seed", None)
    return with_nulls(body) if world.options.nulls else body


def _result(world: World, task: Task, now: float) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if now < succeeded_at(task) + world.options.url_seconds and not task.still_has("success_without_url"):
        stale = task.still_has("url_expired")
        found["content"] = {"video_url": result_url(world, task, task.order.output_format, stale)}
        if task.order.return_last_frame:
            found["content"]["last_frame_url"] = result_url(world, task, "png", stale)
    if task.face == "ark" or world.options.volc_usage:
        found["usage"] = usage(task)
    if task.face == "ark" and task.order.tools:
        found["tools"] = [{"type": tool.get("type")} for tool in task.order.tools]
    return found


def usage(task: Task) -> dict[str, Any]:
    """Billed tokens."""
    found: dict[str, Any] = {"completion_tokens": task.order.tokens, "total_tokens": task.order.tokens}
    if any(tool.get("type") == "web_search" for tool in task.order.tools):
        found["tool_usage"] = {"web_search": 1}
    return found


def _made(task: Task) -> dict[str, Any]:
    """What became of the parameters; only finished videos tell."""
    order = task.order
    length = {"frames": order.frames} if order.frames else {"duration": order.duration}
    return {
        "seed": task.seed,
        "resolution": order.resolution,
        "ratio": order.ratio,
        **length,
        "framespersecond": FRAMES_PER_SECOND,
    }


def _terms(task: Task) -> dict[str, Any]:
    """The conditions under which a task runs, told in every status."""
    order = task.order
    terms: dict[str, Any] = {
        "service_tier": order.service_tier,
        "execution_expires_after": order.execution_expires_after,
    }
    if order.model.audio:
        terms |= {"generate_audio": order.generate_audio, "draft": order.draft}
    if order.draft_task_id:
        terms["draft_task_id"] = order.draft_task_id
    if order.model.priority:
        terms["priority"] = order.priority
        if task.status == "succeeded":
            terms["output_format"] = order.output_format
    if order.safety_identifier:
        terms["safety_identifier"] = order.safety_identifier
    return terms
