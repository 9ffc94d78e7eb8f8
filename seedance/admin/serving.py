"""Stored files for people who may see the task, from any storage, whether or not media files have a public address."""

import hashlib
import mimetypes
from pathlib import PurePosixPath

from django.db.models.fields.files import FieldFile
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from ..media.serving import ranged_file_response

#: A browser may show these; anything else, such as SVG, could carry scripts and is only ever saved.
_SHOWN = frozenset(
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


def serve(request: HttpRequest, file: FieldFile, *, etag: str = "") -> HttpResponseBase:
    """Answer with a stored file; ``?download`` asks the browser to save it.

    Raises:
        Http404: there is no such file, or the storage has lost it.
    """
    if not file or not file.name:
        raise Http404(_("There is no such file."))
    guessed = mimetypes.guess_type(file.name)[0] or ""
    try:
        return ranged_file_response(
            request,
            file,
            content_type=guessed if guessed in _SHOWN else "application/octet-stream",
            filename=PurePosixPath(file.name).name,
            etag=etag or hashlib.sha256(file.name.encode()).hexdigest(),
            as_attachment="download" in request.GET or guessed not in _SHOWN,
        )
    except FileNotFoundError:
        raise Http404(_("The storage no longer has this file.")) from None
