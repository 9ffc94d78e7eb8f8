"""Show the create call of a task without making it: the client prepares the request, and nothing is sent."""

import base64
import binascii
import json
import re
from collections.abc import Iterator
from contextlib import closing
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any, cast
from urllib.parse import urlsplit

from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from .. import conf, translate
from ..exceptions import ConfigurationError, ProviderError, UploadError
from ..lifecycle.clients import DIALECTS
from ..models import GenerationTask
from ..provider.transport import TrackedBody

#: How much of a data URI is shown. Characters.
_SHOWN = 48
_DATA_URI = re.compile(r"data:[^,]{0,100},")
#: The signed end of an address of ours at which a provider fetches an upload.
_MEDIA_KEY = re.compile(r"(/media/)[\w-]+:[\w-]+:[\w-]+")


def show(task: GenerationTask) -> str:
    """The create call of a task as text: request line, headers with the key replaced by ``…``, and the body.

    Raises:
        CommandError: the request cannot be made, and why.
    """
    try:
        provider = conf.provider(task.provider)
        # Without the real key, so that a task can be shown before there is one, and no error can repeat it.
        client = DIALECTS[provider.DIALECT](provider.BASE_URL, "key")
        request = client.prepare_create(translate.to_request(task, provider), reference=str(task.pk))
    except (ConfigurationError, ProviderError, UploadError) as exc:
        raise CommandError(_("This request cannot be made: %(reason)s") % {"reason": exc}) from exc
    with closing(cast(TrackedBody, request.body)) as body:
        content = body.read()
    url = request.url or ""
    headers = {"Host": urlsplit(url).netloc, **dict(request.headers), "Authorization": "Bearer …"}
    lines = [f"{request.method} {url}", *(f"{name}: {value}" for name, value in headers.items())]
    text = "\n".join([*lines, "", _body(str(request.headers["Content-Type"]), content)])
    # These give access; whoever gets a copy of this text must not have them.
    return _MEDIA_KEY.sub(r"\1…", text.replace(task.callback_token, "…"))


def _body(content_type: str, body: bytes) -> str:
    if content_type.startswith("multipart/"):
        return "\n".join(_fields(content_type, body))
    return json.dumps(_shortened(json.loads(body)), indent=2, ensure_ascii=False)


def _fields(content_type: str, body: bytes) -> Iterator[str]:
    """One line for each field of a form; files by name and size."""
    form = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    for part in form.iter_parts():
        name = part.get_param("name", header="content-disposition")
        data: Any = part.get_payload(decode=True)
        if filename := part.get_filename():
            yield f"{name}: {filename}, {part.get_content_type()}, {len(data)} bytes"
        else:
            yield f"{name}: {data.decode()}"


def _shortened(value: Any) -> Any:
    """The same JSON with every data URI cut to its beginning."""
    if isinstance(value, dict):
        return {name: _shortened(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    if isinstance(value, str) and _DATA_URI.match(value) and len(value) > _SHOWN:
        return f"{value[:_SHOWN]}… ({_data_bytes(value)} bytes)"
    return value


def _data_bytes(address: str) -> int:
    try:
        return len(base64.b64decode(address.partition(",")[2]))
    except binascii.Error:
        return len(address)
