"""The `content[]` of a create request: its kinds, roles and modes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .errors import invalid
from .inputs import InputRules, inspect_medium
from .model_table import Model
from .prompt import spoken_words

_KINDS = ("text", "image_url", "audio_url", "video_url")
_IMAGE_ROLES = ("first_frame", "last_frame", "reference_image")
_REFERENCE_ROLES = {"image": "reference_image", "video": "reference_video", "audio": "reference_audio"}


@dataclass(frozen=True, slots=True)
class Medium:
    """One image, video or audio item; `param` is its path in the request."""

    kind: str
    role: str
    url: str
    param: str


@dataclass(slots=True)
class Content:
    """The items, sorted. `mode` is the provider's word: t2v, i2v, flf2v, r2v, or `draft` for the final of a draft."""

    texts: list[str] = field(default_factory=list)
    media: list[Medium] = field(default_factory=list)
    draft_task_id: str = ""
    mode: str = "t2v"
    #: Pixels of the first image, when its bytes were part of the request.
    first_size: tuple[int, int] | None = None

    @property
    def prompt(self) -> str:
        return "\n".join(self.texts)

    def count(self, kind: str) -> int:
        return sum(medium.kind == kind for medium in self.media)


def read_content(value: Any) -> Content:
    """Sort the items and settle the mode, without asking what the model can do.

    Raises:
        ApiError: 400 for a wrong kind, role or mixture; 400 MissingParameter when there is nothing.
    """
    if value is None:
        raise invalid("The request is missing `content` parameter.", "content", "MissingParameter")
    if not isinstance(value, list):
        raise invalid("json: cannot unmarshal value into Go struct field .content of type []content", "content")
    if not value:
        raise invalid("The parameter `content` specified in the request is not valid: must not be empty.", "content")
    content = Content()
    for index, item in enumerate(value):
        _read_item(content, item, f"content[{index}]")
    content.mode = _mode(content)
    return content


def _read_item(content: Content, item: Any, param: str) -> None:
    if not isinstance(item, dict):
        raise invalid(f"json: cannot unmarshal value into Go struct field .{param} of type content", param)
    kind = item.get("type")
    if kind == "text":
        text = item.get("text")
        if not isinstance(text, str):
            raise invalid(f"The parameter `{param}.text` is not valid: expected a string.", f"{param}.text")
        content.texts.append(text)
    elif kind == "draft_task":
        content.draft_task_id = _payload(item, "draft_task", "id", param)
    elif kind in _KINDS:
        role = item.get("role") or ""
        url = _payload(item, kind, "url", param)
        content.media.append(Medium(kind.removesuffix("_url"), role, url, f"{param}.{kind}"))
    else:
        raise invalid(
            f"The parameter `{param}.type` specified in the request is not valid: supported values are: "
            + ", ".join(_KINDS),
            f"{param}.type",
        )


def _payload(item: dict[str, Any], kind: str, key: str, param: str) -> str:
    payload = item.get(kind)
    if not isinstance(payload, dict):
        raise invalid(f"json: cannot unmarshal value into Go struct field .{param}.{kind} of type object", param)
    value = payload.get(key)
    if not isinstance(value, str) or not value:
        raise invalid(
            f"The request is missing `{param}.{kind}.{key}` parameter.", f"{param}.{kind}", "MissingParameter"
        )
    return value


def _mode(content: Content) -> str:
    if content.draft_task_id:
        if content.texts or content.media:
            raise invalid("The parameter `content` is not valid: draft_task must be the only content item.", "content")
        return "draft"
    for medium in content.media:
        _check_role(medium)
    roles = [medium.role for medium in content.media]
    referring = any(role.startswith("reference_") for role in roles) or content.count("video") or content.count("audio")
    framing = "first_frame" in roles or "last_frame" in roles
    if referring and framing:
        raise invalid("first/last frame content cannot be mixed with reference media content", "content")
    if referring:
        _check_reference_roles(content.media)
        return "r2v"
    return _frames_mode(content, roles)


def _check_role(medium: Medium) -> None:
    if medium.kind == "image" and medium.role and medium.role not in _IMAGE_ROLES:
        raise invalid("invalid role specified for image content", medium.param)
    wanted = _REFERENCE_ROLES[medium.kind]
    if medium.kind != "image" and medium.role != wanted:
        raise invalid(f"reference media mode requires {medium.kind} role to be {wanted}", medium.param)


def _check_reference_roles(media: list[Medium]) -> None:
    for medium in media:
        wanted = _REFERENCE_ROLES[medium.kind]
        if medium.role != wanted:
            raise invalid(f"reference media mode requires {medium.kind} role to be {wanted}", medium.param)


def _frames_mode(content: Content, roles: list[str]) -> str:
    if len(roles) >= 2 and not all(roles):
        raise invalid(
            "The parameter `content` specified in the request is not valid: role must be specified for image contents",
            "content",
        )
    for role, name in (("first_frame", "first"), ("last_frame", "last")):
        if roles.count(role) > 1:
            raise invalid(f"expected at most one {name} frame image content but got {roles.count(role)} instead")
    if roles == ["last_frame"]:
        raise invalid("last frame image content requires a first frame image content", "content")
    if not roles:
        if not spoken_words(content.prompt):
            raise invalid("text content must contain a prompt description", "content")
        return "t2v"
    return "flf2v" if len(roles) == 2 else "i2v"


def check_mode(content: Content, model: Model, name: str) -> None:
    """Refuse a mode or a mixture that this model lacks.

    Counts are not checked: the live service lets more through than it documents.
    """
    if content.mode == "flf2v" and "flf2v" not in model.modes:
        raise invalid(f"the specified model {name} does not support last frame image", "content")
    if content.mode != "draft" and content.mode not in model.modes:
        raise invalid(f"the specified task_type {content.mode} does not support model {name}", "content")
    if content.mode != "r2v":
        return
    for kind in ("video", "audio"):
        if content.count(kind) and not model.reference_media:
            raise invalid(f"the specified task_type r2v does not support {kind} content for model {name}", "content")
    if content.count("audio") == len(content.media) and not model.audio_alone:
        raise invalid(f"audio content must come with image or video content for model {name}", "content")


def check_media(content: Content, rules: InputRules) -> None:
    """Look at every medium as far as the emulator can, and note the first image's size."""
    for medium in content.media:
        size = inspect_medium(medium.kind, medium.url, medium.param, rules)
        content.first_size = content.first_size or size
