"""HTTP responses with an ETag: a stored file, whole or in part, and JSON."""

import hashlib
import mimetypes
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any

from asgiref.sync import sync_to_async
from django.db.models.fields.files import FieldFile
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.http import content_disposition_header, quote_etag

#: How much of a file is in memory at a time.
CHUNK_BYTES = 256 * 1024

#: Types that a browser may display. Anything else, such as SVG, could carry scripts and is only ever saved.
DISPLAYED_TYPES = frozenset(
    {
        "image/bmp",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/webp",
        "video/mp4",
        "video/quicktime",
        "audio/mpeg",
        "audio/x-wav",
    }
)

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
    """A span of an open file, chunk by chunk; Django closes the file with the response."""

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


def _next_chunk(content: Iterator[bytes]) -> bytes | None:
    return next(content, None)


class _FileStream(StreamingHttpResponse):
    """Streams a blocking iterator under ASGI chunk by chunk; Django's class would read it all into memory."""

    def __init__(self, chunks: _Chunks, **options: Any) -> None:
        super().__init__(chunks, **options)
        self._chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content = self.streaming_content
        try:
            if isinstance(content, AsyncIterator):  # a middleware of the site has wrapped ours
                async for chunk in content:
                    yield chunk
            else:
                while (read := await sync_to_async(_next_chunk)(content)) is not None:
                    yield read
        finally:  # also when the client went away; Django does not always close the response then
            await sync_to_async(self._chunks.close)()


def file_response(
    request: HttpRequest,
    file: FieldFile,
    *,
    filename: str = "",
    content_type: str = "",
    etag: str = "",
    as_attachment: bool = False,
) -> HttpResponseBase:
    """Answer GET or HEAD with a stored file; players can seek in it and downloads can be resumed.

    Single byte ranges are answered with 206 or 416, a matching ``If-None-Match`` with 304. The file is streamed in
    chunks of :data:`CHUNK_BYTES`. The caller checks beforehand who may read it.

    Args:
        filename: the name a browser saves it under; by default the file's own.
        content_type: by default guessed from ``filename``; what is not in :data:`DISPLAYED_TYPES` is then sent as an
            attachment of unknown type.
        etag: identifies exactly these bytes, such as their SHA-256; without quotes. By default a digest of the file's
            name, since a stored file is written once under its name.
        as_attachment: ask the browser to save rather than to display it.

    Raises:
        FileNotFoundError: the storage no longer has the file.

    Source: RFC 9110, sections 13.1.5 (If-Range) and 14 (ranges).
    """
    name = str(file.name)
    filename = filename or PurePosixPath(name).name
    guessed = content_type or mimetypes.guess_type(filename)[0]
    is_displayed = bool(content_type) or guessed in DISPLAYED_TYPES
    quoted = quote_etag(etag or hashlib.sha256(name.encode()).hexdigest())
    headers = {
        "Content-Type": str(guessed) if is_displayed else "application/octet-stream",
        "Content-Disposition": content_disposition_header(as_attachment or not is_displayed, filename) or "inline",
        "Accept-Ranges": "bytes",
        "X-Content-Type-Options": "nosniff",
        "ETag": quoted,
    }
    size = file.size
    bare = HttpResponse(headers=headers)
    response: HttpResponseBase = _conditional(request, bare, quoted)
    if response is bare:
        response = _answer(request, file, size, quoted, headers)
    patch_cache_control(response, private=True, no_cache=True)
    return response


def json_response(request: HttpRequest, body: str | bytes) -> HttpResponseBase:
    """Answer a GET with rendered JSON and its ETag, with 304 if the caller has it, or with 412 for ``If-Match``."""
    content = body.encode() if isinstance(body, str) else body
    etag = quote_etag(hashlib.sha256(content).hexdigest()[:32])
    response = _conditional(
        request, HttpResponse(content, content_type="application/json", headers={"ETag": etag}), etag
    )
    patch_cache_control(response, private=True, no_cache=True)
    return response


def _conditional(request: HttpRequest, response: HttpResponse, etag: str) -> HttpResponseBase:
    """The response itself, or 304 or 412 where the request's conditions say so."""
    return get_conditional_response(request, etag=etag, response=response) or response


def _answer(request: HttpRequest, file: FieldFile, size: int, etag: str, headers: dict[str, str]) -> HttpResponseBase:
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
        _Chunks(file.storage.open(str(file.name), "rb"), body),
        status=200 if span is None else 206,
        headers={**headers, "Content-Length": str(body.length)},
    )


def _requested(request: HttpRequest, size: int, etag: str) -> _Span | None:
    """The requested span; ``None`` for the whole file, an empty span if it lies outside the file."""
    condition = request.headers.get("If-Range")
    match = _SINGLE_RANGE.fullmatch(request.headers.get("Range", "").strip())
    if match is None or match[0] == "bytes=-" or (condition is not None and condition != etag):
        return None
    first, last = match[1], match[2]
    if not first:
        return _Span(max(size - int(last), 0), size) if int(last) else _Span(size, size)
    if last and int(last) < int(first):
        return None  # not a valid range, so it is ignored
    return _Span(min(int(first), size), min(int(last) + 1, size) if last else size)
