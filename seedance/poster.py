"""A still picture out of a video, for lists and players. Needs the extra ``media``; without it there is none."""

import io
import logging
from typing import BinaryIO

logger = logging.getLogger(__name__)

try:
    import av
    from av.error import FFmpegError
except ImportError:  # the extra is not installed
    av = None  # type: ignore[assignment]

#: Longest side. Pixels.
LONGEST_SIDE = 640


def poster_of(file: BinaryIO) -> bytes | None:
    """The first picture of a video as a JPEG; ``None`` when it cannot be made."""
    if av is None:
        return None
    file.seek(0)
    try:
        with av.open(file, mode="r") as container:
            frame = next(container.decode(video=0))
            image = frame.to_image()
    except (FFmpegError, StopIteration, ImportError, IndexError) as exc:
        logger.info("no poster error=%s", type(exc).__name__)
        return None
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=82)
    return buffer.getvalue()
