"""An id for each request, in the answer and in the log, so that a consumer can quote it to the operator."""

import re
from typing import Any
from uuid import uuid4

HEADER = "X-Request-ID"

#: What is taken over from a proxy or a client: nothing that could break a log line.
_SANE = re.compile(r"[\w.:=+/-]{1,128}", re.ASCII)
#: Where the id is kept on Django's request.
_ATTRIBUTE = "_seedance_request_id"


def request_id(request: Any) -> str:
    """The id of a request, Django's or REST framework's: the one it came with, if that is sane, else a new one."""
    request = getattr(request, "_request", request)
    found: str | None = getattr(request, _ATTRIBUTE, None)
    if found is None:
        given = request.headers.get(HEADER, "")
        found = given if _SANE.fullmatch(given) else uuid4().hex
        setattr(request, _ATTRIBUTE, found)
    return found
