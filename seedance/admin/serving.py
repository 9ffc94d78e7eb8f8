"""Stored files for users who may see the task, from any storage, whether or not media files have a public address."""

from django.db.models.fields.files import FieldFile
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from ..media.serving import file_response


def serve(request: HttpRequest, file: FieldFile, *, etag: str = "") -> HttpResponseBase:
    """Answer with a stored file; ``?download`` asks the browser to save it.

    Raises:
        Http404: there is no such file, or the storage has lost it.
    """
    if not file or not file.name:
        raise Http404(_("There is no such file."))
    try:
        return file_response(request, file, etag=etag, as_attachment="download" in request.GET)
    except FileNotFoundError:
        raise Http404(_("The storage no longer has this file.")) from None
