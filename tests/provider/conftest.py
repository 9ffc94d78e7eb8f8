"""Clients of both dialects against the emulator, and a host that answers exactly what a test wants."""

import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from seedance.provider.ark import SeedanceClient
from seedance.provider.types import ContentPart, TaskRequest
from seedance.provider.videos import VideosClient

from ..conftest import SAMPLE_MODEL, SAMPLE_PROMPT

KEY = "sk-not-for-any-log-0123456789"


@pytest.fixture
def ark(provider):
    """The Ark dialect, with short timeouts for tests without an answer."""
    return SeedanceClient(provider.ark_url, KEY, connect_timeout=2, create_timeout=5, timeout=5)


@pytest.fixture
def impatient(provider):
    """The Ark dialect with little patience."""
    return SeedanceClient(provider.ark_url, KEY, connect_timeout=2, create_timeout=0.4, timeout=0.4)


@pytest.fixture
def volc(provider):
    """The Ark dialect in CometAPI's flavour."""
    return SeedanceClient(provider.volc_url, KEY, connect_timeout=2, create_timeout=5, timeout=5)


@pytest.fixture
def videos(provider):
    """The unified dialect."""
    return VideosClient(provider.videos_url, KEY, connect_timeout=2, create_timeout=5, timeout=5)


@pytest.fixture
def sample():
    """The request of the quickstart, with its parameters as body fields."""
    return TaskRequest(SAMPLE_MODEL, (ContentPart("text", SAMPLE_PROMPT),), {"duration": 5, "ratio": "16:9"})


@pytest.fixture
def closed_port():
    """A port of this machine without a listener: it is bound, so that no other process can take it."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


class Host(ThreadingHTTPServer):
    """Sends ``raw`` bytes, head and all, for every request, and keeps what it heard."""

    daemon_threads = True
    raw: bytes | Callable[[str], bytes] = b""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, body: bytes, *headers: str, status: str = "200 OK") -> None:
        """Answer with a body of a declared length from now on."""
        head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers])
        self.raw = head.encode() + b"\r\n\r\n" + body


class _Handler(BaseHTTPRequestHandler):
    server: Host

    def _serve(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.heard.append((self.command, self.path, self.headers))
        raw = self.server.raw
        self.wfile.write(raw(self.path) if callable(raw) else raw)
        self.close_connection = True

    do_GET = do_POST = do_DELETE = _serve

    def log_message(self, *_):
        """Stay silent."""


@pytest.fixture
def host() -> Iterator[Host]:
    """A host that sends the given bytes."""
    with Host(("127.0.0.1", 0), _Handler) as server:
        server.heard = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def at_host(host):
    """The Ark dialect, speaking to ``host``."""
    return SeedanceClient(host.url, KEY, connect_timeout=2, create_timeout=2, timeout=2)
