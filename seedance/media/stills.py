"""Extract a still image from a video. Needs the extra ``media``; without it there is none."""

import io
import logging
from collections import deque
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any, BinaryIO, cast

from django.core.files.base import ContentFile, File
from django.db.models.fields.files import FieldFile

from .measure import open_container, sniff

logger = logging.getLogger(__name__)

try:
    import av
    from av.error import FFmpegError
except ImportError:  # the extra is not installed
    av = None  # type: ignore[assignment]

#: PyAV demuxers by type.
_DEMUXERS = {"video/mp4": "mp4", "video/quicktime": "mov", "video/x-matroska": "matroska"}
#: Maximum width and height of a poster. Pixels.
LONGEST_SIDE = 640


def poster_of(file: BinaryIO) -> bytes | None:
    """The first frame of a video as a JPEG for lists and players; ``None`` if it cannot be decoded."""
    image = _picture(file, _first)
    if image is None:
        return None
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    return _written(image, "JPEG", quality=82)


def last_frame_of(file: BinaryIO) -> bytes | None:
    """The last frame of a video as a PNG in full size; ``None`` if it cannot be decoded."""
    image = _picture(file, _last)
    return None if image is None else _written(image, "PNG")


def last_frame_file(video: FieldFile, frame: FieldFile, *, name: str) -> File | None:
    """The last frame of a stored video as a new file: the stored frame if there is one, else decoded from the video.

    Args:
        name: of the new file when it is decoded.

    Returns:
        ``None`` when the video cannot be decoded.

    Raises:
        FileNotFoundError: the storage does not have the file.
    """
    if frame:
        with frame.open("rb") as stored:
            return ContentFile(stored.read(), name=PurePosixPath(str(frame.name)).name)
    with video.open("rb") as stored:
        picture = last_frame_of(cast(BinaryIO, stored))
    return None if picture is None else ContentFile(picture, name=name)


def _picture(file: BinaryIO, chosen: Callable[[Any], Any]) -> Any:
    """One decoded frame of a video as a Pillow image; ``None`` if there is none."""
    if av is None:
        return None
    file.seek(0)
    demuxer = _DEMUXERS.get(sniff(file.read(32)))
    if demuxer is None:
        return None
    file.seek(0)
    try:
        with open_container(file, demuxer) as container:
            return chosen(container).to_image()
    except (FFmpegError, StopIteration, ImportError, IndexError, ValueError, OSError) as exc:
        logger.info("no frame wanted=%s error=%s", chosen.__name__.strip("_"), type(exc).__name__)
        return None


def _first(container: Any) -> Any:
    return next(container.decode(video=0))


def _last(container: Any) -> Any:
    stream = container.streams.video[0]
    if stream.duration:  # decode from the last key frame on, not the whole video
        container.seek((stream.start_time or 0) + stream.duration, stream=stream)
    return deque(container.decode(stream), maxlen=1).pop()


def _written(image: Any, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
