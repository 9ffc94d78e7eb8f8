"""What every endpoint of ours sets for itself, so that a host's DRF settings cannot change the contract."""

from collections.abc import Callable, Sequence
from typing import Any

from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
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
from . import request_ids
from .errors import CONTENT_TYPE, PreconditionFailed, exception_handler
from .parsers import StrictJSONParser, check_length
from .schema import ProblemAutoSchema


class Answering(APIView):
    """A page of ours: what goes wrong is said in the API's way, and every answer has an id that the log has, too."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse a body that is too large before anybody reads it, as the check against forgery would."""
        check_length(request._request)
        super().initial(request, *args, **kwargs)

    def get_exception_handler(self) -> Callable[..., Response | None]:
        """Ours, whatever the host handles its own errors with."""
        return exception_handler

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """The answer, with the request's id; an error is JSON, also on a page of HTML or YAML."""
        if getattr(response, "exception", False):
            request.accepted_renderer, request.accepted_media_type = JSONRenderer(), CONTENT_TYPE
        final = super().finalize_response(request, response, *args, **kwargs)
        final.headers[request_ids.HEADER] = request_ids.request_id(request)
        return final


@method_decorator(never_atomic, name="dispatch")
class Endpoint(Answering):
    """Authentication, permissions and throttles are the host's; a caller without a name never gets in.

    Nothing here runs in ``ATOMIC_REQUESTS``: a request that waits for a worker must not hold a transaction open.
    """

    renderer_classes = (JSONRenderer,)
    parser_classes = (StrictJSONParser,)
    content_negotiation_class: type[BaseContentNegotiation] = DefaultContentNegotiation
    metadata_class = SimpleMetadata
    versioning_class = None
    schema = ProblemAutoSchema()

    def get_permissions(self) -> Sequence[Any]:
        """The host's permissions, behind one that no setting takes away."""
        return [IsAuthenticated(), *super().get_permissions()]

    def get_queryset(self) -> GenerationTaskQuerySet:
        """The tasks the caller may know of; also asked by model permissions of the host."""
        if getattr(self, "swagger_fake_view", False):  # a schema is made; nobody asks for tasks
            return GenerationTask.objects.none()
        return conf.policy().visible(self.request.user, GenerationTask.objects.get_queryset())


def conditional(request: Request, data: Any) -> HttpResponseBase:
    """Answer a GET with data and its ETag, or with 304 if the caller has it already.

    Raises:
        PreconditionFailed: an ``If-Match`` names something else.
    """
    response = json_response(request._request, JSONRenderer().render(data))
    if response.status_code == 412:
        raise PreconditionFailed
    return response
