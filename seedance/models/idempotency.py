"""Idempotency keys: a repeated request returns the tasks of the first one, and nothing is paid twice.

The rows store the digest of the key under a unique constraint, so that two requests that arrive at the same moment on
two machines still create one set of tasks.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.files.base import File
from django.db import IntegrityError
from django.db.models import Q

from ..exceptions import KeyReusedError, ReplayIncompleteError
from .ids import digest_of

if TYPE_CHECKING:
    from .queryset import GenerationTaskQuerySet
    from .task import GenerationTask


@dataclass(frozen=True)
class IdempotencyKey:
    """One key of one user, and the request it stands for.

    Args:
        owner: the user whose key it is; ``None`` for the site itself.
        key: any text; only its digest is stored.
        fingerprint: digest of the request; the same key with another fingerprint is refused.
    """

    owner: Any
    key: str
    fingerprint: str

    @property
    def digest(self) -> str:
        """Stored instead of the key, so that its case and length do not depend on the database."""
        return digest_of(None if self.owner is None else str(self.owner.pk), self.key)

    def columns(self, position: int = 0) -> dict[str, Any]:
        """The columns of the row that this request makes at a position."""
        return {
            "idempotency_digest": self.digest,
            "idempotency_position": position,
            "idempotency_fingerprint": self.fingerprint,
        }

    def previous(self, rows: "GenerationTaskQuerySet", *, count: int = 1) -> "list[GenerationTask]":
        """The tasks that this request has made before, in order; empty when it has made none.

        Args:
            rows: all tasks.
            count: how many tasks the request makes.

        Raises:
            KeyReusedError: the key was used for another request.
            ReplayIncompleteError: some of the tasks have been erased.
        """
        digest = self.digest
        found = list(
            rows.filter(Q(idempotency_digest=digest) | Q(submit_digest=digest)).order_by("idempotency_position")
        )
        if any((task.idempotency_digest, task.idempotency_fingerprint) != (digest, self.fingerprint) for task in found):
            raise KeyReusedError
        if found and len(found) != count:
            raise ReplayIncompleteError
        for task in found:
            task.is_replay = True
        return found


def get_or_create(
    key: IdempotencyKey | None,
    rows: "GenerationTaskQuerySet",
    make: "Callable[[], list[GenerationTask]]",
    *,
    count: int = 1,
) -> "list[GenerationTask]":
    """Make tasks unless the same request has made them before; those of an earlier request say ``is_replay``.

    Args:
        key: ``None`` always makes them.
        rows: all tasks.
        make: all or nothing; stores ``key.columns(position)`` with each row.
        count: how many tasks it makes.

    Raises:
        IdempotencyError: the key was used for another request, or some tasks of the earlier one have been erased.
    """
    if key is None:
        return make()
    if found := key.previous(rows, count=count):
        return found
    try:
        return make()
    except IntegrityError:  # another request with this key was faster
        if found := key.previous(rows, count=count):
            return found
        raise


def fingerprint_of(call: str, content: object = None) -> str:
    """A digest of a request: what is called, and with what.

    Args:
        content: what JSON can hold, and files, of which the bytes count.
    """
    text = json.dumps([call, content], sort_keys=True, default=_in_json)
    return hashlib.sha256(text.encode()).hexdigest()


def without_nulls(content: object) -> object:
    """A mapping without the names whose value is ``None``; anything else as it is."""
    if not isinstance(content, Mapping):
        return content
    return {name: value for name, value in content.items() if value is not None}


def _in_json(value: Any) -> object:
    if not isinstance(value, File):
        return str(value)
    digest = hashlib.sha256()
    value.seek(0)
    for chunk in value.chunks():
        digest.update(chunk)
    value.seek(0)
    return digest.hexdigest()
