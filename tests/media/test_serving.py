"""Stored files are streamed in pieces, whatever kind of server hands them out."""

import asyncio
import tracemalloc

import pytest
from django.core.files.storage import FileSystemStorage
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.test import RequestFactory, override_settings
from django.urls import path

from seedance.media.serving import CHUNK_BYTES, file_response
from seedance.models import MediaItem

MEBIBYTE = 1024 * 1024
SIZE = 200 * MEBIBYTE


class Storage(FileSystemStorage):
    """Remembers the files it opened."""

    opened = []

    def open(self, name, mode="rb"):
        self.opened.append(super().open(name, mode))
        return self.opened[-1]


def view(request):
    return file_response(
        request, MediaItem(file="big.mp4").file, content_type="video/mp4", filename="big.mp4", etag="e"
    )


urlpatterns = [path("big/", view)]


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """A file of 200 MB is stored; returns the list of the files that were opened since."""
    storage = Storage(tmp_path)
    with open(tmp_path / "big.mp4", "wb") as file:
        file.truncate(SIZE)
    monkeypatch.setattr(MediaItem._meta.get_field("file"), "storage", storage)
    monkeypatch.setattr(Storage, "opened", [])
    with override_settings(ROOT_URLCONF=__name__):
        yield Storage.opened


def ask(send, gone=None, headers=()):
    """Have Django's ASGI handler answer a request; the client goes away once ``gone`` is set."""

    async def run():
        begin = [{"type": "http.request", "body": b"", "more_body": False}]
        leaves = asyncio.Event()

        async def receive():
            if begin:
                return begin.pop()
            await leaves.wait()
            return {"type": "http.disconnect"}

        async def hear(message):
            if send(message):
                leaves.set()
                await asyncio.sleep(0)

        scope = {
            "type": "http",
            "method": "GET",
            "path": "/big/",
            "query_string": b"",
            "headers": [(b"host", b"testserver"), *headers],
        }
        await asyncio.wait_for(ASGIHandler()(scope, receive, hear), 60)

    asyncio.run(run())


def test_download_under_asgi_is_whole_and_never_in_memory_as_a_whole(opened):
    received = []
    tracemalloc.start()

    ask(lambda message: received.append(len(message.get("body", b""))))

    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(received) == SIZE
    assert peak < 20 * MEBIBYTE
    assert [file.closed for file in opened] == [True]


def test_client_that_goes_away_under_asgi_ends_the_reading_and_closes_the_file(opened):
    received = []

    def leave_early(message):
        received.append(len(message.get("body", b"")))
        return sum(received) > MEBIBYTE

    ask(leave_early)

    assert sum(received) < 10 * MEBIBYTE
    assert [file.closed for file in opened] == [True]


def test_range_under_asgi_brings_these_bytes_only(opened):
    received = []

    ask(lambda message: received.append(message.get("body", b"")), headers=[(b"range", b"bytes=10-19")])

    assert b"".join(received) == b"\0" * 10


@pytest.mark.django_db  # closing the response lets Django look after its connections
def test_download_under_wsgi_is_read_in_pieces(opened):
    environ = RequestFactory()._base_environ(PATH_INFO="/big/")

    response = WSGIHandler()(environ, lambda status, headers: None)
    first = next(iter(response))
    response.close()

    assert len(first) == CHUNK_BYTES
    assert [file.closed for file in opened] == [True]
