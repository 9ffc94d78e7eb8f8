"""Inspect an uploaded file: its type, size and duration, from its content alone, never from its name.

Needs Pillow and PyAV (the extra ``media``); without them only the signature of a file is read.
"""

import contextlib
import os
import struct
import wave
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import IO, Any, cast

from django.core.files.base import File

from ..catalogue import MediaFacts

try:
    from PIL import Image
except ImportError:  # the extra is not installed
    Image = None  # type: ignore[assignment]
try:
    import av
    from av.error import FFmpegError
except ImportError:  # the extra is not installed
    av = None  # type: ignore[assignment]
    FFmpegError = OSError  # type: ignore[assignment,misc]

#: How many bytes at the beginning identify a file's type.
_BEGINNING = 32
#: Signatures of file types.
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"II+\x00", "image/tiff"),
    (b"MM\x00+", "image/tiff"),
    (b"ID3", "audio/mpeg"),
    (b"\x1aE\xdf\xa3", "video/x-matroska"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
)
#: Form types of RIFF files, which follow the length.
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
#: Main brands of ISO media files that are not MP4 videos. Source: ISO/IEC 14496-12 and 23008-12, and the MP4 registry.
_BRANDS = {
    b"qt  ": "video/quicktime",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"), "image/heic"),
    **dict.fromkeys((b"mif1", b"msf1", b"heif"), "image/heif"),
    **dict.fromkeys((b"avif", b"avis"), "image/avif"),
}
#: First boxes of old QuickTime movies, which have no brand.
_OLD_QUICKTIME = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip"})
#: Suffixes for stored files, by type; none of them is a type that a browser would execute.
SUFFIXES = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/bmp": ".bmp",
    "image/tiff": ".tiff",
    "image/webp": ".webp",
    "image/heic": ".heic",
    "image/heif": ".heif",
    "image/avif": ".avif",
    "audio/mpeg": ".mp3",
    "audio/wav": ".wav",
    "audio/mp4": ".m4a",
    "audio/ogg": ".ogg",
    "audio/flac": ".flac",
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
    "video/x-matroska": ".mkv",
    "video/x-msvideo": ".avi",
}
#: Formats that Pillow reads, by its own names. HEIC needs a plugin and is not measured.
_PILLOW = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/gif": "GIF",
    "image/bmp": "BMP",
    "image/tiff": "TIFF",
    "image/webp": "WEBP",
}
#: PyAV demuxers by type.
_DEMUXERS = {"video/mp4": "mp4", "video/quicktime": "mov", "audio/mpeg": "mp3", "audio/wav": "wav"}

#: Accept metadata in other encodings than UTF-8; PyAV does so by default since version 19.
_LENIENT: dict[str, Any] = {"metadata_errors": "replace"} if av and int(av.__version__.split(".")[0]) < 19 else {}
#: What readers raise for corrupt files. Some only warn, and a site may turn warnings into errors.
_BROKEN = (
    FFmpegError,
    OSError,
    EOFError,
    ValueError,
    SyntaxError,
    LookupError,
    TypeError,
    ArithmeticError,
    struct.error,
    zlib.error,
    Warning,
)


def measure(file: File) -> MediaFacts | None:
    """Facts about a file, from its content; ``None`` when it cannot be read at all.

    ``mime`` is empty for unknown types, and for files with a known signature that are corrupt. What could not be
    measured is ``None``. The file's position is restored.

    Args:
        file: open for reading, with ``seek``.
    """
    try:
        position = file.tell()
        try:
            return _measured(cast(IO[bytes], file))
        finally:
            file.seek(position)
    except (OSError, ValueError, AttributeError):  # closed, or a stream that cannot be read twice
        return None


