"""What was received and what is to be sent: plain data between the socket and the routes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


class Request:
    """One request as it arrived.

    Attributes:
        method: upper case.
        path: decoded, without the query.
        query: values by name, each a list because names may repeat.
        headers: case-insensitive mapping.
        body: raw bytes.
        at: time on the emulator's clock, Unix seconds.
    """

    def __init__(self, method: str, target: str, headers: Message, body: bytes = b"", at: float = 0.0) -> None:
        split = urlsplit(target)
        self.method = method
        self.path = unquote(split.path)
        self.query: dict[str, list[str]] = parse_qs(split.query, keep_blank_values=True) if split.query else {}
        self.headers = headers
        self.body = body
        self.at = at

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.path}>"

    @cached_property
    def json(self) -> Any:
        """The body read as JSON, or None when it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def parameter(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        return self.query.get(name, [default])[0]

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready copy for the control routes; the credential is left out."""
        headers = {name: value for name, value in self.headers.items() if name.lower() != "authorization"}
        return {
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "headers": headers,
            "body": self.body.decode("utf-8", "replace"),
            "at": self.at,
        }


@dataclass(slots=True)
class Response:
    """One response, and how badly to deliver it."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    #: Called once the response has left, or failed to.
    after: Callable[[], None] | None = None
    #: "" normal; "close" without a word; "reset" the connection.
    hang_up: str = ""
    #: Seconds before the status line.
    delay: float = 0.0
    #: Seconds over which the body trickles out.
    trickle: float = 0.0
    #: Bytes announced but never sent.
    missing_bytes: int = 0


def encode(payload: Any) -> bytes:
    """JSON as UTF-8. Lone surrogates, which JSON text may smuggle in, become question marks."""
    return json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")


def json_response(payload: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A response with a JSON body."""
    return Response(status, encode(payload), headers or {})
