"""Per parameter: may it have this value, for this model and in this mode? Its type is right already."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from ..inputs import FRAME_ROLES
from ..parameters import PARAMETERS
from ..review import MODE_LABELS, Review, listed
from ..rows import ModelRow

_WEB_SEARCH = [{"type": "web_search"}]
_TIERS = ("default", "flex")
_IDENTIFIER = re.compile(r"[\x21-\x7e]{1,64}")

#: Task types that continue or change a given video, whose shape they keep.
_VIDEO_TASKS = frozenset({"edit", "extend"})


def _check_duration(review: Review, seconds: int) -> None:
    row = review.row
    if row is None:
        return
    limits = row.limits.duration
    if review.task_type == "edit" and row.capabilities.task_types:
        _check_edit_duration(review, seconds)
    elif not (limits.minimum <= seconds <= limits.maximum or (seconds == -1 and limits.auto)):
        _refuse_duration(review, row, seconds)


def _check_edit_duration(review: Review, seconds: int) -> None:
    if seconds != -1:
        review.add_model_error(
            "duration",
            "edit_duration",
            _("An edited video is as long as the given one, so duration must be -1."),
            _("Write -1, or leave it out."),
            suggest=[-1, None],
        )


def _refuse_duration(review: Review, row: ModelRow, seconds: int) -> None:
    limits = row.limits.duration
    auto = _(", or -1 to let the model choose") if limits.auto else ""
    review.add_model_error(
        "duration",
        "out_of_range",
        _("%(title)s makes %(min)s to %(max)s whole seconds here%(auto)s; %(value)s is not among them."),
        _("Write a duration from %(min)s to %(max)s."),
        suggest=[limits.minimum, limits.maximum],
        title=row.title,
        min=limits.minimum,
        max=limits.maximum,
        auto=auto,
        value=_shown(seconds),
    )


def _check_ratio(review: Review, ratio: str) -> None:
    row, mode = review.row, review.mode
    if row is None:
        return
    allowed = row.ratios(mode)
    if review.task_type in _VIDEO_TASKS and row.capabilities.task_types:
        allowed = ("adaptive",)
    if ratio in allowed:
        return
    if ratio in row.limits.ratios:
        review.add_model_error(
            "ratio",
            "ratio_follows_input",
            _("%(title)s takes the ratio from what it is given here, so ratio must be adaptive."),
            _("Write adaptive, or leave it out."),
            suggest=["adaptive", None],
            title=row.title,
        )
    else:
        _refuse_choice(review, row, "ratio", ratio, allowed)


def _check_resolution(review: Review, resolution: str) -> None:
    row = review.row
    if row is None:
        return
    # 4k is the one name the provider takes in either case.
    wanted = "4k" if resolution == "4K" else resolution
    allowed = row.resolutions(review.mode)
    if review.inputs.parameters.get("draft") is True and review.mode != "draft_final":
        _check_draft_resolution(review, wanted)
    elif wanted not in allowed:
        _refuse_choice(review, row, "resolution", resolution, allowed)
    elif wanted in row.limits.unconfirmed_resolutions:
        warn_undocumented(review, row, "resolution", wanted)


def warn_undocumented(review: Review, row: ModelRow, field: str, name: str) -> None:
    """Warn of a parameter or a value that this host's pages do not have for the model."""
    review.add_warning(
        field,
        "undocumented_here",
        _("This provider's pages do not have %(name)s for %(title)s, though another provider's do."),
        _("Leave %(name)s out, unless you know that it works."),
        name=name,
        title=row.title,
    )


def _check_draft_resolution(review: Review, resolution: str) -> None:
    if resolution != "480p":
        review.add_error(
            "resolution",
            "draft_resolution",
            _("A draft is always 480p."),
            _("Write 480p, or leave it out; the final video may be larger."),
            suggest=["480p", None],
        )


def _refuse_choice(review: Review, row: ModelRow, name: str, value: str, allowed: Sequence[str]) -> None:
    review.add_model_error(
        name,
        "not_offered",
        _("%(title)s does not offer %(name)s %(value)s for %(mode)s here; it offers %(allowed)s."),
        _("Write one of %(allowed)s.") if allowed else _("Leave %(name)s out."),
        suggest=allowed or [None],
        title=row.title,
        name=name,
        value=_shown(value),
        mode=MODE_LABELS[review.mode],
        allowed=listed(allowed) or "-",
    )


def _check_frames(review: Review, frames: int) -> None:
    allowed = _range("frames")
    if frames not in allowed:
        nearest = min(allowed, key=lambda count: abs(count - frames))
        review.add_error(
            "frames",
            "out_of_range",
            _("frames is a number from %(first)s to %(last)s in steps of %(step)s, such as 121 for five seconds."),
            _("Write %(nearest)s."),
            suggest=[nearest],
            first=allowed[0],
            last=allowed[-1],
            step=allowed.step,
            nearest=nearest,
        )
    if review.inputs.parameters.get("duration") is not None:
        review.add_error(
            "frames",
            "frames_and_duration",
            _("frames and duration both set the length, and only one may."),
            _("Keep frames or duration, and leave the other out."),
            suggest=[None],
        )


