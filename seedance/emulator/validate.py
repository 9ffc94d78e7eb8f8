"""From a create body to a TaskSpec, refusing what the live service refuses at once, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .content import Content, read_content
from .errors import invalid
from .reading import Reading
from .task_spec import TaskSpec
from .validation_context import ValidationContext, find_model

_TYPES: Mapping[str, type] = {
    "callback_url": str,
    "return_last_frame": bool,
    "service_tier": str,
    "execution_expires_after": int,
    "generate_audio": bool,
    "draft": bool,
    "tools": list,
    "safety_identifier": str,
    "priority": int,
    "resolution": str,
    "ratio": str,
    "duration": int,
    "frames": int,
    "seed": int,
    "camera_fixed": bool,
    "watermark": bool,
    "output_format": str,
    "omni_reference_task_type": str,
}
_GO_TYPES = {str: "string", bool: "bool", int: "int64", list: "[]tool"}


def read_spec(body: Any, context: ValidationContext) -> TaskSpec:
    """Check a create body and fill in every default.

    Raises:
        ApiError: with the one problem that is reported.
    """
    if not isinstance(body, dict):
        raise invalid("json: cannot unmarshal the request body into Go value of type request")
    fields = {name: value for name, value in body.items() if value is not None}
    if not fields.get("model"):
        raise invalid("The request is missing `model` parameter.", "model", "MissingParameter")
    model_id, model = find_model(fields["model"], context)
    content = read_content(fields.get("content"))
    _check_types(fields)
    if content.mode == "draft":
        return _final_of_draft(fields, content, context)
    return Reading(model_id, model, fields, content, context).spec()


def _check_types(fields: Mapping[str, Any]) -> None:
    for name, wanted in _TYPES.items():
        value = fields.get(name)
        if value is None:
            continue
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            given = type(value).__name__
            raise invalid(
                f"json: cannot unmarshal {given} into Go struct field .{name} of type {_GO_TYPES[wanted]}", name
            )


def _final_of_draft(fields: Mapping[str, Any], content: Content, context: ValidationContext) -> TaskSpec:
    draft = context.find_draft(content.draft_task_id)
    if draft is None:
        raise invalid(
            "The parameter `content[0].draft_task.id` specified in the request is not valid: draft task not found.",
            "content[0].draft_task",
        )
    resolution = fields.get("resolution") or ("1080p" if draft.model.omni else draft.model.default_resolution)
    if resolution not in draft.model.resolutions:
        raise invalid("the parameter resolution specified in the request is not valid for the draft task", "resolution")
    return TaskSpec(
        model_id=draft.model_id,
        model=draft.model,
        mode=draft.mode,
        prompt=draft.prompt,
        resolution=resolution,
        ratio=draft.ratio,
        duration=draft.duration,
        frames=draft.frames,
        seed=draft.seed,
        camera_fixed=draft.camera_fixed,
        generate_audio=draft.generate_audio,
        watermark=fields.get("watermark", False),
        return_last_frame=fields.get("return_last_frame", False),
        service_tier=fields.get("service_tier", "default"),
        execution_expires_after=fields.get("execution_expires_after", 172800),
        draft_task_id=content.draft_task_id,
        callback_url=fields.get("callback_url", ""),
    )
