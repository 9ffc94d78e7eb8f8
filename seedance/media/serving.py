"""Serve one stored file over HTTP, whole or in part, whatever storage keeps it."""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import IO, Any

from asgiref.sync import sync_to_async
from django.db.models.fields.files import FieldFile
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.http import content_disposition_header, quote_etag

#: How much of the file is in memory at a time.
CHUNK_BYTES = 256 * 1024

#: ``bytes=0-99``, ``bytes=100-`` or ``bytes=-100``. Several ranges at once are allowed to be ignored, and are.
_SINGLE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


@dataclass(frozen=True)
class _Span:
    """Bytes from ``first`` to just before ``end``."""

    first: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.first


class _Chunks:
    """A span of an open file, piece by piece; Django closes the file with the response."""

    def __init__(self, file: IO[bytes] | Any, span: _Span) -> None:
        self._file = file
        self._span = span

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(self._span.first)
        left = self._span.length
        while left > 0 and (chunk := self._file.read(min(CHUNK_BYTES, left))):
            left -= len(chunk)
            yield chunk

    def close(self) -> None:
        self._file.close()


def _next_piece(content: Iterator[bytes]) -> bytes | None:
    return next(content, None)


class _FileStream(StreamingHttpResponse):
    """Streams a blocking iterator under ASGI too, piece by piece; Django's class reads it whole into memory there."""

    def __init__(self, chunks: _Chunks, **options: Any) -> None:
        super().__init__(chunks, **options)
        self._chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content = self.streaming_content
        try:
            if isinstance(content, AsyncIterator):  # a middleware of the site put its own around ours
                async for piece in content:
                    yield piece
            else:
                while (part := await sync_to_async(_next_piece)(content)) is not None:
                    yield part
        finally:  # also when the client went away; Django does not always close the response then
            await sync_to_async(self._chunks.close)()


def ranged_file_response(
    request: HttpRequest,
    field_file: FieldFile,
    *,
    content_type: str,
    filename: str,
    etag: str,
    as_attachment: bool = False,
) -> HttpResponseBase:
    """Answer GET or HEAD with a stored file; players can seek in it and downloads can be resumed.

    Single byte ranges are answered with 206 or 416; a fitting ``If-None-Match`` with 304. The file is
    streamed in pieces of :data:`CHUNK_BYTES`. Who may read it must be settled before this is called.

    Args:
        filename: the name a browser saves it under.
        etag: identifies exactly these bytes, such as their SHA-256; without quotes. Empty: no ETag.
        as_attachment: ask the browser to save rather than to show it.

    Raises:
        FileNotFoundError: when the storage no longer has the file.

    Source: RFC 9110, sections 13.1.5 (If-Range) and 14 (ranges).
    """
    size = field_file.size
    quoted = quote_etag(etag) if etag else ""
    headers = {
        "Content-Type": content_type,
        "Content-Disposition": content_disposition_header(as_attachment, filename) or "inline",
        "Accept-Ranges": "bytes",
        "X-Content-Type-Options": "nosniff",
        **({"ETag": quoted} if quoted else {}),
    }
    bare = HttpResponse(headers=headers)
    answer: HttpResponseBase | None = get_conditional_response(request, etag=quoted or None, response=bare)
    if answer is None or answer is bare:
        answer = _answer(request, field_file, size, quoted, headers)
    patch_cache_control(answer, private=True, no_cache=True)
    return answer


def _answer(
    request: HttpRequest, field_file: FieldFile, size: int, etag: str, headers: dict[str, str]
) -> HttpResponseBase:
    whole = _Span(0, size)
    if request.method == "HEAD":  # ranges are defined for GET alone
        return HttpResponse(headers={**headers, "Content-Length": str(size)})
    span = _requested(request, size, etag)
    if span is not None and span.length <= 0:
        return HttpResponse(status=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    if span is not None:
        headers["Content-Range"] = f"bytes {span.first}-{span.end - 1}/{size}"
    body = span or whole
    return _FileStream(
        _Chunks(field_file.storage.open(str(field_file.name), "rb"), body),
        status=200 if span is None else 206,
        headers={**headers, "Content-Length": str(body.length)},
    )


def _requested(request: HttpRequest, size: int, etag: str) -> _Span | None:
    """The span asked for; ``None`` for the whole file, an empty one when it lies outside of the file."""
    condition = request.headers.get("If-Range")
    match = _SINGLE_RANGE.fullmatch(request.headers.get("Range", "").strip())
    if match is None or match[0] == "bytes=-" or (condition is not None and condition != etag):
        return None
    first, last = match[1], match[2]
    if not first:
        return _Span(max(size - int(last), 0), size) if int(last) else _Span(size, size)
    if last and int(last) < int(first):
        return None  # not a range at all, so there is nothing to refuse
    return _Span(min(int(first), size), min(int(last) + 1, size) if last else size)
