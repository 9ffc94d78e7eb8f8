"""Read JSON so strictly that whatever comes out of it can be checked, stored and quoted back."""

import json
from collections.abc import Mapping
from typing import IO, Any

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from .errors import TooLarge

#: The provider takes bodies of 64 MB; a little more lets the rules explain what is too large.
MAX_BODY_BYTES = 80 * 1024**2
#: Far deeper than any request, and far from what would exhaust Python's own encoder.
_MAX_DEPTH = 32


class StrictJSONParser(JSONParser):
    """JSON in UTF-8 without ``NaN``, endless nesting or endless size."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The body as Python values.

        Raises:
            ParseError: it is not JSON; the text names line and column.
            TooLarge: it is longer than ``MAX_BODY_BYTES``.
        """
        raw = stream.read(MAX_BODY_BYTES + 1)
        if len(raw) > MAX_BODY_BYTES:
            raise TooLarge
        try:
            return strict_json(raw.decode("utf-8-sig"))
        except ValueError as error:
            raise ParseError(_("This is not valid JSON: %(reason)s") % {"reason": error}) from error


def strict_json(text: str) -> Any:
    """Python values of a JSON text.

    Raises:
        ValueError: it is not JSON, is nested too deeply, or holds a number nobody can write.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    _check_depth(value)
    return value


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
