"""Fixtures shared by all tests: the provider (our emulator), rows, people, and a guard against other hosts."""

import datetime as dt
import hashlib
import io
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.utils import timezone
from PIL import Image

from seedance import conf, tasks
from seedance.catalogue.parameters import PARAMETERS
from seedance.emulator import Emulator
from seedance.lifecycle import history
from seedance.models import FINAL, GenerationTask, Status
from seedance.models.status import IN_FLIGHT

SAMPLE_MODEL = "doubao-seedance-1-5-pro-251215"
SAMPLE_PROMPT = "A paper boat drifts on a quiet lake at sunrise."


def pytest_configure() -> None:
    """Accept the signals that a shell makes background processes ignore: tests send them, also to child processes."""
    for number, handler in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGQUIT, signal.SIG_DFL),
        (signal.SIGHUP, signal.SIG_DFL),
    ):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test may speak to any other host."""
    real_connect = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test wanted to connect to {address[0]}")
        real_connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    """What was read or asked for one test says nothing to the next."""
    conf.forget_keys()
    history.forget()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The test database; before it is dropped, connections that threads of live servers kept open are ended."""
    yield
    with django_db_blocker.unblock():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """The emulator on a free port, shared by the tests of one process. Tests use ``provider``."""
    with Emulator(queue_seconds=5, run_seconds=30, real_time=False) as running:
        yield running


@pytest.fixture
def provider(emulator: Emulator, settings: Any) -> Emulator:
    """The emulator, as if new, being the site's default provider. Its clock stands still until told."""
    emulator.reset()
    settings.SEEDANCE = {
        **settings.SEEDANCE,
        "PROVIDERS": {"default": {"PRESET": "emulator", "BASE_URL": emulator.ark_url}},
    }
    return emulator


class _Drain(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        left, digest = int(self.headers["Content-Length"]), hashlib.sha256()
        while left:
            piece = self.rfile.read1(min(left, 65536))
            left -= len(piece)
            digest.update(piece)
        self.server.digest = digest.hexdigest()
        body = b'{"id": "cgt-20260101000000-drain"}'
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Stay silent."""


@pytest.fixture
def drain() -> Iterator[ThreadingHTTPServer]:
    """A host that accepts any create call and keeps nothing of it in memory but its ``digest``."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Drain) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def user(django_user_model: Any) -> Any:
    """An ordinary person."""
    return django_user_model.objects.create_user("alice", password="alice-secret")


@pytest.fixture
def make_task(db: None) -> Callable[..., GenerationTask]:
    """Returns a function that saves a valid row; a test names only what it is about."""

    def make(**columns: Any) -> GenerationTask:
        status = Status(columns.setdefault("status", Status.NEW))
        now = timezone.now()
        defaults: dict[str, Any] = {"model_name": SAMPLE_MODEL, "prompt": SAMPLE_PROMPT}
        if status in IN_FLIGHT | FINAL:
            number = GenerationTask.objects.count() + 1
            defaults |= {"provider_task_id": f"cgt-20260101000000-{number:05d}", "submitted_at": now}
        if status in IN_FLIGHT:
            defaults["next_poll_at"] = now
        if status in FINAL:
            defaults["finished_at"] = now
        if status == Status.SUCCEEDED:
            defaults["next_archive_at"] = now
        if status == Status.SUBMITTING:
            defaults |= {"lease_owner": "somebody", "lease_until": now + dt.timedelta(minutes=1)}
        parameters = {name: columns.pop(name) for name in PARAMETERS if name in columns}
        return GenerationTask.objects.create(**{**defaults, "parameters": parameters, **columns})

    return make


@pytest.fixture
def png() -> ContentFile:
    """A small image file as somebody may upload it."""
    buffer = io.BytesIO()
    Image.new("RGB", (400, 300), "teal").save(buffer, "PNG")
    return ContentFile(buffer.getvalue(), name="lake.png")


def run_to_the_end(provider: Emulator, task: GenerationTask) -> None:
    """Send a pending task, have the provider finish it at once, and store the video."""
    tasks.send_pending()
    provider.finish()
    GenerationTask.objects.filter(pk=task.pk).poll_now()
    tasks.poll_due()
    tasks.archive_next()
    task.refresh_from_db()


def content_of(file: Any) -> bytes:
    """All bytes of a stored file."""
    with file.open("rb") as opened:
        return opened.read()


def require_service(name: str, reachable: bool) -> None:
    """Skip, saying why, where a real service is missing; fail where CI demands it."""
    if reachable:
        return
    reason = f"{name} is not reachable"
    if os.environ.get("SEEDANCE_TEST_REQUIRE_SERVICES"):
        pytest.fail(reason)
    pytest.skip(reason)


__all__ = ["SAMPLE_MODEL", "SAMPLE_PROMPT", "content_of", "require_service", "run_to_the_end"]
