"""``Idempotency-Key``: a request that is sent again gives the same task again, never a second bill.

The rows themselves remember the key, one for each owner, guarded by a unique constraint; so two requests that
arrive at the same moment on two machines still make one task.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.files.base import File
from django.db import IntegrityError
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from ..models import GenerationTask
from .errors import KeyReused, RequestRefused, refusal
from .request_parsing import MAX_BATCH

MAX_KEY_LENGTH = 255


@dataclass(frozen=True)
class Mark:
    """What the rows of one request are known by."""

    owner: Any
    #: One name for each row that the request may make.
    names: tuple[str, ...]
    fingerprint: str

    def columns(self, position: int = 0) -> dict[str, str]:
        """The columns to store with the row at a position."""
        return {"idempotency_key": self.names[position], "idempotency_fingerprint": self.fingerprint}

    def earlier(self) -> list[GenerationTask]:
        """The tasks this request has made before, in order.

        Raises:
            KeyReused: they were made by another request.
        """
        tasks = list(GenerationTask.objects.owned_by(self.owner).filter(idempotency_key__in=self.names).order_by("pk"))
        if any(task.idempotency_fingerprint != self.fingerprint for task in tasks):
            raise KeyReused
        return tasks


def mark(request: Request, content: object, *, owner: Any = None) -> Mark | None:
    """The mark of a request for one task; ``None`` when it has no ``Idempotency-Key``.

    Args:
        owner: whose task it will be, when it is not the caller's.

    Raises:
        Refused: the key is too long or not ASCII.
    """
    key = _key(request)
    return None if key is None else Mark(owner or request.user, (key,), _fingerprint(request, content))


def batch_mark(request: Request, content: object) -> Mark | None:
    """The mark of a request for many tasks: names derived from the key, so that each row has its own."""
    key = _key(request)
    if key is None:
        return None
    stem = hashlib.sha256(key.encode()).hexdigest()
    names = tuple(f"batch/{stem}/{position:03}" for position in range(MAX_BATCH))
    return Mark(request.user, names, _fingerprint(request, content))


def once(mark: Mark | None, make: Callable[[], list[GenerationTask]]) -> tuple[list[GenerationTask], bool]:
    """Make tasks unless the same request has made them before.

    ``make`` must be all or nothing. Returns the tasks, and whether they are of an earlier request.

    Raises:
        KeyReused: the key stands for another request.
    """
    if mark is None:
        return make(), False
    if tasks := mark.earlier():
        return tasks, True
    try:
        return make(), False
    except IntegrityError:  # another request with this key was faster
        if tasks := mark.earlier():
            return tasks, True
        raise


def _key(request: Request) -> str | None:
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


def _fingerprint(request: Request, content: object) -> str:
    text = json.dumps([request.path, content], sort_keys=True, default=_file_digest)
    return hashlib.sha256(text.encode()).hexdigest()


def _file_digest(value: Any) -> str:
    if not isinstance(value, File):
        raise TypeError(f"{type(value).__name__} does not come out of a request")
    digest = hashlib.sha256()
    for chunk in value.chunks():
        digest.update(chunk)
    value.seek(0)
    return digest.hexdigest()
