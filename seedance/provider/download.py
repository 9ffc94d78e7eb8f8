"""Download a result file: bounded in size and time, resumed after an interruption, only from allowed hosts."""

import hashlib
import ipaddress
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import IO
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError

from .. import __version__
from ..exceptions import ArchiveError
from .transport import NoRedirectSession

#: Read and hashed at a time; what a download costs in memory. Bytes.
CHUNK = 256 * 1024
#: Longest wait for a connection, and for the next piece of an answer. Seconds.
CONNECT_SECONDS, SILENT_SECONDS = 10.0, 30.0
#: Redirects followed before giving up; storage hosts use none or one.
MAX_REDIRECTS = 3
#: Prefix under which networks without IPv4 reach it. Source: RFC 6052.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
#: Times a broken download is taken up again where it broke off.
MAX_RESUMES = 5
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
    provider_url: str = "",
    hosts: Sequence[str] = (),
    auth: AuthBase | None = None,
    on_chunk: Callable[[], object] = bool,
) -> Iterator[Download]:
    """Fetch a file into a temporary one that lives as long as the ``with`` block.

    Args:
        max_bytes: larger files are refused, as early as their length is known.
        seconds: for all of it.
        provider_url: an address of the provider; its host, at that port, may be asked although it is private.
        hosts: the only hosts that may be asked, ``.example.com`` for all below it; empty: any.
        auth: puts a key on the request, for the few addresses that want one; never sent to where it redirects.
        on_chunk: called after each piece, as a heartbeat.

    Raises:
        ArchiveError: with ``link_dead`` set when the link itself was refused.
    """
    deadline = time.monotonic() + seconds
    with NoRedirectSession() as session, tempfile.TemporaryFile() as file:
        session.trust_env = False  # no .netrc: a signed link must be fetched without any Authorization
        session.headers.update({"User-Agent": f"django-seedance/{__version__}", "Accept-Encoding": "identity"})
        arrived = _Arrived(file, max_bytes, deadline, on_chunk)
        ask = partial(_open, session, url, provider_url, hosts, auth, deadline)
        _fetch(ask, arrived)
        if not arrived.bytes:
            raise ArchiveError("The downloaded file is empty.")
        file.seek(0)
        yield Download(file, arrived.bytes, arrived.digest.hexdigest())


