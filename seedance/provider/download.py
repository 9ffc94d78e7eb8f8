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
from .transport import StraightSession

#: Read and hashed at a time; what a download costs in memory. Bytes.
CHUNK = 256 * 1024
#: Longest wait for a connection, and for the next piece of an answer. Seconds.
CONNECT_SECONDS, SILENT_SECONDS = 10.0, 30.0
#: Redirects followed before giving up; storage hosts use none or one.
MAX_REDIRECTS = 3
#: Prefix under which networks without IPv4 reach it. Source: RFC 6052.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
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
    with StraightSession() as session, tempfile.TemporaryFile() as file:
        session.trust_env = False  # no .netrc: a signed link must be fetched without any Authorization
        session.headers.update({"User-Agent": f"django-seedance/{__version__}", "Accept-Encoding": "identity"})
        try:
            with _open(session, url, allow_private, deadline) as response:
                _check_declared_length(response, max_bytes)
                digest, size = _copy(response, file, max_bytes, deadline, on_chunk)
        except (requests.RequestException, HTTPError, OSError) as exc:
            raise ArchiveError(f"The download broke off ({type(exc).__name__}).") from exc
        if not size:
            raise ArchiveError("The downloaded file is empty.")
        file.seek(0)
        yield Download(file, size, digest)


def _open(session: requests.Session, url: str, allow_private: bool, deadline: float) -> requests.Response:
    for _hop in range(MAX_REDIRECTS + 1):
        _check_address(url, allow_private)
        left = max(deadline - time.monotonic(), 0.001)
        timeout = (min(CONNECT_SECONDS, left), min(SILENT_SECONDS, left))
        response = session.get(url, stream=True, allow_redirects=False, timeout=timeout)
        if not response.is_redirect:
            break
        response.close()
        url = _joined(url, response.headers["Location"])
    if response.status_code != 200:
        response.close()
        raise ArchiveError(
            f"The link answered with HTTP {response.status_code}.", link_dead=response.status_code in _DEAD_LINK
        )
    return response


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        return location  # is refused right after


def _check_address(url: str, allow_private: bool) -> None:
    """Refuse what a provider has no reason to send us to: other schemes, logins, our own network."""
    try:
        parts = urlsplit(url)
        is_plain = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
        is_private = is_plain and not allow_private and is_private_host(parts.hostname or "")
    except ValueError:  # brackets or labels that no host name has
        is_plain = is_private = False
    if not is_plain:
        raise ArchiveError("The link is not a plain http(s) address.", link_dead=True)
    if is_private:
        raise ArchiveError("The link leads into a private network and is not followed.", link_dead=True)


def is_private_host(host: str) -> bool:
    """Whether a host name leads to any address that is not on the public internet.

    Raises:
        OSError: the name cannot be resolved.
    """
    addresses = {str(info[4][0]).partition("%")[0] for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    return not all(_is_public(ipaddress.ip_address(address)) for address in addresses)


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        # Forms of IPv6 that a gateway turns into the IPv4 address within.
        nat64 = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF) if address in _NAT64 else None
        address = address.ipv4_mapped or address.sixtofour or nat64 or address
    return address.is_global


def _check_declared_length(response: requests.Response, max_bytes: int) -> None:
    """Refuse a file that announces itself as too large. One that ends before its length is urllib3's to notice."""
    length = response.headers.get("Content-Length", "")
    if length.isdecimal() and int(length[:20]) > max_bytes:
        raise ArchiveError(f"The file is {length[:20]} bytes; at most {max_bytes} are brought home (MAX_VIDEO_BYTES).")


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
