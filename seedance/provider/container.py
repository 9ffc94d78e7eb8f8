"""Check by its first bytes and boxes that a file is a complete video or image. Needs no codecs."""

import struct
from typing import BinaryIO

from ..exceptions import ArchiveError

#: Signatures of still images a provider may return, with the suffix to store them under.
IMAGE_SIGNATURES = {b"\x89PNG\r\n\x1a\n": ".png", b"\xff\xd8\xff": ".jpg"}


def check_video(file: BinaryIO, size: int) -> str:
    """Check that a file of ``size`` bytes is a whole MP4 or QuickTime movie; returns its suffix.

    Reads the top-level boxes: the first must be ``ftyp``, none may reach past the end, and both the index
    (``moov``) and the media (``mdat``) must be there, since a cut-off file lacks one of them. Two kinds of video hide
    a cut: a fragmented one cut between fragments, and one whose last box runs "to the end". Providers send neither,
    and a download compares the announced length as well.

    Raises:
        ArchiveError: it is something else; with ``doubtful`` set, it begins right but is not whole.

    Source: ISO/IEC 14496-12, section 4.2.
    """
    boxes: dict[bytes, int] = {}
    brand, position = b"", 0
    while position < size:
        file.seek(position)
        header = file.read(16)
        if len(header) < 8:
            raise ArchiveError("The video file ends in the middle of a box; it is not whole.", doubtful=True)
        length, kind = struct.unpack(">I4s", header[:8])
        if not boxes and kind != b"ftyp":
            raise ArchiveError("The file is not a video; it does not begin like an MP4 or QuickTime movie.")
        if length == 1 and len(header) == 16:
            length = struct.unpack(">Q", header[8:])[0]
        elif length == 0:
            length = size - position
        if kind == b"ftyp":
            brand = header[8:12]
        if length < 8 or position + length > size:
            raise ArchiveError("The video file is shorter than its index says; it is not whole.", doubtful=True)
        boxes[kind] = length
        position += length
    if not {b"moov", b"mdat"} <= boxes.keys():
        raise ArchiveError("The video file lacks its index or its pictures; it is not whole.", doubtful=True)
    return ".mov" if brand == b"qt  " else ".mp4"


def check_image(file: BinaryIO) -> str:
    """Check that a file begins like a PNG or JPEG; returns its suffix.

    Raises:
        ArchiveError: it is something else.
    """
    file.seek(0)
    beginning = file.read(8)
    for signature, suffix in IMAGE_SIGNATURES.items():
        if beginning.startswith(signature):
            return suffix
    raise ArchiveError("The file is not an image.")
