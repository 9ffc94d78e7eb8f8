"""Stream a result file home: without our key, bounded in size and time, only from where it may come."""

import hashlib
import ipaddress
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from .. import __version__
from ..exceptions import ArchiveError

#: Read and hashed at a time; what a download costs in memory. Bytes.
CHUNK = 256 * 1024
#: Redirects followed before giving up; storage hosts use none or one.
MAX_REDIRECTS = 3
#: What a link says once it is used up, expired or its signature is refused.
_DEAD_LINK = (401, 403, 404, 410)


@dataclass(frozen=True)
class Download:
    """A file that came whole. ``file`` is open for reading and gone when it is closed."""

    file: IO[bytes]
    bytes: int
    sha256: str


@contextmanager
def download(
    url: str,
    *,
    max_bytes: int,
    seconds: float,
    allow_private: bool = False,
    on_chunk: Callable[[], object] = bool,
) -> Iterator[Download]:
    """Fetch a file into a temporary one that lives as long as the ``with`` block.

    Args:
        max_bytes: larger files are refused, as early as their length is known.
        seconds: for all of it.
        allow_private: whether hosts with private or loopback addresses may be asked.
        on_chunk: called after each piece, as a sign of life.

    Raises:
        ArchiveError: with ``link_dead`` set when the link itself was refused.
    """
    deadline = time.monotonic() + seconds
    with requests.Session() as session, tempfile.TemporaryFile() as file:
        session.trust_env = False  # no .netrc: a signed link must be fetched without any Authorization
        session.headers.update({"User-Agent": f"django-seedance/{__version__}", "Accept-Encoding": "identity"})
        try:
            response = _open(session, url, allow_private)
            with response:
                expected = _expected_bytes(response, max_bytes)
                digest, size = _copy(response, file, max_bytes, deadline, on_chunk)
        except (requests.RequestException, HTTPError, OSError) as exc:
            raise ArchiveError(f"The download broke off ({type(exc).__name__}).") from exc
        if expected is not None and size != expected:
            raise ArchiveError(f"The download ended after {size} of {expected} bytes.")
        if not size:
            raise ArchiveError("The downloaded file is empty.")
        file.seek(0)
        yield Download(file, size, digest)


def _open(session: requests.Session, url: str, allow_private: bool) -> requests.Response:
    for _hop in range(MAX_REDIRECTS + 1):
        _check_address(url, allow_private)
        response = session.get(url, stream=True, allow_redirects=False, timeout=(10, 30))
        if not response.is_redirect:
            break
        url = urljoin(url, response.headers["Location"])
        response.close()
    if response.status_code != 200:
        response.close()
        raise ArchiveError(
            f"The link answered with HTTP {response.status_code}.", link_dead=response.status_code in _DEAD_LINK
        )
    return response


def _check_address(url: str, allow_private: bool) -> None:
    """Refuse what a provider has no reason to send us to: other schemes, logins, our own network."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ArchiveError("The link is not a plain http(s) address.", link_dead=True)
    if not allow_private and is_private_host(parts.hostname):
        raise ArchiveError("The link leads into a private network and is not followed.", link_dead=True)


def is_private_host(host: str) -> bool:
    """Whether a host name leads to any address that is not on the public internet.

    Raises:
        OSError: the name cannot be resolved.
    """
    addresses = {info[4][0] for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    return not all(ipaddress.ip_address(str(address).partition("%")[0]).is_global for address in addresses)


def _expected_bytes(response: requests.Response, max_bytes: int) -> int | None:
    length = response.headers.get("Content-Length", "")
    expected = int(length) if length.isdecimal() else None
    if expected is not None and expected > max_bytes:
        raise ArchiveError(f"The file is {expected} bytes; at most {max_bytes} are brought home (MAX_VIDEO_BYTES).")
    return expected


def _copy(
    response: requests.Response, file: IO[bytes], max_bytes: int, deadline: float, on_chunk: Callable[[], object]
) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while chunk := response.raw.read1(CHUNK, decode_content=False):
        size += len(chunk)
        if size > max_bytes:
            raise ArchiveError(f"The file is larger than {max_bytes} bytes (MAX_VIDEO_BYTES).")
        if time.monotonic() > deadline:
            raise ArchiveError("The download took too long.")
        digest.update(chunk)
        file.write(chunk)
        on_chunk()
    return digest.hexdigest(), size
