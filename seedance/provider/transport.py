"""HTTP with a provider: send a request and return the answer, or say exactly how that failed."""

import io
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

from .. import __version__
from ..exceptions import (
    AuthenticationError,
    ConfigurationError,
    NotFoundError,
    ProtocolError,
    ProviderError,
    RateLimitError,
    RequestError,
    ServerError,
    TransportError,
)
from .reading import ErrorDetail, read_error, read_object

#: No valid answer is larger; a larger one is cut and then unreadable. Bytes.
MAX_ANSWER_BYTES = 16 * 1024 * 1024
#: How much of an unreadable answer is kept. Characters.
EXCERPT = 600
#: How much of a body is read at a time. Bytes.
PIECE = 64 * 1024

#: A relay's code for an id that it does not know, or not yet; as a code, or as a message with its request id behind.
_UNKNOWN_TASK = "task_not_exist"

_REQUEST_ID_HEADERS = ("x-request-id", "x-cometapi-request-id", "x-tt-logid")


class BearerAuth(AuthBase):
    """Puts the key on a request. Being an ``auth`` it also keeps ``.netrc`` from replacing it."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request


class NoRedirectSession(requests.Session):
    """Follows no redirects. Even with ``allow_redirects=False`` ``requests`` would read the whole answer and parse the
    new address at once, which for some raises errors outside of its own classes."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere."""


class TrackedBody:
    """A request's body, of known length, that records whether reading it has begun.

    Connecting, the handshake and the headers come before it. So while it is unread the provider has nothing to act
    on, whatever went wrong, and no guessing from error classes is needed.
    """

    was_read = False

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._length = file.seek(0, io.SEEK_END)
        file.seek(0)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        """For ``requests``, which takes what has pieces for a stream, and then reads it by ``read``."""
        return iter(lambda: self.read(PIECE), b"")

    def read(self, size: int = -1, /) -> bytes:
        """The next piece; from now on it may have been sent."""
        self.was_read = True
        return self._file.read(size)

    def close(self) -> None:
        """Close the file, which deletes a temporary one."""
        self._file.close()


@dataclass(frozen=True)
class Answer:
    """An answer as it came: status, headers, the body as far as it arrived."""

    method: str
    path: str
    status_code: int
    headers: Mapping[str, str]
    body: bytes
    complete: bool

    @property
    def data(self) -> dict[str, Any] | None:
        """The JSON object in the body, ``None`` when there is none or it was cut off."""
        return read_object(self.body) if self.complete else None


