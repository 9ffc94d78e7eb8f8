"""Uploaded files on their way into a request: in pieces, and before anything leaves."""

import base64
import io
import tempfile
import tracemalloc
from contextlib import suppress

import pytest

from seedance.emulator.multipart import read_form
from seedance.exceptions import ProviderError, TransportError, UploadError
from seedance.provider.ark import SeedanceClient
from seedance.provider.types import ContentPart, TaskRequest, Upload
from seedance.provider.uploads import base64_pieces
from seedance.provider.videos import VideosClient

from ..conftest import SAMPLE_PROMPT

MEGABYTE = 1024 * 1024


class Dribble(io.BytesIO):
    """A storage's file that gives fewer bytes than it is asked for."""

    def read(self, size=-1):
        return super().read(min(size, 7))


def request(*uploads):
    parts = [ContentPart("image_url", role="reference_image", upload=upload) for upload in uploads]
    return TaskRequest("doubao-seedance-2-0", (ContentPart("text", SAMPLE_PROMPT), *parts))


def upload(content, kind=io.BytesIO):
    return Upload("image/png", lambda: kind(content))


def missing():
    raise FileNotFoundError("/secret/path")


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 6, 7, 1000])
@pytest.mark.parametrize("kind", [io.BytesIO, Dribble])
def test_pieces_of_base64_are_the_encoding_of_the_whole(size, kind):
    content = bytes(range(256)) * 4

    encoded = b"".join(base64_pieces(upload(content[:size], kind)))

    assert encoded == base64.b64encode(content[:size])


def test_uploads_travel_in_their_places(ark, provider, png):
    first, second = png.read(), b"second"

    with suppress(ProviderError):  # what the emulator thinks of them is not the matter
        ark.create_task(request(upload(first), upload(second)))

    urls = [item["image_url"]["url"] for item in provider.requests[-1].json["content"][1:]]
    assert urls == [f"data:image/png;base64,{base64.b64encode(content).decode()}" for content in (first, second)]


def test_form_carries_an_upload_byte_for_byte(videos, provider, png):
    content = png.read()

    videos.create_task(request(upload(content, Dribble)))

    file = read_form(provider.requests[-1]).files[0]
    assert (file.name, file.content_type, file.data) == ("reference-1.png", "image/png", content)


@pytest.mark.parametrize("dialect", ["ark", "videos"])
def test_upload_that_cannot_be_read_fails_before_anything_is_sent(dialect, provider, request):
    client = request.getfixturevalue(dialect)

    with pytest.raises(UploadError, match="FileNotFoundError") as caught:
        client.create_task(TaskRequest("m", (ContentPart("image_url", upload=Upload("image/png", missing)),)))

    assert "secret" not in str(caught.value)
    assert not provider.requests


def test_full_disk_fails_before_anything_is_sent(ark, provider, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "no such folder"))

    with pytest.raises(TransportError) as caught:
        ark.create_task(request(upload(bytes(2 * MEGABYTE))))

    assert caught.value.sent is False
    assert not provider.requests


@pytest.mark.parametrize("client", [SeedanceClient, VideosClient])
def test_large_uploads_take_no_memory_to_send(client, drain, tmp_path):
    path = tmp_path / "large.png"
    path.write_bytes(bytes(20 * MEGABYTE))
    sender = client(f"http://127.0.0.1:{drain.server_port}", "key")
    tracemalloc.start()

    sender.create_task(request(*[Upload("image/png", lambda: path.open("rb"))] * 2))

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * MEGABYTE
