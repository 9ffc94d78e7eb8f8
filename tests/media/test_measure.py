"""What an uploaded file is, whatever its name says; broken ones are measured as far as they go and never raise."""

import io
import struct
import wave
import zlib
from fractions import Fraction
from pathlib import Path

import av
import pytest
from django.core.files.base import ContentFile, File
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import seedance.emulator
from seedance.catalogue import MediaFacts
from seedance.media import measure as module
from seedance.media.measure import measure

CLIP = Path(seedance.emulator.__file__).with_name("clip.mp4").read_bytes()


def image(kind, size=(640, 480)):
    buffer = io.BytesIO()
    Image.new("RGB", size, "teal").save(buffer, kind)
    return buffer.getvalue()


def wav(seconds=2.0, rate=8000):
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setparams((1, 2, rate, 0, "NONE", ""))
        sound.writeframes(bytes(int(seconds * rate) * 2))
    return buffer.getvalue()


def sound(container, codec, seconds=2, layout="mono"):
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as output:
        stream = output.add_stream(codec, rate=24_000, layout=layout)
        for number in range(seconds * 24_000 // 1152):
            frame = av.AudioFrame(format=stream.format.name, layout=layout, samples=1152)
            frame.sample_rate, frame.pts, frame.time_base = 24_000, number * 1152, Fraction(1, 24_000)
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return buffer.getvalue()


def movie(container="mp4", rate=25, frames=50, size=(320, 240)):
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as output:
        stream = output.add_stream("libx264", rate=rate, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.thread_count = 1
        for number in range(frames):
            frame = av.VideoFrame(*size, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            frame.pts, frame.time_base = number, Fraction(1, rate)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return buffer.getvalue()


def iso_file(brand):
    return struct.pack(">I4s4sI", 16, b"ftyp", brand, 0) + bytes(64)


def png_bomb(side=60_000):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def measured(data, name="upload"):
    return measure(ContentFile(data, name=name))


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "bmp", "tiff", "webp"])
def test_image_is_known_by_its_content_and_measured(kind):
    data = image(kind)

    assert measured(data) == MediaFacts(f"image/{kind}", len(data), 640, 480)


def test_name_and_client_are_not_believed():
    upload = SimpleUploadedFile("holiday.mp4", image("jpeg"), content_type="video/mp4")

    assert measure(upload).mime == "image/jpeg"


@pytest.mark.parametrize(
    ("brand", "mime"),
    [
        (b"heic", "image/heic"),
        (b"heix", "image/heic"),
        (b"mif1", "image/heif"),
        (b"avif", "image/avif"),
    ],
)
def test_image_nobody_here_can_read_is_known_by_its_brand(brand, mime):
    assert measured(iso_file(brand)) == MediaFacts(mime, 80)


def test_mp4_is_measured():
    facts = measured(CLIP)

    assert (facts.mime, facts.width, facts.height) == ("video/mp4", 320, 180)
    assert (facts.duration, facts.frames_per_second) == (2.0, 24.0)


@pytest.mark.parametrize(("container", "mime"), [("mp4", "video/mp4"), ("mov", "video/quicktime")])
def test_video_has_its_own_frame_rate_and_length(container, mime):
    facts = measured(movie(container, rate=30, frames=45))

    assert facts.mime == mime
    assert (facts.width, facts.height, facts.frames_per_second) == (320, 240, 30.0)
    assert facts.duration == pytest.approx(1.5, abs=0.05)


def test_mp4_without_pictures_is_a_sound():
    assert measured(sound("mp4", "aac")).mime == "audio/mp4"


def test_matroska_is_named_and_left_unmeasured():
    facts = measured(movie("matroska"))

    assert (facts.mime, facts.width) == ("video/x-matroska", None)


def test_wav_is_measured():
    data = wav(2.5)

    assert measured(data) == MediaFacts("audio/wav", len(data), duration=2.5)


def test_wav_of_a_recorder_that_was_cut_off_is_no_longer_than_its_bytes():
    data = bytearray(wav(2.0))
    data[40:44] = b"\xff\xff\xff\xff"

    facts = measured(bytes(data))

    assert facts.mime == "audio/wav"
    assert facts.duration == pytest.approx(2.0, abs=0.01)


def test_wav_of_floats_is_measured():
    assert measured(sound("wav", "pcm_f32le")).duration == pytest.approx(2.0, abs=0.05)


def test_mp3_is_measured():
    facts = measured(sound("mp3", "libmp3lame"))

    assert facts.mime == "audio/mpeg"
    assert facts.duration == pytest.approx(2.0, abs=0.1)


def test_mp3_without_a_tag_is_known_by_its_first_frame():
    data = sound("mp3", "libmp3lame")
    first_frame = data.index(b"\xff", 10)

    assert measured(data[first_frame:]).mime == "audio/mpeg"


def test_decompression_bomb_is_measured_and_never_unpacked():
    facts = measured(png_bomb())

    assert (facts.mime, facts.width, facts.height) == ("image/png", 60_000, 60_000)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"%PDF-1.7 and more",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"#EXTM3U\nhttp://127.0.0.1/secret",
        b"\x89PNG\r\n\x1a\n and nothing else",
        image("jpeg")[:40],
        image("webp")[:20],
        CLIP[:64],
        b"RIFF\x24\x00\x00\x00WAVEfmt ",
        b"ID3\x04\x00\x00\x00\x00\x00\x00no frames",
    ],
    ids=["empty", "text", "pdf", "svg", "playlist", "png", "jpeg", "webp", "mp4", "wav", "mp3"],
)
def test_unknown_or_broken_file_has_no_type(data):
    assert measured(data) == MediaFacts("", len(data))


WHOLE = [image(kind, (64, 48)) for kind in ("png", "jpeg", "gif", "bmp", "tiff", "webp")]
WHOLE += [CLIP[:20_000], wav(0.1), sound("mp3", "libmp3lame", 1)]


@given(st.sampled_from(WHOLE), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=12), st.floats(0, 1))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_damaged_file_never_raises(whole, bytes_changed, kept):
    data = bytearray(whole[: int(len(whole) * kept)])
    for place, value in bytes_changed if data else ():
        data[int(place * (len(data) - 1))] = value

    facts = measured(bytes(data))

    assert facts.bytes == len(data)


@pytest.mark.parametrize("data", [image("png"), CLIP, wav(), b"unknown"], ids=["png", "mp4", "wav", "unknown"])
def test_position_is_restored(data):
    file = ContentFile(data)
    file.seek(5)

    measure(file)

    assert file.tell() == 5
    assert not file.closed


def test_file_that_cannot_be_read_is_not_judged(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(image("png"))
    with path.open("rb") as opened:
        closed = File(opened)

    assert measure(closed) is None


@pytest.fixture
def without_extras(monkeypatch):
    """As if Pillow and PyAV were not installed."""
    monkeypatch.setattr(module, "Image", None)
    monkeypatch.setattr(module, "av", None)


@pytest.mark.parametrize(
    ("data", "facts"),
    [
        (image("png"), MediaFacts("image/png", len(image("png")))),
        (image("webp"), MediaFacts("image/webp", len(image("webp")))),
        (CLIP, MediaFacts("video/mp4", len(CLIP))),
        (wav(1.0), MediaFacts("audio/wav", len(wav(1.0)), duration=1.0)),
        (sound("wav", "pcm_f32le", 1), MediaFacts("audio/wav", len(sound("wav", "pcm_f32le", 1)))),
    ],
    ids=["png", "webp", "mp4", "wav", "wav of floats"],
)
def test_without_extras_the_beginning_still_tells_the_type(without_extras, data, facts):
    assert measured(data) == facts
