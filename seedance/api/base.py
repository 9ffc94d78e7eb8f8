"""What every endpoint of ours sets for itself, so that a host's DRF settings cannot change the contract."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.decorators import method_decorator
from rest_framework.metadata import SimpleMetadata
from rest_framework.negotiation import BaseContentNegotiation, DefaultContentNegotiation
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ..models import GenerationTask
from ..models.databases import never_atomic
from ..models.queryset import GenerationTaskQuerySet
from .errors import exception_handler
from .parsers import StrictJSONParser
from .permissions import visible_to
from .schema import ProblemAutoSchema


@method_decorator(never_atomic, name="dispatch")
class Endpoint(APIView):
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

    def get_exception_handler(self) -> Callable[..., Response | None]:
        """Ours, whatever the host handles its own errors with."""
        return exception_handler

    def get_queryset(self) -> GenerationTaskQuerySet:
        """The tasks the caller may know of; also asked by model permissions of the host."""
        if getattr(self, "swagger_fake_view", False):  # a schema is made; nobody asks for tasks
            return GenerationTask.objects.none()
        return visible_to(self.request.user)


def conditional(request: Request, data: Any) -> HttpResponseBase:
    """Answer a GET with data and its ETag, or with 304 when the caller has just that."""
    rendered = JSONRenderer().render(data)
    etag = f'"{hashlib.sha256(rendered).hexdigest()[:32]}"'
    whole = HttpResponse(rendered, content_type="application/json", headers={"ETag": etag})
    answer = get_conditional_response(request._request, etag=etag, response=whole) or whole
    patch_cache_control(answer, private=True, no_cache=True)
    return answer
