"""Show the create call of a task without making it.

The real client speaks, but to a listener of ours on this machine and without the real key. So what is shown are the
very bytes that would leave, whatever the dialect, and nothing can be billed.
"""

import base64
import binascii
import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from .. import conf, translate
from ..exceptions import ConfigurationError, ProviderError, UploadError
from ..lifecycle.clients import DIALECTS
from ..models import GenerationTask

#: How much of a data: address is shown. Characters.
_SHOWN = 48
_DATA_URI = re.compile(r"data:[^,]{0,100},")
#: The signed end of an address of ours at which a provider fetches an upload.
_MEDIA_KEY = re.compile(r"(/media/)[\w-]+:[\w-]+:[\w-]+")
#: Proxies are for calls that leave this machine.
_NO_PROXY = ("no_proxy", "NO_PROXY")


@dataclass(frozen=True)
class Heard:
    """One request as it arrived."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


def show(task: GenerationTask) -> str:
    """The create call of a task as text: request line, headers with the key replaced by ``…``, and the body.

    Raises:
        CommandError: the request cannot be made, and why.
    """
    try:
        provider = conf.provider(task.provider)
        heard = _heard(task, provider)
    except (ConfigurationError, ProviderError, UploadError) as exc:
        raise CommandError(_("This request cannot be made: %(reason)s") % {"reason": exc}) from exc
    base = urlsplit(provider.BASE_URL)
    lines = [f"{heard.method} {base.scheme}://{base.netloc}{heard.path}"]
    lines += [f"{name}: {_header(name, value, base.netloc)}" for name, value in heard.headers]
    text = "\n".join([*lines, "", _body(heard)])
    # What these open is not for the eyes of whoever gets a copy of this.
    return _MEDIA_KEY.sub(r"\1…", text.replace(task.callback_token, "…"))


def _heard(task: GenerationTask, provider: conf.Provider) -> Heard:
    request = translate.to_request(task, provider)
    path = urlsplit(provider.BASE_URL).path.rstrip("/")
    with _listener() as listener, _without_proxies():
        address = f"http://127.0.0.1:{listener.server_port}{path}"
        client = DIALECTS[provider.DIALECT](address, "key")
        try:
            client.create_task(request, reference=str(task.pk))
        except ProviderError:
            # The listener refuses everything. A request that the dialect cannot spell never came to it.
            if not listener.heard:
                raise
    return listener.heard[0]


class _Listener(HTTPServer):
    """Keeps what it hears and refuses it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heard: list[Heard] = []


class _Handler(BaseHTTPRequestHandler):
    server: _Listener

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.heard.append(Heard(self.command, self.path, tuple(self.headers.items()), body))
        self.send_error(400)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: standard error is for people."""


@contextmanager
def _listener() -> Iterator[_Listener]:
    listener = _Listener()
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield listener
    finally:
        listener.shutdown()
        thread.join()
        listener.server_close()


@contextmanager
def _without_proxies() -> Iterator[None]:
    former = {name: os.environ.get(name) for name in _NO_PROXY}
    os.environ.update(dict.fromkeys(_NO_PROXY, "*"))
    try:
        yield
    finally:
        for name, value in former.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _header(name: str, value: str, host: str) -> str:
    if name == "Authorization":
        return "Bearer …"
    return host if name == "Host" else value


def _body(heard: Heard) -> str:
    content_type = dict(heard.headers).get("Content-Type", "")
    if content_type.startswith("multipart/"):
        return "\n".join(_fields(content_type, heard.body))
    return json.dumps(_shortened(json.loads(heard.body)), indent=2, ensure_ascii=False)


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
    """The same JSON with every data: address cut to its beginning."""
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
