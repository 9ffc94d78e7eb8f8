"""The endpoints of the result files."""

from collections.abc import Iterable
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from django.db.models.fields.files import FieldFile
from django.http.response import HttpResponseBase
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.exceptions import NotFound
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from ..media.serving import file_response
from ..models import GenerationTask
from .errors import FileGone, PreconditionFailed, RangeOutside, problem_response
from .schema import RANGE, TASK_ID, documented, problem_responses
from .serializers import CONFLICT
from .views import TaskAPIView

#: Suffixes for the name of a saved file; any other suffix is removed.
_SUFFIXES = frozenset({".mp4", ".mov", ".png", ".jpg", ".jpeg", ".webp"})

_DOWNLOAD = OpenApiParameter(
    "download", bool, description="true: ask the browser to save the file rather than display it."
)
_REDIRECT = OpenApiResponse(description="The file is in a storage of its own; Location is a signed link to it.")


def _answers(media_type: str) -> dict[object, object]:
    return {
        (200, media_type): OpenApiResponse(OpenApiTypes.BINARY, description="The file."),
        (206, media_type): OpenApiResponse(OpenApiTypes.BINARY, description="The requested range."),
        302: _REDIRECT,
        304: None,
        **CONFLICT,
        **problem_responses(404, 410, 416),
    }


class AnyAcceptNegotiation(BaseContentNegotiation):
    """Ignores ``Accept``: players send ``video/mp4``, and errors are JSON all the same."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """These endpoints read no body."""
        return None

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The renderer of errors."""
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)


class VideoView(TaskAPIView):
    """The stored video."""

    content_negotiation_class = AnyAcceptNegotiation

    @documented(
        operation_id="get_video",
        summary="Fetch the video",
        parameters=[TASK_ID, RANGE, _DOWNLOAD],
        responses=_answers("video/mp4"),
    )
    def get(self, request: Request, task_id: str) -> HttpResponseBase:
        """The file, a range of it, or a redirect to its storage."""
        task = self.find(task_id)
        if not task.video:
            raise self._absence(task)
        return _file_response(request, task, task.video, task.video_sha256)

    def _absence(self, task: GenerationTask) -> Exception:
        if task.archived_at:
            return FileGone()
        return self.no_file(task, _("The video is not stored yet."), _("There will be no video of this task."))


class LastFrameView(TaskAPIView):
    """The stored last frame."""

    content_negotiation_class = AnyAcceptNegotiation

    @documented(
        operation_id="get_last_frame",
        summary="Fetch the last frame",
        parameters=[TASK_ID, RANGE, _DOWNLOAD],
        responses=_answers("image/png"),
    )
    def get(self, request: Request, task_id: str) -> HttpResponseBase:
        """The file, a range of it, or a redirect to its storage."""
        task = self.find(task_id)
        if not task.last_frame:
            raise self._absence(task)
        return _file_response(request, task, task.last_frame, "")

    def _absence(self, task: GenerationTask) -> Exception:
        if not task.parameters.get("return_last_frame") and not task.last_frame_url:
            return NotFound(_("The last frame of this task was not asked for."))
        if task.archived_at and not task.video:
            return FileGone()
        return self.no_file(
            task, _("The last frame is not stored yet."), _("There will be no last frame of this task.")
        )


def _file_response(request: Request, task: GenerationTask, file: FieldFile, sha256: str) -> HttpResponseBase:
    address = _signed_address(file)
    if address:
        redirect = Response(status=302, headers={"Location": address})
        patch_cache_control(redirect, private=True, no_store=True)
        return redirect
    suffix = PurePosixPath(str(file.name)).suffix.lower()
    try:
        response = file_response(
            request._request,
            file,
            filename=f"seedance-{task.pk}{suffix if suffix in _SUFFIXES else ''}",
            etag=sha256,
            as_attachment=request.query_params.get("download", "").lower() == "true",
        )
    except FileNotFoundError as error:
        raise FileGone from error
    if response.status_code == 412:
        raise PreconditionFailed
    return _range_problem(request, response) if response.status_code == 416 else response


def _signed_address(file: FieldFile) -> str:
    """The URL of a file in a storage that serves its own files; empty if this site streams it."""
    try:
        file.path  # noqa: B018
    except NotImplementedError:
        address = str(file.url)
        return address if urlsplit(address).scheme in {"http", "https"} else ""
    return ""


def _range_problem(request: Request, response: HttpResponseBase) -> HttpResponseBase:
    violation = problem_response(RangeOutside(), request)
    for name in ("Content-Range", "Accept-Ranges"):
        violation.headers[name] = response.headers[name]
    return violation
