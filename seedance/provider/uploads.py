"""Write uploaded files into a request body, piece by piece."""

import base64
from collections.abc import Iterable, Iterator
from typing import IO

from ..exceptions import UploadError
from .types import Upload

#: Read at a time; what an upload costs in memory. A multiple of 3, so that pieces of base64 can be joined. Bytes.
CHUNK = 3 * 64 * 1024


def read_pieces(upload: Upload) -> Iterator[bytes]:
    """The file in pieces of any size.

    Raises:
        UploadError: it cannot be read.
    """
    try:
        with upload.open() as file:
            while piece := file.read(CHUNK):
                yield piece
    except Exception as exc:  # storages are pluggable, and so are their errors
        raise UploadError(f"An uploaded file could not be read ({type(exc).__name__}).") from exc


def base64_pieces(upload: Upload) -> Iterator[bytes]:
    """The file in base64; joined, the pieces are its encoding."""
    rest = b""
    for piece in read_pieces(upload):
        rest += piece
        whole = len(rest) - len(rest) % 3
        yield base64.b64encode(rest[:whole])
        rest = rest[whole:]
    yield base64.b64encode(rest)


def write_pieces(file: IO[bytes], pieces: Iterable[bytes]) -> None:
    """Write one by one: ``writelines`` of a spooled file takes all of them into memory first."""
    for piece in pieces:
        file.write(piece)
