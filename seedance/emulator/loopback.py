"""The one network this emulator ever touches."""

from __future__ import annotations

import http.client
import ipaddress
from urllib.parse import urlsplit


def is_loopback_host(host: str) -> bool:
    """Whether a host name or address can only mean this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_loopback_url(url: str) -> bool:
    """Whether an address is plain http on this machine."""
    try:
        split = urlsplit(url)
        return split.scheme == "http" and is_loopback_host(split.hostname or "") and split.port != 0
    except ValueError:
        return False


def ask_loopback(method: str, url: str, body: bytes | None, timeout: float) -> tuple[int, bytes]:
    """One request to this machine; redirects are not followed, they could lead anywhere.

    Returns:
        HTTP status and body.

    Raises:
        OSError, http.client.HTTPException: when there is no response. ValueError: for any other machine.
    """
    if not is_loopback_url(url):
        raise ValueError("not a loopback address")
    split = urlsplit(url)
    target = (split.path or "/") + (f"?{split.query}" if split.query else "")
    headers = {} if body is None else {"Content-Type": "application/json"}
    connection = http.client.HTTPConnection(split.hostname or "", split.port or 80, timeout=timeout)
    try:
        connection.request(method, target, body, headers)
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()
