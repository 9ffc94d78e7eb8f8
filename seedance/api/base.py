"""Base classes of the views. They set what a host's DRF settings must not change, and answer for unknown paths."""

from collections.abc import Callable, Sequence
from typing import Any

from django.http import HttpResponsePermanentRedirect
from django.http.response import HttpResponseBase
from django.urls import resolve, reverse
from django.utils.decorators import method_decorator
from django.utils.http import escape_leading_slashes
from drf_spectacular.openapi import AutoSchema
from rest_framework.exceptions import NotFound
from rest_framework.metadata import SimpleMetadata
from rest_framework.negotiation import BaseContentNegotiation, DefaultContentNegotiation
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .. import conf
from ..media.serving import json_response
from ..models import GenerationTask
from ..models.databases import never_atomic
from ..models.queryset import GenerationTaskQuerySet
from .errors import CONTENT_TYPE, REQUEST_ID_HEADER, PreconditionFailed, exception_handler, request_id
from .parsers import StrictJSONParser, check_length


class ProblemAPIView(APIView):
    """Errors are ``application/problem+json``, and every response has a request id that is also in the log."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse a body that is too large before it is read; the CSRF check would read it."""
        check_length(request._request)
        super().initial(request, *args, **kwargs)

    def get_exception_handler(self) -> Callable[..., Response | None]:
        """The handler of this API, whatever the host's own views use."""
        return exception_handler

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Add the request id; an error is JSON, also from a view that renders HTML or YAML."""
        if getattr(response, "exception", False):
            request.accepted_renderer, request.accepted_media_type = JSONRenderer(), CONTENT_TYPE
        final = super().finalize_response(request, response, *args, **kwargs)
        final.headers[REQUEST_ID_HEADER] = request_id(request)
        return final


@method_decorator(never_atomic, name="dispatch")
class SeedanceAPIView(ProblemAPIView):
    """Authentication, permissions and throttles are the host's; an anonymous caller is always refused.

    ``ATOMIC_REQUESTS`` does not apply: a request that waits for a worker must not hold a transaction open.
    """

    renderer_classes = (JSONRenderer,)
    parser_classes = (StrictJSONParser,)
    content_negotiation_class: type[BaseContentNegotiation] = DefaultContentNegotiation
    metadata_class = SimpleMetadata
    versioning_class = None
    schema = AutoSchema()

    def get_permissions(self) -> Sequence[Any]:
        """Authentication, which no setting removes, and then the host's permissions."""
        return [IsAuthenticated(), *super().get_permissions()]

    def get_queryset(self) -> GenerationTaskQuerySet:
        """The tasks that are visible to the caller; DRF's model permissions call this, too."""
        if getattr(self, "swagger_fake_view", False):  # drf-spectacular generates a schema
            return GenerationTask.objects.none()
        return conf.policy().visible(self.request.user, GenerationTask.objects.get_queryset())


class NotFoundView(SeedanceAPIView):
    """404 for paths without an endpoint; 308, which keeps method and body, where only the last slash is missing."""

    schema = None  # type: ignore[assignment]

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Redirect, or answer 404."""
        path = request.path_info
        if not path.endswith("/") and getattr(resolve(f"{path}/").func, "cls", None) is not NotFoundView:
            target = escape_leading_slashes(request.get_full_path(force_append_slash=True))
            return HttpResponsePermanentRedirect(target, preserve_request=True)
        return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """After authentication, every method ends here."""
        super().initial(request, *args, **kwargs)
        raise NotFound


def path_to(request: Request, name: str, *args: object) -> str:
    """The path of an endpoint, below the prefix and namespace that the host included it with."""
    match = request.resolver_match
    return reverse(f"seedance:{name}", args=args, current_app=match.namespace if match else None)


def link(request: Request, name: str, *args: object) -> str:
    """The absolute URL of an endpoint, on the host name of the request."""
    return str(request.build_absolute_uri(path_to(request, name, *args)))


def conditional(request: Request, data: Any) -> HttpResponseBase:
    """Answer a GET with data and its ETag, or with 304 if the caller has it already.

    Raises:
        PreconditionFailed: an ``If-Match`` names something else.
    """
    response = json_response(request._request, JSONRenderer().render(data))
    if response.status_code == 412:
        raise PreconditionFailed
    return response
