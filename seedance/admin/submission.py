"""The hidden fields of the admin's forms: submission key, version of the task, task to continue from.

Each rendered form has a key, so that a form which is posted twice creates one task. The key is stored with the task,
whose unique constraint decides between two posts that arrive at the same moment. Only ``create_once`` and
``find_earlier`` know how it is stored.
"""

import datetime as dt
import hashlib
import secrets
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib.admin import helpers
from django.http import Http404, HttpRequest

from ..exceptions import IdempotencyError
from ..models import GenerationTask
from ..models.idempotency import IdempotencyKey
from ..models.ids import parse_id

#: Name of the field with the key.
FIELD = "submission_key"

#: Name of the field with the version of the task that the page showed.
SEEN = "seen"

#: Name of the field, and of the query parameter, with the id of the task to continue from.
CONTINUE_FROM = "continue_from"

#: Longer keys are cut off. Characters.
_MAX_KEY_LENGTH = 64

#: Prefixes of the fields that the fingerprint leaves out: they are not content of the request.
_NOT_CONTENT = ("csrfmiddlewaretoken", FIELD, SEEN, "_save", "_submit", "_estimate")


class ActionForm(helpers.ActionForm):
    """Django's form above the list, with a key."""

    submission_key = forms.CharField(label="", required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[FIELD].initial = new_key()


class AlreadySubmitted(Exception):
    """A form was posted before and created this task."""

    def __init__(self, task: GenerationTask) -> None:
        super().__init__(str(task.pk))
        self.task = task


def new_key() -> str:
    """A key for a form to render."""
    return secrets.token_urlsafe(24)


def key_of(request: HttpRequest) -> str:
    """The key in a posted form; a new one if it has none, as with scripts."""
    return request.POST.get(FIELD, "")[:_MAX_KEY_LENGTH] or new_key()


def version_of(task: GenerationTask) -> str:
    """A text that differs after every change of the task."""
    return task.updated_at.isoformat()


def seen_at(request: HttpRequest) -> dt.datetime | None:
    """The version of the task that the page showed; ``None`` if the request has none, as with scripts."""
    try:
        seen = dt.datetime.fromisoformat(request.POST.get(SEEN, ""))
    except ValueError:
        return None
    return seen if seen.tzinfo else None


def continued_id(request: HttpRequest) -> UUID | None:
    """The id of the task to continue from; ``None`` for a form without one.

    Raises:
        Http404: the value is not an id.
    """
    given = request.POST if request.method == "POST" else request.GET
    if CONTINUE_FROM not in given:
        return None
    if (task_id := parse_id(given[CONTINUE_FROM])) is None:
        raise Http404
    return task_id


def fingerprint_of(request: HttpRequest) -> str:
    """A digest of the content of a form, independent of the button that was pressed."""
    content = [(name, request.POST.getlist(name)) for name in sorted(request.POST) if not name.startswith(_NOT_CONTENT)]
    files = [(name, [(file.name, file.size) for file in request.FILES.getlist(name)]) for name in sorted(request.FILES)]
    return hashlib.sha256(repr((content, files)).encode()).hexdigest()


def find_earlier(key: str, owner: Any, source: object = "") -> GenerationTask | None:
    """The task that a form has created already, if any.

    Args:
        source: the task it was created from, where one confirmation creates several.
    """
    digest = IdempotencyKey(owner, _stored(key, source), "").digest
    return GenerationTask.objects.filter(idempotency_digest=digest).first()


def create_once(
    key: str,
    owner: Any,
    create: Callable[..., GenerationTask],
    *,
    source: object = "",
    fingerprint: str = "",
) -> tuple[GenerationTask, bool]:
    """Create a task unless this form has created it before.

    Args:
        create: called with the key to store with the new row; creates one task for one key.
        source: the task it is created from, where one confirmation creates several.
        fingerprint: digest of the content that the key stands for.

    Returns:
        The task, and whether this call created it.
    """
    if task := find_earlier(key, owner, source):
        return task, False
    try:
        task = create(idempotency_key=_stored(key, source), **({"fingerprint": fingerprint} if fingerprint else {}))
    except IdempotencyError:  # the same form was posted at the same moment with other content
        if found := find_earlier(key, owner, source):
            return found, False
        raise
    return task, not task.is_replay


def _stored(key: str, source: object) -> str:
    return f"admin/{key}/{source}"