def _measured(file: IO[bytes]) -> MediaFacts:
    size = file.seek(0, os.SEEK_END) or file.tell()
    file.seek(0)
    facts = MediaFacts(mime=sniff(file.read(_BEGINNING)), bytes=size)
    reader = _reader_of(facts.mime)
    if reader is None:
        return facts
    file.seek(0)
    try:
        return replace(facts, **reader(file, facts))
    except _BROKEN:
        return replace(facts, mime="")


def sniff(beginning: bytes) -> str:
    """The type of a file by its first bytes, such as ``image/png``; empty when it is unknown."""
    if beginning[4:8] == b"ftyp":
        return _BRANDS.get(beginning[8:12], "video/mp4")
    if beginning[4:8] in _OLD_QUICKTIME and beginning[0] < 0x20:
        return "video/quicktime"
    if beginning[:4] == b"RIFF":
        return _RIFF.get(beginning[8:12], "")
    known = next((mime for signature, mime in _SIGNATURES if beginning.startswith(signature)), "")
    return known or ("audio/mpeg" if _is_mp3_frame(beginning) else "")


def _is_mp3_frame(beginning: bytes) -> bool:
    """Whether an MPEG audio frame of layer III begins here: sync, version, layer, bit rate and sampling rate."""
    if len(beginning) < 4 or beginning[0] != 0xFF or beginning[1] & 0xE0 != 0xE0:
        return False
    version, layer = beginning[1] >> 3 & 3, beginning[1] >> 1 & 3
    bit_rate, sampling = beginning[2] >> 4, beginning[2] >> 2 & 3
    return version != 1 and layer == 1 and bit_rate not in (0, 15) and sampling != 3


def _reader_of(mime: str) -> Callable[[IO[bytes], MediaFacts], dict[str, Any]] | None:
    if mime == "audio/wav":
        return _read_wav
    if mime in _PILLOW and Image is not None:
        return _read_image
    return _read_clip if mime in _DEMUXERS and av is not None else None


def _read_image(file: IO[bytes], facts: MediaFacts) -> dict[str, Any]:
    """Width and height from the header. Nothing is decoded, so this is safe for decompression bombs, too."""
    Image.init()
    # Not Image.open, which refuses to open a decompression bomb.
    reader: Any = Image.OPEN[_PILLOW[facts.mime]][0]
    with reader(file, "") as image:
        width, height = image.size
    return {"width": width, "height": height}


def _read_wav(file: IO[bytes], facts: MediaFacts) -> dict[str, Any]:
    """Seconds from the header, limited by the file's size: an interrupted recording has no valid length."""
    with contextlib.suppress(wave.Error), wave.open(file, "rb") as sound:
        most = facts.bytes // (sound.getsampwidth() * sound.getnchannels())
        return {"duration": min(sound.getnframes(), most) / sound.getframerate()}
    # Not plain PCM, which only PyAV reads.
    file.seek(0)
    return _read_clip(file, facts) if av is not None else {}


def _read_clip(file: IO[bytes], facts: MediaFacts) -> dict[str, Any]:
    """Seconds, and for a video its pixels and frame rate."""
    with open_container(file, _DEMUXERS[facts.mime]) as container:
        pictures, sounds = container.streams.video, container.streams.audio
        if facts.mime.startswith("audio/"):
            return {"duration": _seconds(container, sounds[0])}
        if not pictures:
            return {"mime": "audio/mp4" if sounds else ""}
        stream = pictures[0]
        return {
            "duration": _seconds(container, stream),
            "width": stream.width or None,
            "height": stream.height or None,
            "frames_per_second": float(stream.average_rate) if stream.average_rate else None,
        }


def open_container(file: IO[bytes], demuxer: str) -> Any:
    """Open a video or sound with PyAV.

    Args:
        demuxer: named, because a guessing reader also takes playlists, which open further files and addresses.
    """
    return av.open(file, mode="r", format=demuxer, **_LENIENT)


def _seconds(container: Any, stream: Any) -> float | None:
    if container.duration:
        return container.duration / av.time_base
    return float(stream.duration * stream.time_base) if stream.duration else None
