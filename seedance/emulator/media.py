"""Result files: rendered on the first download, kept for the next."""

from __future__ import annotations

import importlib.util
import struct
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from .prompt import spoken_words
from .task_spec import TaskSpec

if TYPE_CHECKING:
    from .render import Picture

_BYTES_KEPT = 256 * 2**20
_CLIP = Path(__file__).with_name("clip.mp4")


@cache
def can_render() -> bool:
    """Whether PyAV and Pillow are installed."""
    return all(importlib.util.find_spec(name) is not None for name in ("av", "PIL"))


class Renderer:
    """Makes result files on demand, one at a time, each only once."""

    def __init__(self) -> None:
        self._rendering = threading.Lock()
        self._files: OrderedDict[Hashable, bytes] = OrderedDict()

    def video(self, spec: TaskSpec, render: bool) -> bytes:
        """The video of a task, or the bundled clip when rendering is off or impossible."""
        if not render or not can_render():
            return _clip()
        from .render import render_video

        arguments = _picture(spec), spec.frame_count, spec.output_format, spec.has_audio
        return self._kept(arguments, lambda: render_video(*arguments))

    def last_frame(self, spec: TaskSpec, render: bool) -> bytes:
        """The last frame of a task, without watermark, as PNG of the video's size."""
        if not render or not can_render():
            return _plain_png(spec.width, spec.height)
        from .render import render_last_frame

        arguments = replace(_picture(spec), watermark=False), spec.frame_count
        return self._kept(arguments, lambda: render_last_frame(*arguments))

    def _kept(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        # One at a time: several encoders at once would only fight over the same few cores.
        with self._rendering:
            if key not in self._files:
                self._files[key] = make()
                self._forget_oldest()
            self._files.move_to_end(key)
            return self._files[key]

    def _forget_oldest(self) -> None:
        while len(self._files) > 1 and sum(map(len, self._files.values())) > _BYTES_KEPT:
            self._files.popitem(last=False)


def _picture(spec: TaskSpec) -> Picture:
    from .render import Picture

    return Picture(
        text=spoken_words(spec.prompt).encode("utf-8", "replace").decode(),
        caption=f"{spec.model.family} · {spec.resolution} · {spec.ratio} · local emulator",
        width=spec.width,
        height=spec.height,
        watermark=spec.watermark,
    )


@cache
def _clip() -> bytes:
    return _CLIP.read_bytes()


def _plain_png(width: int, height: int) -> bytes:
    """A picture of one colour, made without any library."""
    row = b"\x00" + b"\x54\x42\x6c" * width

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(row * height))
        + chunk(b"IEND", b"")
    )
