"""What is asked for and is not there, still answered in the API's own way."""

from typing import Any

from django.http import HttpResponsePermanentRedirect
from django.http.response import HttpResponseBase
from django.urls import resolve
from django.utils.http import escape_leading_slashes
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from .base import Endpoint


class NoEndpoint(Endpoint):
    """Sends callers who forgot the slash at the end on, body and all; everybody else gets 404."""

    schema = None  # type: ignore[assignment]

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Redirect with 308, or 404."""
        if _with_slash(request.path_info):
            return HttpResponsePermanentRedirect(
                escape_leading_slashes(request.get_full_path(force_append_slash=True)), preserve_request=True
            )
        return super().dispatch(request, *args, **kwargs)

    def nothing_here(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """No method finds anything."""
        raise NotFound

    get = post = put = patch = delete = options = nothing_here  # type: ignore[assignment]


def _with_slash(path: str) -> bool:
    """Whether only the slash is missing."""
    if path.endswith("/"):
        return False
    return getattr(resolve(f"{path}/").func, "cls", None) is not NoEndpoint
