"""CometAPI's unified dialect: ``{base}/videos``, created from a form.

How a request is spelled there:

- ``duration`` travels as ``seconds``, ``resolution`` under its own name;
- ``size`` is an exact ``WxH`` where the caller worked one out, and otherwise the ratio: one revision of the host's
  page takes either, another only the former, and a refusal costs nothing, unlike a video of the wrong shape;
- reference images travel as files, so only those we have the bytes of can be sent;
- nothing else has a field. What has no field is refused here instead of being dropped and billed; only a callback
  address is left out without an error, since polling finds the same status.

Source: "CometAPI specifics" and "Relay-gateway dialects" in docs/provider.md, read 2026-11-22.
"""

import base64
import binascii
import datetime as dt
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, NoReturn

from urllib3.fields import RequestField
from urllib3.filepost import choose_boundary

from ..exceptions import RequestError
from .dialect import DialectClient
from .types import ContentPart, Link, RemoteTask, TaskRequest
from .uploads import read_pieces, write_pieces

#: Parameters that the form has a field for; a test compares them with ``in_video_form`` in the catalogue.
CARRIED = frozenset({"duration", "ratio", "resolution", "size"})
#: Files the host reads, with the suffix to name them by.
_SUFFIXES = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
_DATA_URI = re.compile(r"data:(?P<type>[\w.+-]+/[\w.+-]+);base64,(?P<data>.*)", re.DOTALL | re.IGNORECASE)


class VideosClient(DialectClient):
    """Speaks to CometAPI's ``/v1/videos``, which makes and shows tasks but neither lists nor drops them."""

    tasks_path = "/videos"

    def _write_body(self, request: TaskRequest, file: IO[bytes]) -> str:
        fields, boundary = list(_form(request)), choose_boundary()
        for field in fields:
            file.write(f"--{boundary}\r\n{field.headers}".encode())
            write_pieces(file, field.pieces)
            file.write(b"\r\n")
        file.write(f"--{boundary}--\r\n".encode())
        return f"multipart/form-data; boundary={boundary}"

    def list_tasks(self, task_ids: Sequence[str], *, service_tier: str = "default") -> list[RemoteTask]:
        """Raises ``RequestError``: this host answers for one task at a time."""
        _lacks("list tasks")

    def recent_tasks(
        self, *, since: dt.datetime, service_tier: str = "default", pause: float = 0.0
    ) -> list[RemoteTask]:
        """Raises ``RequestError``: this host answers for one task at a time."""
        _lacks("list tasks")

    def delete_task(self, task_id: str) -> None:
        """Raises ``RequestError``: what this host has begun cannot be cancelled."""
        _lacks("cancel or delete tasks")

    def own_link(self, task_id: str) -> Link | None:
        """The host's own address of a finished video, for a task that shows no link.

        It wants our key, unlike the links in tasks, which must be fetched without. For some seconds after the
        success it may still answer 400 or 404.

        Raises:
            NotFoundError: it cannot be a task id.
        """
        return Link(f"{self._transport.base_url}{self._path_of(task_id)}/content", self._transport.auth)


def _lacks(verb: str) -> NoReturn:
    raise RequestError(f"This host cannot {verb}.", code="unsupported")


@dataclass(frozen=True)
class _Field:
    """One field of a form: its headers with the blank line behind them, and its content in pieces."""

    headers: str
    pieces: Iterable[bytes]


def _form(request: TaskRequest) -> Iterator[_Field]:
    """The fields of a create call, in order; unset ones are left out.

    Raises:
        RequestError: something in the request has no field.
    """
    parameters = request.parameters
    unsaid = sorted(parameters.keys() - CARRIED)
    if unsaid:
        raise RequestError(f"This host has no field for: {', '.join(unsaid)}.", code="unsupported")
    prompt = "\n".join(part.value for part in request.content if part.type == "text")
    fields = {
        "model": request.model_name,
        "prompt": prompt,
        "seconds": parameters.get("duration"),
        "size": parameters.get("size") or parameters.get("ratio"),
        "resolution": parameters.get("resolution"),
        **request.extra,
    }
    for name, value in fields.items():
        if value is not None:
            yield _field(name, [str(value).encode()])
    images = [part for part in request.content if part.type != "text"]
    for number, part in enumerate(images, start=1):
        yield _image_field(part, number)


def _image_field(part: ContentPart, number: int) -> _Field:
    if part.type != "image_url" or part.role not in ("", "reference_image"):
        raise RequestError("This host takes reference images and no other media.", code="unsupported")
    content_type, pieces = _image(part)
    if content_type not in _SUFFIXES:
        raise RequestError(
            "This host takes JPEG, PNG and WebP files, no addresses: upload the image.", code="unsupported"
        )
    return _field("input_reference", pieces, f"reference-{number}.{_SUFFIXES[content_type]}", content_type)


def _image(part: ContentPart) -> tuple[str, Iterable[bytes]]:
    """Type and content of an image that we have; the type is ``""`` where there is only an address."""
    if part.upload:
        return part.upload.content_type, read_pieces(part.upload)
    found = _DATA_URI.fullmatch(part.value)
    if not found:
        return "", ()
    try:
        return found["type"].lower(), [base64.b64decode(found["data"], validate=True)]
    except binascii.Error as exc:
        raise RequestError("A reference image is not proper base64.", code="unsupported") from exc


def _field(name: str, pieces: Iterable[bytes], filename: str | None = None, content_type: str | None = None) -> _Field:
    field = RequestField(name, b"", filename=filename)
    field.make_multipart(content_type=content_type)
    return _Field(field.render_headers(), pieces)
