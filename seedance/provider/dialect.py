"""What all dialects have in common: an account at a host, a create that is never repeated, a poll of one task."""

import tempfile
from contextlib import ExitStack, closing
from typing import IO, ClassVar, cast
from urllib.parse import quote

import requests

from ..exceptions import NotFoundError, TransportError
from .reading import read_task
from .transport import TrackedBody, Transport
from .types import Link, RemoteTask, TaskRequest

#: The longest task id that can be stored. Characters; real ones have 25 to 40.
LONGEST_ID = 128
#: The largest request body that is kept in memory. Bytes.
SPOOL = 1024 * 1024


class DialectClient:
    """One account at one host. Each method is one provider call; knows no Django and no rows.

    Args:
        base_url: address up to and without the dialect's own path.
        api_key: sent as a bearer token, to this host only.
        connect_timeout, create_timeout, timeout: seconds.
        session: a ``requests.Session`` for the GETs, when the caller wants its own.

    Raises:
        ConfigurationError: when the address or the key cannot be right; never repeats the key.
    """

    #: Where tasks live below the base address.
    tasks_path: ClassVar[str]

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        connect_timeout: float = 5.0,
        create_timeout: float = 60.0,
        timeout: float = 15.0,
        session: requests.Session | None = None,
    ) -> None:
        self._transport = Transport(base_url, api_key, connect_timeout=connect_timeout, session=session)
        self._create_timeout = create_timeout
        self._timeout = timeout

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._transport!r}>"

    def create_task(self, request: TaskRequest, *, reference: str = "") -> str:
        """Start a paid task and return its provider task id. Sent once, never repeated.

        Args:
            reference: our own id, for the provider's logs.

        Raises:
            UploadError: an upload cannot be read; nothing was sent.
            RequestError: refused, nothing was started; also before anything is sent, for what a dialect cannot say.
            TransportError: with ``sent=False`` nothing happened; otherwise the outcome is unknown.
            ServerError, ProtocolError: the outcome is unknown.
            RateLimitError, AuthenticationError, NotFoundError: refused, nothing was started.
        """
        prepared = self.prepare_create(request, reference=reference)
        with closing(cast(TrackedBody, prepared.body)):
            answer = self._transport.send(prepared, self.tasks_path, timeout=self._create_timeout)
        task_id = (answer.data or {}).get("id")
        if not isinstance(task_id, str) or not task_id.strip() or len(task_id) > LONGEST_ID:
            raise self._transport.unreadable(answer, "The provider accepted the call but gave no usable task id.")
        return task_id

    def prepare_create(self, request: TaskRequest, *, reference: str = "") -> requests.PreparedRequest:
        """The create call of ``create_task``, ready to be sent; its body is a ``TrackedBody`` that the caller closes.

        The whole body is written before anything leaves, so that a slow or broken storage of uploads is no half-sent
        request; a large one goes to a temporary file and not to memory.

        Raises:
            UploadError, RequestError, TransportError: as ``create_task``; nothing was sent.
        """
        with ExitStack() as on_error:
            file = on_error.enter_context(tempfile.SpooledTemporaryFile(max_size=SPOOL))
            try:
                headers = {"Content-Type": self._write_body(request, file)}
                file.flush()
            except OSError as exc:  # of the temporary file alone
                text = f"The request could not be written to a temporary file ({type(exc).__name__}); nothing was sent."
                raise TransportError(text, sent=False) from exc
            if reference:
                headers["X-Client-Request-Id"] = reference
            prepared = self._transport.prepare("POST", self.tasks_path, body=TrackedBody(file), headers=headers)
            on_error.pop_all()
        return prepared

    def get_task(self, task_id: str) -> RemoteTask:
        """Ask about one task.

        Raises:
            NotFoundError: unknown there; for the first two minutes that may pass, after seven days it is normal.
            ProviderError: any other trouble.
        """
        answer = self._transport.ask("GET", self._path_of(task_id), timeout=self._timeout)
        if answer.data is None:
            raise self._transport.unreadable(answer, "The provider's answer is not a JSON object.")
        remote = read_task(answer.data)
        if not remote.status_word or remote.provider_task_id not in ("", task_id):
            raise self._transport.unreadable(answer, "The provider's answer is not about this task.")
        return remote

    def own_link(self, task_id: str) -> Link | None:
        """An address of the host itself for a finished video, and its key; ``None`` where tasks carry links."""
        return None

    def _write_body(self, request: TaskRequest, file: IO[bytes]) -> str:
        """Write the body of a create call, uploads in pieces; returns its content type."""
        raise NotImplementedError

    def _path_of(self, task_id: str) -> str:
        if not task_id.strip("."):
            # Such a segment would be dropped on the way, and the call would mean something else.
            raise NotFoundError("This is no task id.")
        return f"{self.tasks_path}/{quote(task_id, safe='')}"