class Transport:
    """Speaks HTTP with one host and account. ``base_url`` has no slash at its end.

    GETs share kept connections and are repeated by urllib3 when the connection or a gateway fails. Everything else is
    sent once, on a connection of its own: on a kept one that the host has just closed, a create would seem to be sent
    and without an answer, which nothing can resolve.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        connect_timeout: float,
        pool: int = 32,
        session: requests.Session | None = None,
    ) -> None:
        self.base_url = _checked_base_url(base_url)
        self._key = _checked_key(api_key)
        self._connect_timeout = connect_timeout
        self._session = session or _session(pool)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.base_url}>"

    @property
    def auth(self) -> AuthBase:
        """The key, for the few addresses of this host that are not asked through here."""
        return BearerAuth(self._key)

    def ask(self, method: str, path: str, *, timeout: float, query: Sequence[tuple[str, str]] = ()) -> Answer:
        """Send one request without a body; arguments and errors as those of ``prepare`` and ``send``."""
        return self.send(self.prepare(method, path, query=query), path, timeout=timeout)

    def prepare(
        self,
        method: str,
        path: str,
        *,
        query: Sequence[tuple[str, str]] = (),
        body: TrackedBody | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.PreparedRequest:
        """A request with its address, headers, key and body, not sent yet.

        Args:
            path: below the base address, with a leading slash.
            query: names and values; a name may repeat.

        Raises:
            TransportError: with ``sent=False``; there can be no such host name.
        """
        started = {"Accept": "application/json", "Accept-Encoding": "identity", **(headers or {})}
        if method != "GET":
            started["Connection"] = "close"
        request = requests.Request(
            method,
            self.base_url + path,
            params=list(query),
            data=body,
            headers=started,
            auth=BearerAuth(self._key),
        )
        try:
            return self._session_for(method).prepare_request(request)
        except (requests.exceptions.RequestException, HTTPError) as exc:
            raise TransportError(_no_answer(exc, sent=False), sent=False, method=method, path=path) from exc

    def send(self, prepared: requests.PreparedRequest, path: str, *, timeout: float) -> Answer:
        """Send a prepared request and return the answer if it is a success (2xx).

        Args:
            path: the path that was prepared, for errors.
            timeout: seconds to wait for the answer to begin, and again for all of it.

        Raises:
            TransportError: no answer; ``sent`` tells whether the body may have arrived. A call without one counts
                as sent.
            ProviderError: one of its other children, by status.
        """
        method, body = prepared.method or "", prepared.body
        session = self._session_for(method)
        try:
            environment = session.merge_environment_settings(prepared.url, {}, True, None, None)
            with session.send(
                prepared, timeout=(self._connect_timeout, timeout), allow_redirects=False, **environment
            ) as response:
                received, complete = _read(response, time.monotonic() + timeout)
        except (requests.exceptions.RequestException, HTTPError) as exc:
            # Some of urllib3's own errors pass through requests as they are, for host names that cannot be.
            sent = not isinstance(body, TrackedBody) or body.was_read
            raise TransportError(_no_answer(exc, sent), sent=sent, method=method, path=path) from exc
        finally:
            if session is not self._session:
                session.close()
        answer = Answer(method, path, response.status_code, response.headers, received, complete)
        if not 200 <= answer.status_code < 300:
            raise self._error(answer)
        return answer

    def unreadable(self, answer: Answer, message: str) -> ProtocolError:
        """The error for a success that says nothing we can use."""
        detail = read_error(answer.data)
        return ProtocolError(message, **self._exchange_of(answer, detail))

    def _session_for(self, method: str) -> requests.Session:
        return self._session if method == "GET" else _session(1, retries=0)

    def _error(self, answer: Answer) -> ProviderError:
        detail = read_error(answer.data)
        exchange = self._exchange_of(answer, detail)
        message = self._redacted(detail.message) or f"The provider answered with HTTP {answer.status_code}."
        status = answer.status_code
        if status < 400:
            message = f"The provider redirected the call (HTTP {status}); its BASE_URL is probably wrong."
            return RequestError(message, **{**exchange, "code": "redirect"})
        if status in (401, 403):
            return AuthenticationError(message, **exchange)
        if status == 404 or detail.code == _UNKNOWN_TASK or detail.message.startswith(_UNKNOWN_TASK):
            return NotFoundError(message, **exchange)
        if status == 429:
            return RateLimitError(message, retry_after=_retry_after(answer.headers), **exchange)
        # Two refusals that are sent as server errors: "CometAPI specifics", error table.
        if (status, detail.code) in ((500, "invalid_request"), (503, "model_not_found")):
            return RequestError(message, **exchange)
        if status == 408 or status >= 500:
            return ServerError(message, **exchange)
        return RequestError(message, **exchange)

    def _exchange_of(self, answer: Answer, detail: ErrorDetail) -> dict[str, Any]:
        header = next(filter(None, (answer.headers.get(name) for name in _REQUEST_ID_HEADERS)), "")
        return {
            "method": answer.method,
            "path": answer.path,
            "status_code": answer.status_code,
            "code": self._redacted(detail.code),
            "request_id": self._redacted(header or detail.request_id)[:128],
            "body": self._redacted(answer.body[: EXCERPT * 4].decode("utf-8", "replace"))[:EXCERPT],
        }

    def _redacted(self, text: str) -> str:
        text = text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
        return text.replace(self._key, "[key]")


def _session(pool: int, retries: int = 2) -> requests.Session:
    session = NoRedirectSession()
    session.headers["User-Agent"] = f"django-seedance/{__version__}"
    retry = Retry(
        total=retries,
        allowed_methods={"GET"},
        status_forcelist=(502, 503, 504),
        backoff_factor=0.3,
        backoff_jitter=0.3,
        respect_retry_after_header=False,
        raise_on_status=False,
    )
    adapter = HTTPAdapter(pool_connections=4, pool_maxsize=pool, max_retries=retry)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _checked_base_url(base_url: str) -> str:
    text = base_url.strip() if isinstance(base_url, str) else ""
    try:
        parts = urlsplit(text)
        is_plain = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        is_plain = is_plain and not (parts.query or parts.fragment) and "@" not in parts.netloc and " " not in text
    except ValueError:  # a port that is no number, or half a bracket
        is_plain = False
    if not is_plain:
        raise ConfigurationError("A provider's BASE_URL must look like https://host/path, without a query or a login.")
    return text.rstrip("/?#")


def _checked_key(key: str) -> str:
    key = key.strip() if isinstance(key, str) else ""
    if not key:
        raise ConfigurationError("The provider has no API_KEY. Set it in SEEDANCE, best from the environment.")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ConfigurationError("The provider's API_KEY holds characters that no key has; copy it once more.")
    return key


def _no_answer(exc: BaseException, sent: bool) -> str:
    """One line about a call without an answer. Names the first cause only by its class: messages may hold addresses."""
    first = exc
    while first.__cause__ or first.__context__:
        first = first.__cause__ or first.__context__ or first
    what = "The provider gave no answer" if sent else "The provider could not be reached; nothing was sent"
    return f"{what} ({type(first).__name__})."


def _read(response: requests.Response, deadline: float) -> tuple[bytes, bool]:
    """The body as far as it comes before the deadline, and whether that was all of it."""
    chunks: list[bytes] = []
    size, complete = 0, False
    try:
        while size <= MAX_ANSWER_BYTES and time.monotonic() < deadline:
            chunk = response.raw.read1(65536, decode_content=False)
            if not chunk:
                complete = True
                break
            chunks.append(chunk)
            size += len(chunk)
    except (HTTPError, OSError):
        complete = False
    return _plain(b"".join(chunks), response.headers.get("Content-Encoding", "")), complete


def _plain(body: bytes, encoding: str) -> bytes:
    """Undo gzip where it is really there; one relay labels plain bodies as gzip."""
    if encoding.lower() != "gzip" or not body.startswith(b"\x1f\x8b"):
        return body
    try:
        return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(body, MAX_ANSWER_BYTES)
    except zlib.error:
        return body


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from a ``Retry-After`` in seconds; the date form and nonsense count as none."""
    try:
        seconds = float(headers.get("Retry-After", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds <= 24 * 3600 else None