class _Arrived:
    """What has arrived of a file so far."""

    def __init__(self, file: IO[bytes], max_bytes: int, deadline: float, on_chunk: Callable[[], object]) -> None:
        self._file, self._max_bytes, self._deadline, self._on_chunk = file, max_bytes, deadline, on_chunk
        self.etag = ""
        self.expected: int | None = None
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget what came before; the next answer holds the file from its first byte."""
        self._file.seek(0)
        self._file.truncate()
        self.digest = hashlib.sha256()
        self.bytes = 0

    @property
    def is_whole(self) -> bool:
        """Whether as much has come as was announced; without an announcement the end of the answer counts."""
        return self.expected is None or self.bytes == self.expected

    @property
    def range(self) -> dict[str, str]:
        """Headers that ask for the rest only, if the file is still the same."""
        if not self.bytes or not self.etag:
            return {}
        return {"Range": f"bytes={self.bytes}-", "If-Range": self.etag}

    def take(self, response: requests.Response) -> None:
        """Add an answer: the rest where the host sends that, the whole file again where it does not.

        Raises:
            ArchiveError: too large, too slow, or longer than announced.
        """
        continues = response.status_code == 206 and response.headers.get("Content-Range", "").startswith(
            f"bytes {self.bytes}-"
        )
        if not continues:
            self.begin_anew()
            self.expected = _expected_bytes(response, self._max_bytes)
            etag = response.headers.get("ETag", "")
            self.etag = "" if etag.startswith("W/") else etag
        while chunk := response.raw.read1(CHUNK, decode_content=False):
            self.bytes += len(chunk)
            if self.bytes > self._max_bytes:
                raise ArchiveError(f"The file is larger than {self._max_bytes} bytes (MAX_VIDEO_BYTES).")
            if time.monotonic() > self._deadline:
                raise ArchiveError("The download took too long.")
            self.digest.update(chunk)
            self._file.write(chunk)
            self._on_chunk()


def _fetch(ask: Callable[[dict[str, str]], requests.Response], arrived: _Arrived) -> None:
    """Request until the file is complete; after an interruption request the rest, as long as each answer adds to it."""
    for attempt in range(MAX_RESUMES + 1):
        before = arrived.bytes if arrived.range else 0
        broken: Exception | None = None
        try:
            with ask(arrived.range) as response:
                arrived.take(response)
        except (requests.RequestException, HTTPError, OSError) as exc:
            broken = exc
        if broken is None and arrived.is_whole:
            return
        if attempt == MAX_RESUMES or not arrived.range or arrived.bytes <= before:
            if broken is not None:
                raise ArchiveError(f"The download broke off ({type(broken).__name__}).") from broken
            raise ArchiveError(f"The download ended after {arrived.bytes} of {arrived.expected} bytes.")


def _open(
    session: requests.Session,
    url: str,
    provider_url: str,
    hosts: Sequence[str],
    auth: AuthBase | None,
    deadline: float,
    headers: dict[str, str],
) -> requests.Response:
    for hop in range(MAX_REDIRECTS + 1):
        _check_address(url, provider_url, hosts)
        left = max(deadline - time.monotonic(), 0.001)
        timeout = (min(CONNECT_SECONDS, left), min(SILENT_SECONDS, left))
        response = session.get(
            url,
            stream=True,
            allow_redirects=False,
            timeout=timeout,
            headers=headers,
            auth=auth if hop == 0 else None,  # the key is for the address that was asked, not for where it leads
        )
        if not response.is_redirect:
            break
        response.close()
        url = _joined(url, response.headers["Location"])
    if response.status_code not in (200, 206) or (response.status_code == 206 and not headers):
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


def _check_address(url: str, provider_url: str, hosts: Sequence[str]) -> None:
    """Refuse addresses that a provider does not need: other schemes, logins, our own network, unlisted hosts."""
    try:
        parts = urlsplit(url)
        is_plain = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
        is_private = is_plain and is_private_host(parts.hostname or "") and not _is_same_host(url, provider_url)
    except ValueError:  # brackets or labels that no host name has
        is_plain = is_private = False
    if not is_plain:
        raise ArchiveError("The link is not a plain http(s) address.", link_dead=True)
    if is_private:
        raise ArchiveError("The link leads into a private network and is not followed.", link_dead=True)
    if hosts and not _is_listed(parts.hostname or "", hosts):
        raise ArchiveError("The link leads to a host that DOWNLOAD_HOSTS does not list.")


def _is_listed(host: str, hosts: Sequence[str]) -> bool:
    """Whether a host is named, or lies below a name that begins with a dot."""
    return any(host == name or (name.startswith(".") and host.endswith(name)) for name in hosts)


def is_private_host(host: str) -> bool:
    """Whether a host name leads to any address that is not on the public internet.

    Raises:
        OSError: the name cannot be resolved.
    """
    return not all(_is_public(ipaddress.ip_address(address)) for address in _addresses(host))


def _addresses(host: str) -> set[str]:
    return {str(info[4][0]).partition("%")[0] for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}


def _is_same_host(url: str, other: str) -> bool:
    """Whether two addresses lead to the same port of the same machine, under whatever name."""
    mine, its = urlsplit(url), urlsplit(other)
    if not its.hostname or _port(mine) != _port(its):
        return False
    return mine.hostname == its.hostname or _addresses(mine.hostname or "") <= _addresses(its.hostname)


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        # Forms of IPv6 that a gateway turns into the IPv4 address within.
        nat64 = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF) if address in _NAT64 else None
        address = address.ipv4_mapped or address.sixtofour or nat64 or address
    return address.is_global


def _expected_bytes(response: requests.Response, max_bytes: int) -> int | None:
    length = response.headers.get("Content-Length", "")
    expected = int(length) if length.isdecimal() else None
    if expected is not None and expected > max_bytes:
        raise ArchiveError(f"The file is {expected} bytes; at most {max_bytes} are stored (MAX_VIDEO_BYTES).")
    return expected
