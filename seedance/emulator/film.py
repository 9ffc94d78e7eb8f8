"""Pictures into a file: H.264 with an optional silent sound track, by way of PyAV."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from PIL import Image

from .scene import Scene, Shot
from .table import FRAMES_PER_SECOND

_SAMPLE_RATE = 24_000
_AAC_SAMPLES = 1024
#: Pixels up to which every picture is drawn. Above, and in long films, some are shown more than once: the eye forgives
#: it in so calm a landscape, and it keeps a laptop responsive.
_DRAWN_FULLY = 700_000
_LONG_SECONDS = 10


def shoot(shot: Shot, frame_count: int, container: str = "mp4", sound: bool = False) -> bytes:
    """Render a whole film.

    Args:
        frame_count: pictures, at 24 a second.
        container: `mp4` (8 bit 4:2:0) or `mov` (4:4:4).
        sound: add a silent mono track.
    """
    with tempfile.TemporaryDirectory(prefix="seedance-emulator-") as folder:
        path = Path(folder) / f"film.{container}"
        # A real file, because moving the index to the front needs a second pass over it.
        with av.open(str(path), "w", format=container, options={"movflags": "+faststart"}) as output:
            _write(output, shot, frame_count, container, sound)
        return path.read_bytes()


def _write(output: Any, shot: Shot, frame_count: int, container: str, sound: bool) -> None:
    pixel_format = "yuv444p" if container == "mov" else "yuv420p"
    video = output.add_stream("libx264", rate=FRAMES_PER_SECOND, options={"preset": "ultrafast", "crf": "26"})
    video.width, video.height, video.pix_fmt = shot.width, shot.height, pixel_format
    video.codec_context.thread_count = 1
    video.codec_context.gop_size = 2 * FRAMES_PER_SECOND
    audio = output.add_stream("pcm_s16le" if container == "mov" else "aac", rate=_SAMPLE_RATE) if sound else None
    if audio is not None:
        audio.layout = "mono"
    for picture in _pictures(shot, frame_count, pixel_format):
        output.mux(video.encode(picture))
    output.mux(video.encode(None))
    if audio is not None:
        for silence in _silence(audio.format.name, frame_count):
            output.mux(audio.encode(silence))
        output.mux(audio.encode(None))


def _pictures(shot: Shot, frame_count: int, pixel_format: str) -> Iterator[av.VideoFrame]:
    scene = Scene(shot)
    stride = _stride(shot)
    for start in range(0, frame_count, stride):
        image = scene.frame(start / FRAMES_PER_SECOND)
        picture = av.VideoFrame.from_image(image).reformat(format=pixel_format)
        picture.time_base = Fraction(1, FRAMES_PER_SECOND)
        for number in range(start, min(frame_count, start + stride)):
            picture.pts = number
            yield picture


def _stride(shot: Shot) -> int:
    """How many frames show the same picture."""
    stride = 1 + (shot.seconds > _LONG_SECONDS)
    return stride * (1 + min(3, shot.width * shot.height // _DRAWN_FULLY))


def _silence(sample_format: str, frame_count: int) -> Iterator[av.AudioFrame]:
    """Silent blocks, never longer than the pictures: the file must not outlast its video."""
    total = frame_count * _SAMPLE_RATE // FRAMES_PER_SECOND
    for number in range(total // _AAC_SAMPLES):
        frame = av.AudioFrame(format=sample_format, layout="mono", samples=_AAC_SAMPLES)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.sample_rate = _SAMPLE_RATE
        frame.time_base = Fraction(1, _SAMPLE_RATE)
        frame.pts = number * _AAC_SAMPLES
        yield frame


def last_picture(shot: Shot, frame_count: int) -> bytes:
    """The last frame as PNG."""
    stride = _stride(shot)
    moment = (frame_count - 1) // stride * stride / FRAMES_PER_SECOND
    return _png(Scene(shot).frame(moment))


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
