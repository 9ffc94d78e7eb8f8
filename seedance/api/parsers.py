"""Strict and bounded parsing of request bodies: all values can be validated, stored and rendered again."""

import json
from collections.abc import Mapping
from typing import IO, Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from .errors import TooLarge

#: Maximum JSON body. The provider takes 64 MB; with a little more, the rules can name what is too large.
MAX_BODY_BYTES = 80 * 1000**2
#: Maximum multipart body. Its files are stored on disk, and several of them may be videos.
MAX_FORM_BYTES = 1000**3
#: Maximum number of commas and opening brackets, which is about that of values; each takes 60 bytes or more.
MAX_VALUES = 250_000
#: Maximum nesting: deeper than any request, and far below the limit of Python's JSON encoder.
_MAX_DEPTH = 32
#: How much of a body that is too large is read and discarded at a time.
_CHUNK_BYTES = 1024**2


class StrictJSONParser(BaseParser):
    """JSON in UTF-8 without ``NaN``, with bounded nesting and size.

    Not a ``JSONParser``: DRF feeds that from ``request.body``, which is limited by Django's
    ``DATA_UPLOAD_MAX_MEMORY_SIZE``. The limit here is ``MAX_BODY_BYTES`` on any site.
    """

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The body as Python values.

        Raises:
            ParseError: it is not JSON; the text names line and column.
            TooLarge: it is longer than ``MAX_BODY_BYTES``.
        """
        text = _text(stream)
        try:
            return strict_json(text)
        except ValueError as error:
            raise ParseError(_("This is not valid JSON: %(reason)s") % {"reason": error}) from error


def check_length(request: HttpRequest) -> None:
    """Refuse a body whose ``Content-Length`` is too large, before it is read.

    Raises:
        TooLarge: the header exceeds the limit.
    """
    most = MAX_FORM_BYTES if request.content_type == "multipart/form-data" else MAX_BODY_BYTES
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return
    if length > most:
        if length <= 2 * MAX_BODY_BYTES:
            _discard(request)
        raise TooLarge(most)


def strict_json(text: str) -> Any:
    """Python values of a JSON text.

    Raises:
        ValueError: it is not JSON, repeats a name in an object, is nested too deeply, holds too many values, or
            ``NaN`` or an infinity.
    """
    # Before it is parsed: a few MB of brackets would become hundreds of MB of lists.
    if sum(map(text.count, ",[{")) > MAX_VALUES:
        raise ValueError(f"it holds more than {MAX_VALUES} values")
    try:
        value = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_object)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    _check_depth(value)
    return value


def _text(stream: IO[Any]) -> str:
    """The whole body as text; its bytes are released at once."""
    raw = stream.read(MAX_BODY_BYTES + 1)
    if len(raw) > MAX_BODY_BYTES:
        raise TooLarge(MAX_BODY_BYTES)
    try:
        return str(raw.decode("utf-8-sig"))
    except ValueError as error:
        raise ParseError(_("This is not valid JSON: %(reason)s") % {"reason": error}) from error


def _discard(request: HttpRequest) -> None:
    """Read the body and discard it: many clients read the response only after they have sent everything."""
    while request.read(_CHUNK_BYTES):
        pass


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    seen: set[str] = set()
    for name, _value in pairs:
        if name in seen:
            raise ValueError(f"the name {name[:100]!r} is given twice in one object")
        seen.add(name)
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _check_depth(value: Any) -> None:
    level = [value]
    for _depth in range(_MAX_DEPTH):
        level = [item for container in level for item in _items(container)]
        if not level:
            return
    raise ValueError("it is nested too deeply")


def _items(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
