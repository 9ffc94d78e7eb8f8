"""Everything that can go wrong, as one tree. The first line of each docstring is the default message."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import Promise


class SeedanceError(Exception):
    """Something went wrong in django-seedance."""

    def __init__(self, message: "str | Promise" = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").partition("\n")[0])


class ConfigurationError(SeedanceError, ImproperlyConfigured):
    """The SEEDANCE setting is wrong or incomplete.

    Outside ``ProviderError`` on purpose: whoever swallows provider trouble must not hide this.
    """


class ProviderError(SeedanceError):
    """The provider could not be asked, refused, or answered with something unreadable.

    Args:
        message: one line for people; never holds a key or a header.
        method, path: the call, without host and query.
        status_code: HTTP status, ``None`` when no answer came.
        code: the provider's own error code, ``""`` when it gave none.
        request_id: the provider's request id, ``""`` when it gave none.
        body: the beginning of the answer as text, for the timeline.
    """

    def __init__(
        self,
        message: str = "",
        *,
        method: str = "",
        path: str = "",
        status_code: int | None = None,
        code: str = "",
        request_id: str = "",
        body: str = "",
    ) -> None:
        super().__init__(message)
        self.method = method
        self.path = path
        self.status_code = status_code
        self.code = code
        self.request_id = request_id
        self.body = body


class TransportError(ProviderError):
    """No answer came from the provider.

    ``sent`` is False only when the request certainly never left, so that sending it again is safe.
    """

    def __init__(self, message: str = "", *, sent: bool, **describe_exchange: Any) -> None:
        super().__init__(message, **describe_exchange)
        self.sent = sent


class AuthenticationError(ProviderError):
    """The provider did not accept the API key (401) or its rights or balance (403)."""


class NotFoundError(ProviderError):
    """The provider does not know this task (any more, or not yet)."""


class RateLimitError(ProviderError):
    """The provider asked us to slow down (429).

    ``retry_after`` is in seconds, ``None`` when the provider named no time.
    """

    def __init__(self, message: str = "", *, retry_after: float | None = None, **describe_exchange: Any) -> None:
        super().__init__(message, **describe_exchange)
        self.retry_after = retry_after


class RequestError(ProviderError):
    """The provider refused the request as wrong; nothing was started."""


class ServerError(ProviderError):
    """The provider failed (5xx); whether it did anything is not known."""


class ProtocolError(ProviderError):
    """The provider's answer could not be read; whether it did anything is not known."""


class UploadError(SeedanceError):
    """An uploaded file could not be read; nothing was sent."""


class TransitionError(SeedanceError):
    """The task is not in a state that allows this."""


class Veto(SeedanceError):
    """This site does not allow it.

    Raised by a receiver of ``task_creating`` or ``task_submitting``.

    Args:
        reason: for the person or program that asks; may be shown to it.
        code: a stable word for programs.
        field: the field of the request that it is about; empty for the whole.
    """

    def __init__(self, reason: "str | Promise" = "", *, code: str = "vetoed", field: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.field = field


class IdempotencyError(SeedanceError):
    """An idempotency key cannot be honoured; nothing was made."""

    code = "idempotency_error"


class KeyReusedError(IdempotencyError):
    """This idempotency key was used for another request; take a new key for a new request."""

    code = "idempotency_key_reused"


class ReplayIncompleteError(IdempotencyError):
    """Some of the tasks that were made with this idempotency key have been erased since; it makes no new ones."""

    code = "idempotency_replay_incomplete"


class ArchiveError(SeedanceError):
    """A result file could not be archived.

    ``link_dead`` is True when the link itself was refused, so that a fresh one may help. ``doubtful`` is True
    when a file came whole and begins like a video, but does not look like one further on. ``storage_failed`` is
    True when our own storage did not take the file, so that another download would not help.
    """

    def __init__(
        self, message: str = "", *, link_dead: bool = False, doubtful: bool = False, storage_failed: bool = False
    ) -> None:
        super().__init__(message)
        self.link_dead = link_dead
        self.doubtful = doubtful
        self.storage_failed = storage_failed


class QueueError(SeedanceError):
    """The task queue could not be reached; rows are safe, and the next round finds them."""
