"""What the error codes of providers, relays and of this app mean, and what an operator can do about them.

The kinds are data, in ``errors.toml``; its head explains the keys.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from django.utils.translation import gettext_lazy as _

from .violations import Text


@dataclass(frozen=True)
class Cause:
    """One thing that may have led to an error, and what helps against it."""

    #: A stable word for programs.
    name: str
    meaning: Text
    remedy: Text


@dataclass(frozen=True)
class ErrorKind:
    """One kind of error. ``meaning`` and ``advice`` are one or two sentences each, translated when they are read."""

    #: Every code of this kind, the one to name it by first. What continues one of them behind a dot belongs to it too.
    codes: tuple[str, ...]
    meaning: Text
    #: What the operator should do.
    advice: Text
    #: ``no``, ``yes``, or ``unknown`` where hosts differ or it cannot be known.
    billed: str = "no"
    #: ``no``: it would fail again; ``later``: it may pass by itself; ``operator``: a person must act first.
    retry: str = "no"
    #: HTTP statuses it comes with; none for errors of this app.
    statuses: tuple[int, ...] = (400,)
    #: Whether an answer with one of its statuses and no code at all is of this kind.
    default_for_status: bool = False
    #: What gets no create calls until a person resumes it, once one was refused like this: ``account``, ``model`` (that
    #: one of that account), or ``none``.
    pauses: str = "none"
    #: What leads to it, the likeliest first, where the provider lists them.
    causes: tuple[Cause, ...] = ()
    #: What it is about, the name of its table in ``errors.toml``: ``request``, ``moderation``, ``account``, ``model``,
    #: ``task``, ``rate_limit``, ``service`` or ``own``; empty for a code that is not in the table.
    section: str = ""

    @property
    def name(self) -> str:
        """The code to call it by."""
        return self.codes[0]

    @property
    def is_known(self) -> bool:
        """Whether it is in the table."""
        return bool(self.section)


#: Codes of violations that are errors, which refuse a request before it is sent. docs/catalogue.md explains each.
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

#: Errors that come without a code, by a part of their message. Where there is a code, the message is not read.
#: Source: answers of CometAPI; "CometAPI specifics" in docs/provider.md.
_MESSAGE_PATTERNS = (
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


@cache
def error_kinds() -> tuple[ErrorKind, ...]:
    """Every kind of ``errors.toml``, in its order."""
    sections = tomllib.loads(files(__package__).joinpath("errors.toml").read_text(encoding="utf-8"))
    return tuple(_kind(section, table) for section, tables in sections.items() for table in tables)


def _kind(section: str, table: dict[str, Any]) -> ErrorKind:
    causes = tuple(Cause(cause["name"], _(cause["meaning"]), _(cause["remedy"])) for cause in table.get("causes", ()))
    texts = {"meaning": _(table["meaning"]), "advice": _(table["advice"])}
    lists = {key: tuple(value) for key, value in table.items() if isinstance(value, list)}
    return ErrorKind(**{**table, **lists, **texts, "causes": causes, "section": section})


def find_error(code: str, status_code: int | None = None, message: str = "") -> ErrorKind:
    """The kind of an error.

    Args:
        code: the provider's code as it stands on a task, or one of this app (``http_500``, ``redirect``, …).
        status_code: HTTP status that it came with, when that is known.
        message: the provider's message; read only when there is no known code.

    Returns:
        The kind of the longest known code that this one equals or continues behind a dot. Where there is no code,
        the kind of the message or of the HTTP status. Otherwise a kind with ``is_known`` false.
    """
    http = _HTTP.fullmatch(code)
    has_no_code = not code or http is not None
    if status_code is None and http:
        status_code = int(http[1])
    candidates = [*_prefixes(code), *(_codes_of_message(message) if has_no_code else ())]
    for name in candidates:
        if name in _by_code():
            return _by_code()[name]
    default = _by_status().get(status_code or 0) if has_no_code else None
    return default or _unknown(code, status_code)


def pause_scope(
    code: str, status_code: int | None, message: str, *, model_name: str, refers_to_provider: bool = False
) -> str:
    """What to pause after a refused create call: ``account``, ``model``, or ``none`` when it is about this task only.

    Args:
        code, status_code, message: as the provider gave them.
        model_name: the model that was asked for.
        refers_to_provider: whether the request refers to something kept at the provider, which may be what is refused.
    """
    if status_code == 401:
        return "account"
    kind = find_error(code, status_code, message)
    names_model = _names_model(message, model_name)
    if kind.name == "QuotaExceeded" and "queue" in message.lower():
        return "none"
    is_vague = kind.name == "http_403" or not kind.is_known
    if kind.pauses == "account" and is_vague and names_model:
        return "model"
    if kind.pauses == "model" and refers_to_provider and not names_model:
        return "none"
    return kind.pauses


def _names_model(message: str, model_name: str) -> bool:
    """Whether a message is about the model, and not about a balance, which is the account's."""
    names = model_name.lower() in message.lower() or _MODEL_WORDS.search(message)
    return bool(names) and not _BALANCE_WORDS.search(message)


def _prefixes(code: str) -> Iterator[str]:
    """The code itself, then without what is behind its last dot, and so on."""
    while code:
        yield code
        code = code.rpartition(".")[0]


def _codes_of_message(message: str) -> Iterator[str]:
    return (name for pattern, name in _MESSAGE_PATTERNS if pattern.search(message))


@cache
def _by_code() -> dict[str, ErrorKind]:
    kinds = {code: kind for kind in error_kinds() for code in kind.codes}
    return kinds | dict.fromkeys(RULE_CODES, kinds["refused_by_rules"])


@cache
def _by_status() -> dict[int, ErrorKind]:
    return {status: kind for kind in error_kinds() if kind.default_for_status for status in kind.statuses}


def _unknown(code: str, status_code: int | None) -> ErrorKind:
    """The kind of a code that is not in the table; whether a retry may help follows from the HTTP status."""
    if status_code is None or status_code in (401, 403):
        retry = "operator"
    else:
        retry = "later" if status_code in (408, 429) or status_code >= 500 else "no"
    refused = status_code is not None and 300 <= status_code < 500 and status_code != 408
    return ErrorKind(
        (code,),
        _UNKNOWN_MEANING,
        _UNKNOWN_ADVICE[retry],
        billed="no" if refused else "unknown",
        retry=retry,
        statuses=(),
        pauses="account" if status_code in (401, 403) else "none",
    )
