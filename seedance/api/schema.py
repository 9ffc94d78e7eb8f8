"""OpenAPI descriptions of the endpoints, independent of the schema class that the host uses."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

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
    400: "The request is invalid; all its problems are in errors.",
    401: "The caller is not authenticated.",
    403: "The caller may not do this.",
    404: "There is no such task, or it belongs to another user.",
    409: "The state of the task forbids it; the response contains the current task.",
    410: "It has been removed: the file, or tasks of the request that is sent again.",
    413: "The body is too large.",
    415: "The content type of the body is not supported.",
    416: "The range lies outside the file.",
    422: "The Idempotency-Key was used for another request.",
    429: "Too many requests; Retry-After says when to try again.",
}

#: Statuses that every endpoint may answer with.
_ALWAYS = (401, 403, 429)


@extend_schema_serializer(component_name="VideoProblemItem")
class ProblemItemSerializer(serializers.Serializer):
    """One problem of a request."""

    field = serializers.CharField(help_text="Where: duration, media[0].url, tasks[2].prompt; empty for the whole.")
    code = serializers.CharField(help_text="A stable word for programs.")
    message = serializers.CharField(help_text="What is wrong, for people.")
    hint = serializers.CharField(help_text="What to write instead, for people.")


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

    type = serializers.CharField(help_text="Always about:blank; code tells errors apart.")
    title = serializers.CharField(help_text="The phrase of the HTTP status.")
    status = serializers.IntegerField(help_text="The HTTP status.")
    detail = serializers.CharField(help_text="What went wrong, for people.")
    code = serializers.CharField(help_text="A stable word for programs.")
    instance = serializers.CharField(help_text="The requested path.")
    request_id = serializers.CharField(help_text="The id of this request, also in the site's log.")
    max_bytes = serializers.IntegerField(required=False, help_text="The maximum size of a body, if it was too large.")
    errors = ProblemItemSerializer(  # type: ignore[assignment]
        many=True, required=False, help_text="Every problem of a refused request."
    )


def problem_responses(*statuses: int) -> dict[Any, Any]:
    """The error answers of an operation, for ``extend_schema(responses=…)``."""
    return {(status, CONTENT_TYPE): OpenApiResponse(ProblemSerializer, WHEN[status]) for status in statuses}


def documented(*, responses: Mapping[Any, Any], **description: Any) -> Callable[[Method], Method]:
    """``extend_schema`` for a view method, with the errors that every endpoint shares.

    It names drf-spectacular's own class, since ``extend_schema`` would otherwise build on the host's default.
    """
    answers = {**problem_responses(*_ALWAYS), **responses}
    ordered = dict(sorted(answers.items(), key=lambda item: str(item[0][0] if isinstance(item[0], tuple) else item[0])))

    def decorate(method: Method) -> Method:
        method.kwargs = {"schema": AutoSchema}  # type: ignore[attr-defined]
        decorated: Method = extend_schema(responses=ordered, **description)(method)
        return decorated

    return decorate


TASK_ID = OpenApiParameter("task_id", OpenApiTypes.UUID, OpenApiParameter.PATH, description="The task's id.")
RANGE = OpenApiParameter("Range", str, OpenApiParameter.HEADER, description="Part of the file: bytes=0-1023.")
METADATA = OpenApiParameter(
    "metadata.key", str, description="Only tasks whose metadata has this value under key; up to five such filters."
)
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description=(
        "Up to 255 ASCII characters of your choice. The same key with the same body gives the same task again, "
        "never a second one."
    ),
)
PREFER = OpenApiParameter(
    "Prefer",
    str,
    OpenApiParameter.HEADER,
    description=(
        "wait=N: delay the response until the task is done, for N seconds at most; wait alone: for as long as the site "
        "grants."
    ),
    examples=[OpenApiExample("Up to 20 seconds", value="wait=20")],
)
WAIT = OpenApiParameter(
    "wait",
    float,
    description="Delay the response until the task is done, for so many seconds at most; the site has a limit.",
)
