"""HTTP/1.1 on a loopback port: keep-alive, many connections, nothing clever."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .loopback import is_loopback_host
from .wire import Request, Response

Respond = Callable[[Request], Response]
_REASONS = {status.value: status.phrase for status in HTTPStatus}
_LARGEST_BODY = 96 * 2**20
_TRICKLE_PIECES = 20
#: Tells the kernel to reset a connection on close instead of ending it politely.
_LINGER_RESET = struct.pack("ii", 1, 0)


class Server(ThreadingHTTPServer):
    """Serves `respond` until stopped. Refuses to listen on anything but loopback."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, host: str, port: int, respond: Respond, now: Callable[[], float]) -> None:
        if not is_loopback_host(host):
            raise ValueError(f"the emulator only listens on loopback, not on {host!r}")
        if ":" in host:
            self.address_family = socket.AF_INET6
        self.respond = respond
        self.now = now
        self.stopping = threading.Event()
        self._open: dict[socket.socket, threading.Thread] = {}
        self._open_lock = threading.Lock()
        super().__init__((host, port), Handler)

    def server_bind(self) -> None:
        # The base class would look up the host's full name, which may ask the network.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open[request] = threading.current_thread()
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._open_lock:
                self._open.pop(request, None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error; anything else is a bug of ours and must be seen."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        """Stop listening, drop every connection, and wait a moment for their threads."""
        self.stopping.set()
        self.shutdown()
        self.server_close()
        with self._open_lock:
            connections = dict(self._open)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        deadline = time.monotonic() + 0.5
        for thread in connections.values():
            thread.join(timeout=max(0.0, deadline - time.monotonic()))


class Handler(BaseHTTPRequestHandler):
    """Reads requests off one connection and writes the answers."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "seedance-emulator"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""

    def _serve(self) -> None:
        body = self._read_body()
        if body is None:
            return
        request = Request(self.command, self.path, self.headers, body, self.server.now())
        response = self.server.respond(request)
        try:
            self._deliver(response)
        finally:
            if response.after is not None:
                response.after()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _serve

    def _read_body(self) -> bytes | None:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._read_chunks()
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > _LARGEST_BODY:
            self.close_connection = True
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return None
        return self.rfile.read(int(length)) if int(length) else b""

    def _read_chunks(self) -> bytes | None:
        pieces: list[bytes] = []
        while True:
            try:
                size = int(self.rfile.readline(1024).split(b";")[0], 16)
            except ValueError:
                self.close_connection = True
                self.send_error(HTTPStatus.BAD_REQUEST)
                return None
            if not size:
                while self.rfile.readline(65_536).strip():
                    pass
                return b"".join(pieces)
            pieces.append(self.rfile.read(size))
            self.rfile.readline(1024)

    def _deliver(self, response: Response) -> None:
        if response.delay:
            self.server.stopping.wait(response.delay)
        if response.hang_up:
            self._hang_up(response.hang_up)
            return
        body = b"" if self.command == "HEAD" else response.body
        head = self._head(response)
        if response.missing_bytes:
            self.close_connection = True
        if response.trickle:
            self.connection.sendall(head)
            self._trickle(body, response.trickle)
        else:
            self.connection.sendall(head + body)

    def _head(self, response: Response) -> bytes:
        headers = {
            "Server": self.server_version,
            "Date": self.date_time_string(),
            "Content-Type": response.content_type,
            "Content-Length": str(len(response.body) + response.missing_bytes),
            **response.headers,
        }
        lines = [f"HTTP/1.1 {response.status} {_REASONS.get(response.status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")

    def _trickle(self, body: bytes, seconds: float) -> None:
        size = max(1, -(-len(body) // _TRICKLE_PIECES))
        for start in range(0, len(body), size):
            if self.server.stopping.wait(seconds / _TRICKLE_PIECES):
                return
            self.connection.sendall(body[start : start + size])

    def _hang_up(self, manner: str) -> None:
        self.close_connection = True
        if manner == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
            # Closing must not be preceded by a polite shutdown, which would send an end of stream first.
            self.connection.close()
