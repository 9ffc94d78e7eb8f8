"""Renders result files with PyAV and Pillow: a moving colour gradient with the prompt written on it."""

from __future__ import annotations

import hashlib
import io
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
from av.filter import Graph
from PIL import Image, ImageDraw, ImageFont

from .model_table import FRAMES_PER_SECOND

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_SAMPLE_RATE = 24_000
_AAC_SAMPLES = 1024
#: Three colours each; the prompt decides which.
_PALETTES = (
    ("2e3a70", "c4788a", "ffcd96"),
    ("205c8c", "6fb0c8", "eaf4f0"),
    ("181c42", "7a3f8c", "e0786c"),
    ("102c42", "2a8a8a", "a6debe"),
    ("68404a", "e2987c", "fff0d6"),
)
#: The gradient is computed at a quarter of the size and scaled up, which nobody sees.
_SCALE = 4
#: Chinese, Japanese, Korean and full-width characters, which Pillow's built-in font lacks; each may end a line.
_WIDE = r"[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]"
_TOKENS = re.compile(rf"{_WIDE}|\s+|(?:(?!{_WIDE})\S)+")
_WIDE_FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/System/Library/Fonts/PingFang.ttc",
    "C:/Windows/Fonts/msyh.ttc",
)


@dataclass(frozen=True, slots=True)
class Picture:
    """What a video shows. Sizes are pixels."""

    text: str
    caption: str
    width: int
    height: int
    watermark: bool = False


def render_video(picture: Picture, frame_count: int, container: str = "mp4", sound: bool = False) -> bytes:
    """A whole video file.

    Args:
        frame_count: at 24 frames a second.
        container: ``mp4`` (8 bit 4:2:0) or ``mov`` (4:4:4).
        sound: add a silent mono track.
    """
    with tempfile.TemporaryDirectory(prefix="seedance-emulator-") as folder:
        path = Path(folder) / f"video.{container}"
        # A real file, because moving the index to the front needs a second pass over it.
        with av.open(str(path), "w", format=container, options={"movflags": "+faststart"}) as output:
            _write(output, picture, frame_count, container, sound)
        return path.read_bytes()


def render_last_frame(picture: Picture, frame_count: int) -> bytes:
    """The last frame of a video as PNG."""
    *_, last = _frames(picture, frame_count, "rgb24")
    buffer = io.BytesIO()
    last.to_image().save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _write(output: Any, picture: Picture, frame_count: int, container: str, sound: bool) -> None:
    pixel_format = "yuv444p" if container == "mov" else "yuv420p"
    video = output.add_stream("libx264", rate=FRAMES_PER_SECOND, options={"preset": "ultrafast", "crf": "32"})
    video.width, video.height, video.pix_fmt = picture.width, picture.height, pixel_format
    video.codec_context.thread_count = 1
    video.codec_context.gop_size = 2 * FRAMES_PER_SECOND
    audio = output.add_stream("pcm_s16le" if container == "mov" else "aac", rate=_SAMPLE_RATE) if sound else None
    if audio is not None:
        audio.layout = "mono"
    for frame in _frames(picture, frame_count, pixel_format):
        output.mux(video.encode(frame))
    output.mux(video.encode(None))
    if audio is not None:
        for silence in _silence(audio.format.name, frame_count):
            output.mux(audio.encode(silence))
        output.mux(audio.encode(None))


def _frames(picture: Picture, frame_count: int, pixel_format: str) -> Iterator[Any]:
    """The frames of a video, made by FFmpeg's own filters: gradient, scaled, with the panel laid over it."""
    digest = hashlib.sha256(picture.text.encode()).digest()
    colours = ":".join(f"c{n}=0x{colour}" for n, colour in enumerate(_PALETTES[digest[0] % len(_PALETTES)]))
    size = f"{max(16, picture.width // _SCALE)}x{max(16, picture.height // _SCALE)}"
    graph = Graph()
    gradient = graph.add(
        "gradients", f"size={size}:{colours}:nb_colors=3:speed=0.015:rate={FRAMES_PER_SECOND}:seed={digest[1]}"
    )
    scale = graph.add("scale", f"{picture.width}:{picture.height}:flags=bilinear")
    panel = _with_alpha(_panel(picture))
    panel.time_base = Fraction(1, FRAMES_PER_SECOND)
    panel.pts = 0
    source = graph.add_buffer(width=panel.width, height=panel.height, format=panel.format, time_base=panel.time_base)
    margin = _unit(picture) // 24
    overlay = graph.add("overlay", f"x={margin}:y=H-h-{margin}:format=auto")
    form, sink = graph.add("format", pixel_format), graph.add("buffersink")
    gradient.link_to(scale)
    scale.link_to(overlay, 0, 0)
    source.link_to(overlay, 0, 1)
    overlay.link_to(form)
    form.link_to(sink)
    graph.configure()
    source.push(panel)
    source.push(None)
    for number in range(frame_count):
        frame = sink.pull()
        frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_SECOND)
        yield frame


