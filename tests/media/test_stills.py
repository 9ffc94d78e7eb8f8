"""A still picture is made where that is possible, and missed silently where not."""

import io
from pathlib import Path

import pytest
from PIL import Image

from seedance import emulator
from seedance.media import stills
from tests.films import film


@pytest.fixture
def clip():
    """The emulator's bundled film, open for reading."""
    return io.BytesIO(Path(emulator.__file__).with_name("clip.mp4").read_bytes())


@pytest.mark.parametrize("kind", ["mp4", "mov", "matroska"])
@pytest.mark.parametrize("key_frames", [1, 12, 250], ids=["all key frames", "some", "one"])
@pytest.mark.parametrize("length", [1, 2, 60], ids=["one picture", "two", "many"])
def test_last_frame_is_a_png_of_the_last_picture(kind, key_frames, length):
    made = film(["black"] * (length - 1) + ["white"], kind=kind, key_frames=key_frames)

    image = Image.open(io.BytesIO(stills.last_frame_of(io.BytesIO(made))))

    assert (image.format, image.size) == ("PNG", (640, 360))
    assert min(image.getpixel((160, 90))) > 200


@pytest.mark.parametrize("data", [b"", b"<html>no film</html>", b"\0" * 5000], ids=["empty", "page", "zeros"])
def test_last_frame_of_what_is_no_madeis_none(data):
    assert stills.last_frame_of(io.BytesIO(data)) is None


def test_last_frame_needs_the_media_extra(clip, monkeypatch):
    monkeypatch.setattr(stills, "av", None)

    assert stills.last_frame_of(clip) is None


def test_poster_is_a_jpeg_of_the_first_picture(clip):
    image = Image.open(io.BytesIO(stills.poster_of(clip)))

    assert image.format == "JPEG"
    assert max(image.size) <= stills.LONGEST_SIDE


@pytest.mark.parametrize("picture", [stills.poster_of, stills.last_frame_of])
def test_playlist_does_not_lead_to_another_file_of_the_site(picture, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.mp4").write_bytes(film(["white"]))

    assert picture(io.BytesIO(b"ffconcat version 1.0\nfile secret.mp4\n")) is None


@pytest.mark.parametrize("data", [b"", b"<html>no film</html>", b"\0" * 5000], ids=["empty", "page", "zeros"])
def test_poster_of_what_is_no_madeis_none(data):
    assert stills.poster_of(io.BytesIO(data)) is None


def test_poster_of_a_madewithout_pictures_is_none():
    sound = io.BytesIO()
    with stills.av.open(sound, "w", format="wav") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = stills.av.AudioFrame(format="s16", layout="mono", samples=800)
        frame.rate = 8000
        container.mux(stream.encode(frame))

    assert stills.poster_of(sound) is None


def test_poster_needs_the_media_extra(clip, monkeypatch):
    monkeypatch.setattr(stills, "av", None)

    assert stills.poster_of(clip) is None
