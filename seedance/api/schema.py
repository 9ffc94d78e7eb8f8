"""How our endpoints describe themselves in OpenAPI, also on a site that describes its own in another way."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.utils.translation import gettext_lazy as _
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_serializer,
)
from rest_framework import serializers

from .errors import CONTENT_TYPE

Method = TypeVar("Method", bound=Callable[..., Any])

#: HTTP status -> when an endpoint answers so.
WHEN = {
    400: _("The request is wrong; every problem of it is in errors."),
    401: _("Who is calling is not known."),
    403: _("The caller may not do this."),
    404: _("There is no such task, or it is somebody else's."),
    409: _("The state of the task forbids it; the task as it is comes along."),
    410: _("It was stored, and has been removed since: the file, or tasks of the request that is sent again."),
    413: _("The body is too large."),
    415: _("The body is of a type that is not read here."),
    416: _("The range lies outside of the file."),
    422: _("The Idempotency-Key already stands for another request."),
    429: _("Too many requests; Retry-After says when to come back."),
}

#: What any endpoint may answer.
_ALWAYS = (401, 403, 429)


@extend_schema_serializer(component_name="VideoProblemItem")
class ProblemItemSerializer(serializers.Serializer):
    """One thing that is wrong with a request."""

    field = serializers.CharField(help_text=_("Where: duration, media[0].url, tasks[2].prompt; empty for the whole."))
    code = serializers.CharField(help_text=_("A stable word for programs."))
    message = serializers.CharField(help_text=_("What is wrong, for people."))
    hint = serializers.CharField(help_text=_("What to write instead, for people."))


@extend_schema_serializer(
    component_name="VideoProblem",
    examples=[
        OpenApiExample(
            "RequestRefused",
            value={
                "type": "about:blank",
                "title": "Bad Request",
                "status": 400,
                "detail": "The request was refused; nothing was created and nothing will be billed.",
                "code": "invalid",
                "instance": "/seedance/api/v1/tasks/",
                "request_id": "6f1ed002ab5595859014ebf0951522d9",
                "errors": [
                    {
                        "field": "colour",
                        "code": "unknown_field",
                        "message": "There is no field colour.",
                        "hint": "Leave it out.",
                    }
                ],
            },
        )
    ],
)
class ProblemSerializer(serializers.Serializer):
    """An error, as RFC 9457 writes it."""

    type = serializers.CharField(help_text=_("Always about:blank; code tells errors apart."))
    title = serializers.CharField(help_text=_("The words of the HTTP status."))
    status = serializers.IntegerField(help_text=_("The HTTP status."))
    detail = serializers.CharField(help_text=_("What went wrong, for people."))
    code = serializers.CharField(help_text=_("A stable word for programs."))
    instance = serializers.CharField(help_text=_("The path that was asked for."))
    request_id = serializers.CharField(help_text=_("The id of this request; the site's log has it, too."))
    max_bytes = serializers.IntegerField(required=False, help_text=_("How large a body may be, when it was too large."))
    errors = ProblemItemSerializer(  # type: ignore[assignment]
        many=True, required=False, help_text=_("Every problem of a refused request.")
    )


def problem_responses(*statuses: int) -> dict[Any, Any]:
    """The error answers of an operation, for ``extend_schema(responses=…)``."""
    return {(status, CONTENT_TYPE): OpenApiResponse(ProblemSerializer, WHEN[status]) for status in statuses}


class ProblemAutoSchema(AutoSchema):
    """drf-spectacular's, with the errors that every endpoint shares."""

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies = super()._get_response_bodies(direction)
        for (status, content_type), response in problem_responses(*_ALWAYS).items():
            bodies.setdefault(
                str(status), self._get_response_for_code(response, str(status), [content_type], direction)
            )
        return dict(sorted(bodies.items()))


def documented(**description: Any) -> Callable[[Method], Method]:
    """``extend_schema`` for a view method. It builds on our own class; left alone it would take the site's."""

    def decorate(method: Method) -> Method:
        method.kwargs = {"schema": ProblemAutoSchema}  # type: ignore[attr-defined]
        decorated: Method = extend_schema(**description)(method)
        return decorated

    return decorate


TASK_ID = OpenApiParameter("task_id", OpenApiTypes.UUID, OpenApiParameter.PATH, description=_("The task's id."))
RANGE = OpenApiParameter("Range", str, OpenApiParameter.HEADER, description=_("Part of the file: bytes=0-1023."))
METADATA = OpenApiParameter(
    "metadata.key", str, description=_("Only tasks whose metadata has this value under key; up to five such filters.")
)
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description=_(
        "Up to 255 ASCII characters of your choice. The same key with the same body gives the same task again, "
        "never a second one."
    ),
)
PREFER = OpenApiParameter(
    "Prefer",
    str,
    OpenApiParameter.HEADER,
    description=_(
        "wait=N: hold the answer until the task is done, for N seconds at most; wait alone: for as long as the site "
        "grants."
    ),
    examples=[OpenApiExample("Up to 20 seconds", value="wait=20")],
)
WAIT = OpenApiParameter(
    "wait",
    float,
    description=_("Hold the answer until the task is done, for so many seconds at most; the site has a limit."),
)