def _with_alpha(image: Image.Image) -> Any:
    """A Pillow image as a frame that keeps its transparency, which PyAV's own conversion drops."""
    frame = av.VideoFrame(image.width, image.height, "rgba")
    plane, row = frame.planes[0], image.width * 4
    pixels = image.tobytes()
    padding = bytes(plane.line_size - row)
    plane.update(b"".join(pixels[start : start + row] + padding for start in range(0, len(pixels), row)))
    return frame


def _silence(sample_format: str, frame_count: int) -> Iterator[Any]:
    """Silent blocks, never longer than the frames: the file must not outlast its video."""
    total = frame_count * _SAMPLE_RATE // FRAMES_PER_SECOND
    for number in range(total // _AAC_SAMPLES):
        frame = av.AudioFrame(format=sample_format, layout="mono", samples=_AAC_SAMPLES)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.sample_rate = _SAMPLE_RATE
        frame.time_base = Fraction(1, _SAMPLE_RATE)
        frame.pts = number * _AAC_SAMPLES
        yield frame


# -- The prompt --------------------------------------------------------------------------------------------------------


def _unit(picture: Picture) -> int:
    """The shorter side, by which everything on the picture is sized. Pixels."""
    return min(picture.width, picture.height)


def _panel(picture: Picture) -> Image.Image:
    """The prompt and the caption on a dark plate."""
    unit = _unit(picture)
    margin = unit // 24
    width = picture.width - 2 * margin
    font, lines = fit_lines(picture.text or " ", width - 2 * margin, max(14, unit // 14), max(10, unit // 40), 5)
    small = _font(max(9, unit // 36), False)
    line_height = round(getattr(font, "size", 11) * 1.3)
    height = 2 * margin + line_height * len(lines) + unit // 18
    panel = Image.new("RGBA", (width, height))
    draw = ImageDraw.Draw(panel)
    draw.rounded_rectangle((0, 0, width - 1, height - 1), margin * 2 // 3, (10, 12, 28, 130))
    for number, line in enumerate(lines):
        draw.text((margin, margin * 2 // 3 + number * line_height), line, (255, 255, 255, 255), font)
    bottom = height - margin - unit // 36
    draw.text((margin, bottom), picture.caption, (255, 255, 255, 190), small)
    if picture.watermark:
        draw.text((width - margin, bottom), "AI generated", (255, 255, 255, 230), small, anchor="ra")
    return panel


def fit_lines(text: str, width: int, largest: int, smallest: int, most_lines: int) -> tuple[Font, list[str]]:
    """The largest font in which a text fits, and its lines; what still does not fit ends in an ellipsis."""
    wide = bool(re.search(_WIDE, text))
    for size in range(largest, smallest - 1, -2):
        font = _font(size, wide)
        lines = _wrap(text, font, width)
        if len(lines) <= most_lines:
            return font, lines
    return font, [*lines[: most_lines - 1], lines[most_lines - 1].rstrip()[:-2] + "…"]


@lru_cache(maxsize=64)
def _font(size: int, wide: bool) -> Font:
    for path in _WIDE_FONTS if wide else ():
        if Path(path).exists():
            return ImageFont.truetype(path, size)
    return ImageFont.load_default(size=size)


def _wrap(text: str, font: Font, width: int) -> list[str]:
    lines = [""]
    for token in _TOKENS.findall(text):
        for piece in [token] if font.getlength(token) <= width else token:  # a word wider than a line is cut
            if lines[-1] and font.getlength(lines[-1] + piece) > width:
                lines.append("")
            lines[-1] += piece if lines[-1] or not piece.isspace() else ""
    return [line.rstrip() for line in lines]