def check_range(review: Review, name: str, value: int) -> None:
    """Is a number in the range that the parameter has for every model?"""
    allowed = _range(name)
    if value not in allowed:
        review.add_error(
            name,
            "out_of_range",
            _("%(name)s is a whole number from %(first)s to %(last)s."),
            _("Write a number in that range, or leave it out."),
            suggest=[allowed[0], allowed[-1], None],
            name=name,
            first=allowed[0],
            last=allowed[-1],
        )


def _range(name: str) -> range:
    allowed = PARAMETERS[name].range
    if allowed is None:
        raise ValueError(f"{name} has no range of its own.")
    return allowed


def _check_return_last_frame(review: Review, wanted: bool) -> None:
    if wanted and review.inputs.parameters.get("draft") is True:
        review.add_error(
            "return_last_frame",
            "draft_last_frame",
            _("A draft does not return its last frame."),
            _("Leave return_last_frame out, and ask for it with the final video."),
            suggest=[None],
        )


def _check_service_tier(review: Review, tier: str) -> None:
    row = review.row
    if tier == "flex" and review.inputs.parameters.get("draft") is True:
        review.add_error(
            "service_tier",
            "draft_flex",
            _("A draft is only made on the default service tier."),
            _("Leave service_tier out, or write default."),
            suggest=[None, "default"],
        )
    if tier not in _TIERS:
        review.add_error(
            "service_tier",
            "unknown_value",
            _("service_tier is one of %(allowed)s."),
            _("Write default, or leave it out."),
            suggest=["default", None],
            allowed=listed(_TIERS),
        )
    elif row is not None and tier not in row.capabilities.service_tiers:
        _refuse_choice(review, row, "service_tier", tier, row.capabilities.service_tiers)


def _check_priority(review: Review, priority: int) -> None:
    check_range(review, "priority", priority)
    if review.inputs.parameters.get("service_tier") == "flex":
        review.add_error(
            "priority",
            "priority_flex",
            _("priority only counts on the default service tier."),
            _("Leave priority out, or write default as the service_tier."),
            suggest=[None],
        )


def _check_safety_identifier(review: Review, identifier: str) -> None:
    if not _IDENTIFIER.fullmatch(identifier):
        review.add_error(
            "safety_identifier",
            "safety_identifier_invalid",
            _("safety_identifier is 1 to 64 ASCII characters without spaces."),
            _("Write a short hash of the end user, always the same for the same person."),
        )


def _check_tools(review: Review, tools: Any) -> None:
    if list(tools) != _WEB_SEARCH:
        review.add_error(
            "tools",
            "unknown_value",
            _("The only tool there is, is a web search."),
            _('Write [{"type": "web_search"}], or leave it out.'),
            suggest=[_WEB_SEARCH, None],
        )
    if review.inputs.media:
        review.add_error(
            "tools",
            "tools_with_media",
            _("A web search only goes with a request that is all text."),
            _("Leave tools out, or remove the media."),
            suggest=[None],
        )


def check_word(
    review: Review, name: str, word: str, allowed: Sequence[str], fitting: Sequence[str] | None = None
) -> bool:
    """Whether a word is one that the model knows; nothing is known of a model that does not take the parameter.

    Args:
        fitting: those of ``allowed`` that go with the rest of the request, when not all do.
    """
    if review.row is not None and allowed and word not in allowed:
        _refuse_choice(review, review.row, name, word, allowed if fitting is None else fitting)
        return False
    return True


def _check_task_type(review: Review, task_type: str) -> None:
    roles = {medium.role for medium in review.inputs.media}
    known = review.row.capabilities.task_types if review.row else ()
    without = (_VIDEO_TASKS if "reference_video" not in roles else set()) | (
        set() if roles - FRAME_ROLES else {"reference"}
    )
    fitting = [word for word in known if word not in without]
    if not check_word(review, "omni_reference_task_type", task_type, known, fitting):
        return
    if task_type in _VIDEO_TASKS and "reference_video" not in roles:
        review.add_error(
            "omni_reference_task_type",
            "task_type_needs_video",
            _("The task types edit and extend work on a given video."),
            _("Add a video with the role reference_video, or write another task type."),
            suggest=["auto"],
        )
    elif task_type == "reference" and not roles - FRAME_ROLES:
        review.add_error(
            "omni_reference_task_type",
            "task_type_needs_reference",
            _("The task type reference works on given reference media."),
            _("Add media with a reference role, or leave the task type out."),
            suggest=[None],
        )


def _shown(value: object) -> str:
    return str(value)[:40]


#: Parameter -> its rule. Without one, the range or the words of its entry are all that is checked.
VALUE_RULES: Mapping[str, Callable[[Review, Any], None]] = {
    "duration": _check_duration,
    "ratio": _check_ratio,
    "resolution": _check_resolution,
    "frames": _check_frames,
    "return_last_frame": _check_return_last_frame,
    "service_tier": _check_service_tier,
    "priority": _check_priority,
    "safety_identifier": _check_safety_identifier,
    "tools": _check_tools,
    "omni_reference_task_type": _check_task_type,
}
