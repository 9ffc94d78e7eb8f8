"""Read JSON so strictly that whatever comes out of it can be checked, stored and quoted back."""

import json
from collections.abc import Mapping
from typing import IO, Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from .errors import TooLarge

#: Longest JSON body. The provider takes 64 MB; a little more lets the rules explain what is too large.
MAX_BODY_BYTES = 80 * 1000**2
#: Longest multipart body: its files go to the disk, and several videos may be among them.
MAX_FORM_BYTES = 1000**3
#: Commas and opening brackets, and so about how many values: Python needs 60 bytes and more for each.
MAX_VALUES = 250_000
#: Far deeper than any request, and far from what would exhaust Python's own encoder.
_MAX_DEPTH = 32
#: How much of a body that is too large is thrown away at a time.
_CHUNK_BYTES = 1024**2


class StrictJSONParser(BaseParser):
    """JSON in UTF-8 without ``NaN``, endless nesting or endless size.

    No ``JSONParser``: REST framework feeds that from ``request.body``, which ends at Django's
    ``DATA_UPLOAD_MAX_MEMORY_SIZE``. Our limit is ``MAX_BODY_BYTES`` on any site.
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
    """Refuse a body that says itself that it is too large, before any of it is kept.

    Raises:
        TooLarge: it says so.
    """
    most = MAX_FORM_BYTES if request.content_type == "multipart/form-data" else MAX_BODY_BYTES
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return
    if length > most:
        if length <= 2 * MAX_BODY_BYTES:
            _throw_away(request)
        raise TooLarge(most)


def strict_json(text: str) -> Any:
    """Python values of a JSON text.

    Raises:
        ValueError: it is not JSON, gives a name twice in an object, is nested too deeply, holds too many values, or
            a number nobody can write.
    """
    # Before anything is made of it: a few MB of brackets would become hundreds of MB of lists.
    if sum(map(text.count, ",[{")) > MAX_VALUES:
        raise ValueError(f"it holds more than {MAX_VALUES} values")
    try:
        value = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_object)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    _check_depth(value)
    return value


def _text(stream: IO[Any]) -> str:
    """The whole body; its bytes are let go of as soon as they are read as text."""
    raw = stream.read(MAX_BODY_BYTES + 1)
    if len(raw) > MAX_BODY_BYTES:
        raise TooLarge(MAX_BODY_BYTES)
    try:
        return str(raw.decode("utf-8-sig"))
    except ValueError as error:
        raise ParseError(_("This is not valid JSON: %(reason)s") % {"reason": error}) from error


def _throw_away(request: HttpRequest) -> None:
    """Read the body and keep nothing of it: many clients look for the answer only when all is sent."""
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
