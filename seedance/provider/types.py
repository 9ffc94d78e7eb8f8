"""What is sent to and received from a provider, free of its spelling. Frozen, and without settings or rows."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import IO, Any, Protocol

from requests.auth import AuthBase


@dataclass(frozen=True)
class Upload:
    """A file that travels inside a request; read once, in pieces. ``open`` gives it from its first byte."""

    content_type: str
    open: Callable[[], AbstractContextManager[IO[bytes]]] = field(repr=False)


@dataclass(frozen=True)
class ContentPart:
    """One item of a request: the prompt, a medium, or the draft to finish.

    ``type`` is ``text``, ``image_url``, ``video_url``, ``audio_url`` or ``draft_task``; ``value`` is the text,
    the address (http, data or asset) or the draft's provider task id. A medium with an ``upload`` has no address.
    """

    type: str
    value: str = field(default="", repr=False)
    role: str = ""
    upload: Upload | None = None


@dataclass(frozen=True)
class TaskRequest:
    """Everything a create call holds. ``parameters`` go by the provider's names; ``extra`` is merged last."""

    model_name: str
    content: tuple[ContentPart, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    callback_url: str = field(default="", repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RemoteTask:
    """The provider's view of a task at one moment.

    ``status`` is one of ``queued running succeeded failed cancelled expired``, or ``""`` when the provider
    used an unknown word; ``status_word`` is that word. Times are aware; what was not reported is
    ``None`` or empty. ``result`` holds duration (seconds), ratio, resolution, frames_per_second, seed, frames.
    """

    provider_task_id: str
    status: str
    status_word: str
    model_name: str = ""
    video_url: str = field(default="", repr=False)
    last_frame_url: str = field(default="", repr=False)
    error_code: str = ""
    error_message: str = ""
    request_id: str = ""
    total_tokens: int | None = None
    result: Mapping[str, Any] = field(default_factory=dict)
    created_at: dt.datetime | None = None
    updated_at: dt.datetime | None = None
    expires_after: int | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Link:
    """Where a file is, and the key for the few addresses that need one; never printed."""

    url: str = field(repr=False)
    auth: AuthBase | None = field(default=None, repr=False)


class Client(Protocol):
    """What every dialect can be asked. One account at one host; a verb is one provider call, or several for pages.

    All verbs raise ``ProviderError`` or one of its children. A host that lacks a verb raises ``RequestError``
    without asking.
    """

    def create_task(self, request: TaskRequest, *, reference: str = "") -> str:
        """Start a paid task and return its provider task id. Sent once, never repeated."""

    def get_task(self, task_id: str) -> RemoteTask:
        """Ask about one task."""

    def list_tasks(self, task_ids: Sequence[str], *, service_tier: str = "default") -> list[RemoteTask]:
        """Ask for many tasks of one service tier in one request."""

    def recent_tasks(
        self, *, since: dt.datetime, service_tier: str = "default", pause: float = 0.0
    ) -> list[RemoteTask]:
        """Ask for the tasks of one service tier that were created since a moment, by any client of the account."""

    def own_link(self, task_id: str) -> Link | None:
        """An address of the host itself for a finished video, and its key; ``None`` where tasks carry links."""

    def delete_task(self, task_id: str) -> None:
        """Cancel a queued task; of a finished one this deletes the record."""
