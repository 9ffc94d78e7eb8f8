"""Identifiers: time-ordered, unguessable, or made from what they stand for."""

import datetime as dt
import hashlib
import json
import secrets
import time
from uuid import UUID

from django.db.models import Q

#: By how much the clocks of two machines may differ. Seconds.
_GRACE = 60


def uuid7() -> UUID:
    """A version 7 UUID: Unix milliseconds, a fraction of the millisecond, then random bits. Sorts by time of creation.

    Source: RFC 9562, sections 5.7 and 6.2 (method 3). ``uuid.uuid7`` arrives with Python 3.14.
    """
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    fraction = (rest << 12) // 1_000_000
    return UUID(int=milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | secrets.randbits(62))


def parse_id(text: str) -> UUID | None:
    """The id that a text spells; ``None`` when it is no id."""
    try:
        return UUID(text)
    except ValueError:
        return None


def first_id_of(moment: dt.datetime) -> UUID:
    """The lowest id of a row made at this moment, with a minute's grace for clocks that differ.

    A bound on the primary key next to one on ``created_at`` lets its index find the beginning.
    """
    return _lowest_id(moment.timestamp() - _GRACE)


def created_between(after: dt.datetime | None = None, before: dt.datetime | None = None) -> Q:
    """Condition on rows created at ``after`` or later, and before ``before``; the primary key's index finds them."""
    condition = Q()
    if after is not None:
        condition &= Q(created_at__gte=after, pk__gte=_lowest_id(after.timestamp() - _GRACE))
    if before is not None:
        condition &= Q(created_at__lt=before, pk__lt=_lowest_id(before.timestamp() + _GRACE))
    return condition


def _lowest_id(timestamp: float) -> UUID:
    return UUID(int=max(0, int(timestamp * 1000)) << 80)


def callback_token() -> str:
    """An unguessable word of 32 URL-safe characters."""
    return secrets.token_urlsafe(24)


def provider_task_digest(provider: str, provider_task_id: str) -> str | None:
    """What the unique column holds for a provider's id: byte for byte, on every database; ``None`` without an id."""
    return digest_of(provider, provider_task_id) if provider_task_id else None


def digest_of(*words: str | None) -> str:
    """SHA-256 over words, in hexadecimal; different words never make the same text."""
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()
