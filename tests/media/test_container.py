"""Complete files are distinguished from cut and foreign ones."""

import contextlib
import io
import struct
import tempfile
from functools import cache
from pathlib import Path

import av
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from seedance.exceptions import ArchiveError
from seedance.media.container import check_image, check_video


@cache
def film(form="mp4", movflags=""):
    """A quarter of a second of real video."""
    with tempfile.NamedTemporaryFile(suffix=f".{form}") as file:
        with av.open(file.name, "w", options={"movflags": movflags} if movflags else {}) as container:
            stream = container.add_stream("libx264", rate=24)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            for shade in range(6):
                image = Image.new("RGB", (64, 48), (shade * 40, 80, 120))
                container.mux(stream.encode(av.VideoFrame.from_image(image)))
            container.mux(stream.encode(None))
        return Path(file.name).read_bytes()


def box(kind, payload=b"", length=None):
    return struct.pack(">I4s", len(payload) + 8 if length is None else length, kind) + payload


def check(data):
    return check_video(io.BytesIO(data), len(data))


FTYP = box(b"ftyp", b"isom\0\0\2\0")


@pytest.mark.parametrize(
    ("form", "movflags", "suffix"),
    [
        pytest.param("mp4", "", ".mp4", id="mp4, index last"),
        pytest.param("mp4", "faststart", ".mp4", id="mp4, index first"),
        pytest.param("mp4", "frag_keyframe+empty_moov", ".mp4", id="fragmented"),
        pytest.param("mov", "", ".mov", id="QuickTime"),
    ],
)
def test_real_video_is_accepted(form, movflags, suffix):
    assert check(film(form, movflags)) == suffix


@pytest.mark.parametrize(
    ("data", "suffix"),
    [
        pytest.param(FTYP + box(b"moov") + box(b"mdat", b"x" * 9), ".mp4", id="smallest"),
        pytest.param(
            FTYP + box(b"moov") + struct.pack(">I4sQ", 1, b"mdat", 16 + 5) + b"12345", ".mp4", id="64-bit length"
        ),
        pytest.param(FTYP + box(b"moov") + box(b"mdat", b"12345", length=0), ".mp4", id="last box to the end"),
        pytest.param(box(b"ftyp", b"qt  \0\0\0\0") + box(b"moov") + box(b"mdat", b"x"), ".mov", id="QuickTime brand"),
    ],
)
def test_complete_boxes_are_accepted(data, suffix):
    assert check(data) == suffix


@pytest.mark.parametrize("kept", [0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999])
@pytest.mark.parametrize("movflags", ["", "faststart"], ids=["index last", "index first"])
def test_cut_video_is_refused(movflags, kept):
    whole = film(movflags=movflags)

    with pytest.raises(ArchiveError):
        check(whole[: int(len(whole) * kept)])


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**31), st.sampled_from(["", "faststart"]))
def test_video_cut_anywhere_is_refused(place, movflags):
    whole = film(movflags=movflags)

    with pytest.raises(ArchiveError):
        check(whole[: place % len(whole)])


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from([b"", FTYP, FTYP + box(b"moov")]), st.binary(max_size=200))
def test_any_bytes_are_accepted_or_refused_but_never_crash(beginning, data):
    with contextlib.suppress(ArchiveError):
        assert check(beginning + data) in (".mp4", ".mov")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\0\0\0", id="three bytes"),
        pytest.param(b"<!doctype html><html><body>Please sign in</body></html>", id="page"),
        pytest.param(b'{"error": {"code": "AccessDenied"}}', id="JSON"),
        pytest.param(b"\x1aE\xdf\xa3" + b"\0" * 100, id="WebM"),
        pytest.param(b"RIFF\x10\0\0\0AVI LIST" + b"\0" * 50, id="AVI"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + b"\0" * 50, id="PNG"),
        pytest.param(FTYP, id="beginning only"),
        pytest.param(FTYP + box(b"mdat", b"x"), id="no index"),
        pytest.param(FTYP + box(b"moov"), id="no pictures"),
        pytest.param(box(b"moov") + FTYP + box(b"mdat"), id="wrong order"),
        pytest.param(FTYP + box(b"moov") + box(b"mdat", b"x", length=4), id="length below its own header"),
        pytest.param(FTYP + box(b"moov") + box(b"mdat", b"x", length=100), id="length beyond the end"),
        pytest.param(FTYP + box(b"moov") + struct.pack(">I4sQ", 1, b"mdat", 2**63), id="64-bit length beyond the end"),
        pytest.param(FTYP + box(b"moov") + struct.pack(">I4sQ", 1, b"mdat", 3), id="64-bit length too small"),
        pytest.param(FTYP + box(b"moov") + struct.pack(">I4s", 1, b"mdat"), id="64-bit length missing"),
        pytest.param(FTYP + box(b"moov") + box(b"mdat", b"x") + b"\0\0\0\x10fr", id="half a header"),
    ],
)
def test_foreign_or_broken_file_is_refused(data):
    with pytest.raises(ArchiveError):
        check(data)


@pytest.mark.parametrize(("form", "suffix"), [("PNG", ".png"), ("JPEG", ".jpg")])
def test_image_is_recognised_by_its_signature(form, suffix):
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, form)

    assert check_image(buffer) == suffix


@pytest.mark.parametrize("data", [b"", b"<html>", b"GIF89a", b"\x89PN"], ids=repr)
def test_foreign_image_is_refused(data):
    with pytest.raises(ArchiveError, match="not an image"):
        check_image(io.BytesIO(data))
