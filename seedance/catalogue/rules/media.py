"""Rules about media: roles, combinations, counts and the size of the request body."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from math import ceil

from django.utils.translation import gettext_lazy as _

from ..inputs import FRAME_ROLES, MEDIA_ROLES, MediaInput
from ..review import MODE_LABELS, Review, listed
from ..rows import ModelRow
from ..violations import Text, only_errors
from .file import check_clip_totals, check_file
from .url import check_url

#: Bytes of the whole JSON body. Source: Ark 1520757 (create a task), read 2026-11-22.
_LARGEST_BODY = 64_000_000

#: With more media than any model takes, no role is tried on one of them.
_MOST_TRIED = 64

#: What ``/v1/videos`` has a form field for. Source: CometAPI, Seedance create, read 2026-11-22.
_VIDEOS_ROLE = "reference_image"


def check_media(review: Review) -> None:
    """Every rule about media: one by one, then together."""
    if review.inputs.draft_task_id:
        _check_inherited(review)
        return
    for index, medium in enumerate(review.inputs.media):
        _check_medium(review, index, medium)
    _check_together(review)
    _check_body_size(review)


def _check_together(review: Review) -> None:
    """Rules about all media together. Where the host takes one of them not at all, only that one is reported."""
    if all(_is_carried(review, medium) for medium in review.inputs.media):
        _check_mixture(review)
        if review.row is not None and review.mode_is_clear:
            _check_mode(review, review.row)
    _check_repeats(review)
    check_clip_totals(review)


def _is_carried(review: Review, medium: MediaInput) -> bool:
    return not medium.kind or review.host.dialect != "openai_video" or medium.role == _VIDEOS_ROLE


def _check_inherited(review: Review) -> None:
    if review.inputs.media:
        review.add_error(
            "media",
            "inherited",
            _("The final video of a draft takes its media from the draft and allows none of its own."),
            _("Remove the media."),
            suggest=[()],
        )


def _check_medium(review: Review, index: int, medium: MediaInput) -> None:
    place = f"media[{index}]"
    if review.host.dialect == "openai_video" and medium.url:
        _refuse_address(review, place)
    if not medium.kind:
        _refuse_role(review, index, medium.role)
        return
    if review.host.dialect == "openai_video":
        _check_carried(review, index, medium)
    elif medium.role not in FRAME_ROLES and not review.host.documents_references:
        review.add_warning(
            f"{place}.role",
            "may_not_be_forwarded",
            _("This provider documents only first and last frames, and may drop a %(role)s silently."),
            _("Check the result before you rely on it, or use another provider."),
            role=medium.role,
        )
    if medium.url:
        check_url(review, f"{place}.url", medium)
    check_file(review, f"{place}.file", medium)


def _refuse_role(review: Review, index: int, role: str) -> None:
    place, fitting = f"media[{index}].role", _fitting_roles(review, index)
    hint = _("Remove this medium, or pick another model.")
    if fitting:
        hint = _("Write %(fitting)s, or remove this medium.")
    if {"first_frame", "reference_image"} <= set(fitting):
        hint = _("Write first_frame for an image the video starts with, or reference_image for one it should resemble.")
    values = {"suggest": fitting, "roles": listed(tuple(MEDIA_ROLES)), "fitting": listed(fitting)}
    if role:
        message = _("There is no role %(role)s; a medium is one of %(roles)s.")
        review.add_error(place, "role_unknown", message, hint, role=role[:40], **values)
    else:
        message = _("Every medium needs a role: one of %(roles)s.")
        review.add_error(place, "role_missing", message, hint, **values)


def _fitting_roles(review: Review, index: int, roles: Iterable[str] = tuple(MEDIA_ROLES)) -> list[str]:
    """The roles that one medium could have in this request."""
    if len(review.inputs.media) > _MOST_TRIED:
        return []
    return [role for role in roles if _is_fitting(review, index, role)]


def _is_fitting(review: Review, index: int, role: str) -> bool:
    place, media = f"media[{index}]", list(review.inputs.media)
    media[index] = replace(media[index], role=role)
    trial = review.trial(media=tuple(media))
    _check_medium(trial, index, media[index])
    _check_together(trial)
    # That the route takes no addresses is a violation of its own.
    separate = (f"{place}.url", "not_carried")
    return all((violation.field, violation.code) == separate for violation in only_errors(trial.violations))


def _check_carried(review: Review, index: int, medium: MediaInput) -> None:
    place = f"media[{index}]"
    if medium.role != _VIDEOS_ROLE:
        fitting = _fitting_roles(review, index, [_VIDEOS_ROLE])
        message = _("This provider's route has no place for a %(role)s here.")
        hint = _("Remove it, or use another model or provider.")
        if fitting:
            message = _("This provider's route has no place for a %(role)s; it takes %(carried)s.")
            hint = _("Write %(carried)s for an image, or use another provider.")
        values = {"role": medium.role, "carried": _VIDEOS_ROLE}
        review.add_error(f"{place}.role", "not_carried", message, hint, suggest=fitting, **values)


def _refuse_address(review: Review, place: str) -> None:
    review.add_error(
        f"{place}.url",
        "not_carried",
        _("This provider's route takes image files and no addresses."),
        _("Upload the file, or use another provider."),
    )


def _check_mixture(review: Review) -> None:
    roles = {medium.role for medium in review.inputs.media if medium.kind}
    if roles & FRAME_ROLES and roles - FRAME_ROLES:
        review.add_error(
            "media",
            "roles_mixed",
            _("First and last frames cannot be mixed with reference media; a request has one or the other."),
            _("Keep the frames or the references, and remove the rest."),
        )
    if "last_frame" in roles and "first_frame" not in roles:
        review.add_error(
            "media",
            "first_frame_missing",
            _("A last_frame needs a first_frame beside it."),
            _("Add a first_frame, or make this image the first_frame."),
        )


def _check_repeats(review: Review) -> None:
    seen: Counter[str] = Counter()
    for index, medium in enumerate(review.inputs.media):
        seen[medium.role] += 1
        if medium.role in FRAME_ROLES and seen[medium.role] > 1:
            review.add_error(
                f"media[{index}].role",
                "role_repeated",
                _("There can be one %(role)s at most."),
                _("Remove this one, or give it another role."),
                role=medium.role,
            )


def _check_mode(review: Review, row: ModelRow) -> None:
    if review.mode not in row.capabilities.modes:
        review.add_model_error(
            "media",
            "mode_not_supported",
            _("%(title)s does not do %(mode)s here; it does %(modes)s."),
            _("Change the media to one of these, or pick another model."),
            title=row.title,
            mode=MODE_LABELS[review.mode],
            modes=listed([MODE_LABELS[mode] for mode in row.capabilities.modes]),
        )
    elif review.mode == "r2v":
        _check_references(review, row)


def _check_references(review: Review, row: ModelRow) -> None:
    references = row.limits.references
    kinds = Counter(medium.kind for medium in review.inputs.media)
    excess = {kind: count for kind, count in kinds.items() if count > references.most(kind)}
    for kind, count in excess.items():
        _refuse_count(review, row, f"reference_{kind}", count, references.most(kind))
    if not excess and kinds.total() > references.total:
        _refuse_count(review, row, _("reference media altogether"), kinds.total(), references.total)
    if set(kinds) == {"audio"} and not references.audio_alone:
        review.add_model_error(
            "media",
            "audio_alone",
            _("%(title)s takes reference audio only together with a reference image or video."),
            _("Add a reference image or video, or pick another model."),
            title=row.title,
        )


def _refuse_count(review: Review, row: ModelRow, what: Text, count: int, most: int) -> None:
    review.add_model_error(
        "media",
        "too_many_media",
        _("%(title)s takes %(most)s %(what)s at most; there are %(count)s."),
        _("Remove some, or pick another model."),
        title=row.title,
        what=what,
        most=most,
        count=count,
    )


def _check_body_size(review: Review) -> None:
    """``data:`` addresses are part of the body; uploaded images and audio may be, as base64, a third longer."""
    if review.host.dialect != "ark":
        return
    written = sum(len(medium.url) for medium in review.inputs.media if medium.url.startswith("data:"))
    uploads = [medium for medium in review.inputs.media if not medium.url and medium.kind in {"image", "audio"}]
    inlined = sum(ceil(medium.facts.bytes / 3) * 4 for medium in uploads if medium.facts)
    if written + inlined > _LARGEST_BODY:
        note = review.add_error if written > _LARGEST_BODY else review.add_warning
        note(
            "media",
            "body_too_large",
            _("A request may have %(most)s MB with the files written into it."),
            _("Use smaller files, or addresses that the provider can fetch them from."),
            most=_LARGEST_BODY // 1_000_000,
        )
