"""One key for each rendered form, so that a form which is posted twice makes one task.

The key is a hidden field of the form. It is stored with the task, whose unique constraint decides between two posts
that arrive at the same moment. ``create_once`` is the only place that knows how it is stored.
"""

import datetime as dt
import hashlib
import secrets
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib.admin import helpers
from django.http import HttpRequest

from ..exceptions import IdempotencyError
from ..models import GenerationTask
from ..models.idempotency import IdempotencyKey

#: Name of the hidden field.
FIELD = "submission_key"

#: Name of the hidden field that says which version of a task a page showed.
SEEN = "seen"

#: A key that is longer was not made here. Characters.
_LONGEST = 64

#: What a form sends beside what a person typed, by the beginning of the name: the rest is what the key stands for.
_NOT_CONTENT = ("csrfmiddlewaretoken", FIELD, SEEN, "_save", "_submit", "_estimate")


class ActionForm(helpers.ActionForm):
    """The choice of a verb above the list, with the key of this page."""

    submission_key = forms.CharField(label="", required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[FIELD].initial = new_key()


class SentBefore(Exception):
    """A form was posted before, and this is the task that it made."""

    def __init__(self, task: GenerationTask) -> None:
        super().__init__(str(task.pk))
        self.task = task


def new_key() -> str:
    """A key for a form that is being rendered."""
    return secrets.token_urlsafe(24)


def key_of(request: HttpRequest) -> str:
    """The key that a form was posted with; a new one where there is none, as for scripts."""
    return request.POST.get(FIELD, "")[:_LONGEST] or new_key()


def version_of(task: GenerationTask) -> str:
    """What tells a task from itself after a change."""
    return task.updated_at.isoformat()


def seen_at(request: HttpRequest) -> dt.datetime | None:
    """The version of the task that the page showed; ``None`` when nobody says, as scripts do not."""
    try:
        seen = dt.datetime.fromisoformat(request.POST.get(SEEN, ""))
    except ValueError:
        return None
    return seen if seen.tzinfo else None


def fingerprint_of(request: HttpRequest) -> str:
    """A digest of what a form was filled in with, whichever of its buttons was pressed."""
    typed = [(name, request.POST.getlist(name)) for name in sorted(request.POST) if not name.startswith(_NOT_CONTENT)]
    files = [(name, [(file.name, file.size) for file in request.FILES.getlist(name)]) for name in sorted(request.FILES)]
    return hashlib.sha256(repr((typed, files)).encode()).hexdigest()


def earlier(key: str, owner: Any, source: object = "") -> GenerationTask | None:
    """The task that a form has made already; ``None`` when it made none.

    Args:
        source: the task it was made from, where one confirmation makes several.
    """
    digest = IdempotencyKey(owner, _stored(key, source), "").digest
    return GenerationTask.objects.filter(idempotency_digest=digest).first()


def create_once(
    key: str,
    owner: Any,
    make: Callable[..., GenerationTask],
    *,
    source: object = "",
    fingerprint: str = "",
) -> tuple[GenerationTask, bool]:
    """Make a task unless this form has made it before.

    Args:
        make: called with the key to store with the new row; makes one task for one key.
        source: the task it is made from, where one confirmation makes several.
        fingerprint: what the key stands for.

    Returns:
        The task, and whether this call made it.
    """
    if task := earlier(key, owner, source):
        return task, False
    try:
        task = make(idempotency_key=_stored(key, source), **({"fingerprint": fingerprint} if fingerprint else {}))
    except IdempotencyError:  # the same form was posted at this very moment, with other content
        if found := earlier(key, owner, source):
            return found, False
        raise
    return task, not task.is_replay


def _stored(key: str, source: object) -> str:
    return f"admin/{key}/{source}"
