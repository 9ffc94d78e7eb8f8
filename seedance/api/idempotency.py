"""Reads the header ``Idempotency-Key``; ``models/idempotency.py`` applies it."""

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from ..models.idempotency import IdempotencyKey, fingerprint_of, without_nulls
from .errors import RequestRefused, refusal

MAX_KEY_LENGTH = 255


def key_of(request: Request, call: str, content: object = None) -> IdempotencyKey | None:
    """The idempotency key of a request; ``None`` without the header.

    Args:
        call: the operation, with the task's id if it has one.
        content: the body.

    Raises:
        RequestRefused: the key is too long or not ASCII.
    """
    key = _header(request)
    return None if key is None else IdempotencyKey(request.user, key, fingerprint_of(call, _as_given(content)))


def _header(request: Request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not key.strip() or len(key) > MAX_KEY_LENGTH or not (key.isascii() and key.isprintable()):
        raise RequestRefused(
            [
                refusal(
                    "Idempotency-Key",
                    "idempotency_key_invalid",
                    _("The key must be 1 to %(most)s printable ASCII characters."),
                    _("Use a UUID, for example."),
                    most=MAX_KEY_LENGTH,
                )
            ]
        )
    return key


def _as_given(content: object) -> object:
    """A body without the names whose value is null, which count as not given, in tasks and their media."""
    found = without_nulls(content)
    if not isinstance(found, Mapping):
        return found
    lists = {name: list(map(_as_given, found[name])) for name in ("media", "tasks") if _is_list(found.get(name))}
    return {**found, **lists}


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)
