"""Read a multipart/form-data body."""

from __future__ import annotations

import email.policy
from dataclasses import dataclass, field
from email.message import EmailMessage, MIMEPart
from email.parser import BytesParser

from .errors import invalid
from .wire import Request


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """One file part."""

    field_name: str
    name: str
    content_type: str
    data: bytes


@dataclass(slots=True)
class Form:
    """Text fields by name (the last one wins) and files in order."""

    fields: dict[str, str] = field(default_factory=dict)
    files: list[UploadedFile] = field(default_factory=list)

    @property
    def file_names(self) -> list[str]:
        return [each.name for each in self.files]


def read_form(request: Request) -> Form:
    """Take a form apart.

    Raises:
        ApiError: 400 when the body is not multipart/form-data.
    """
    content_type = request.headers.get("Content-Type", "")
    if not content_type.lower().startswith("multipart/form-data") or "boundary=" not in content_type:
        raise invalid("expected a multipart/form-data body", code="invalid_request")
    head = f"Content-Type: {content_type}\r\nMIME-Version: 1.0\r\n\r\n".encode("latin-1", "replace")
    message = BytesParser(EmailMessage, policy=email.policy.HTTP).parsebytes(head + request.body)
    if not message.is_multipart():
        raise invalid("multipart: no parts found", code="invalid_request")
    form = Form()
    for part in message.iter_parts():
        _add_part(form, part)
    return form


def _add_part(form: Form, part: MIMEPart) -> None:
    name = part.get_param("name", header="content-disposition")
    data = part.get_payload(decode=True)
    if not isinstance(name, str) or not isinstance(data, bytes):
        return
    file_name = part.get_filename()
    if file_name is None:
        form.fields[name] = data.decode("utf-8", "replace")
    else:
        form.files.append(UploadedFile(name, file_name, part.get_content_type(), data))
