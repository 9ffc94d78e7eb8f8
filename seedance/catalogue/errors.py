"""What the error codes of providers, relays and of ourselves mean, and what an operator can do about them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from django.utils.translation import gettext_lazy as _

from .error_kinds import KINDS, ErrorKind

__all__ = ["KINDS", "RULE_CODES", "ErrorKind", "find", "pauses"]

#: Codes of the rules that refuse a request before it is sent; docs/catalogue.md explains each.
RULE_CODES = frozenset(
    """
    audio_alone body_too_large clips_too_long conflicting_flags draft_flex draft_last_frame draft_resolution
    draft_task_id_invalid edit_duration file_aspect file_format file_frame_rate file_length file_pixels file_sides
    file_size final_resolution first_frame_missing frames_and_duration inherited inline_flag mode_not_supported
    model_not_offered model_of_other_host model_required model_undated not_carried not_offered not_supported
    out_of_range priority_flex prompt_blank prompt_required ratio_follows_input role_missing role_repeated role_unknown
    roles_mixed safety_identifier_invalid task_type_needs_reference task_type_needs_video too_many_media
    tools_with_media unknown_field unknown_model unknown_value unreadable_flag url_data url_invalid url_scheme
    wrong_type
    """.split()  # noqa: SIM905
)

#: Errors that come without a code, by what their message has in it. Where there is a code, no wording is looked at.
_SIGNS = (
    (re.compile(r"looking for beginning of|unexpected end of JSON input"), "json_parse_error"),
    (re.compile(r"not been priced"), "model_not_priced"),
)
_MODEL_WORDS = re.compile(r"\bmodels?\b|模型", re.IGNORECASE)
_BALANCE_WORDS = re.compile(r"balance|quota|credit|overdue|arrear|insufficient|余额|额度|欠费", re.IGNORECASE)
_HTTP = re.compile(r"http_(\d{3})")

_UNKNOWN_MEANING = _("Nobody has written down yet what this error means.")
_UNKNOWN_ADVICE = {
    "no": _("Read the provider's message; the same request would be refused again."),
    "later": _("Read the provider's message; it may pass by itself."),
    "operator": _("Read the provider's message and look in its console."),
}


def find(code: str, status_code: int | None = None, message: str = "") -> ErrorKind:
    """What an error is.

    Args:
        code: the provider's code as it stands on a task, or one of ours (``http_500``, ``redirect``, …).
        status_code: HTTP status that it came with, when that is known.
        message: the provider's message; looked at only when there is no code that we know.

    Returns:
        The kind of the longest known code that this one equals or continues behind a dot. Where there is no code,
        the kind of the message or of the HTTP status. Otherwise a kind that says that it is unknown.
    """
    http = _HTTP.fullmatch(code)
    bare = not code or http is not None
    if status_code is None and http:
        status_code = int(http[1])
    names = [*_beginnings(code), *(_signs(message) if bare else ())]
    for name in names:
        if name in _by_code():
            return _by_code()[name]
    spoken_for = _by_status().get(status_code or 0) if bare else None
    return spoken_for or _unknown(code, status_code)


def pauses(
    code: str, status_code: int | None, message: str, *, model_name: str, refers_to_provider: bool = False
) -> str:
    """What a refused create call keeps from being sent to: ``account``, ``model``, or ``none`` but this task.

    Args:
        code, status_code, message: as the provider gave them.
        model_name: the model that was asked for.
        refers_to_provider: whether the request refers to something kept at the provider, which may be what is refused.
    """
    if status_code == 401:
        return "account"
    kind = find(code, status_code, message)
    names_model = _names_model(message, model_name)
    if kind.name == "QuotaExceeded" and "queue" in message.lower():
        return "none"
    is_vague = kind.name == "http_403" or kind not in KINDS
    if kind.pauses == "account" and is_vague and names_model:
        return "model"
    if kind.pauses == "model" and refers_to_provider and not names_model:
        return "none"
    return kind.pauses


def _names_model(message: str, model_name: str) -> bool:
    """Whether a refusal speaks of the model, and not of a balance that any model would lack."""
    names = model_name.lower() in message.lower() or _MODEL_WORDS.search(message)
    return bool(names) and not _BALANCE_WORDS.search(message)


def _beginnings(code: str) -> Iterator[str]:
    """The code itself, then without what is behind its last dot, and so on."""
    while code:
        yield code
        code = code.rpartition(".")[0]


def _signs(message: str) -> Iterator[str]:
    return (name for pattern, name in _SIGNS if pattern.search(message))


@cache
def _by_code() -> dict[str, ErrorKind]:
    kinds = {code: kind for kind in KINDS for code in kind.codes}
    return kinds | dict.fromkeys(RULE_CODES, kinds["refused_by_rules"])


@cache
def _by_status() -> dict[int, ErrorKind]:
    return {status: kind for kind in KINDS if kind.speaks_for_status for status in kind.statuses}


def _unknown(code: str, status_code: int | None) -> ErrorKind:
    """Of a code that is not in the table only its HTTP status says whether it may pass."""
    if status_code is None or status_code in (401, 403):
        retry = "operator"
    else:
        retry = "later" if status_code in (408, 429) or status_code >= 500 else "no"
    refused = status_code is not None and 300 <= status_code < 500 and status_code != 408
    return ErrorKind(
        (code,),
        _UNKNOWN_MEANING,
        _UNKNOWN_ADVICE[retry],
        "no" if refused else "unknown",
        retry,
        pauses="account" if status_code in (401, 403) else "none",
    )
