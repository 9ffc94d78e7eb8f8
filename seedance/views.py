"""The endpoints for providers and monitoring: callbacks, uploaded media, health."""

import secrets

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from . import health, lifecycle
from .media.serving import file_response
from .models import GenerationTask, MediaItem
from .models.databases import never_atomic

#: Largest accepted body of a callback, in bytes.
MAX_BODY = 256 * 1024


@method_decorator(login_not_required, name="dispatch")
class HealthView(View):
    """The state of the site for a monitor: 200, or 503 when work is not being done. Has codes, never details."""

    http_method_names = ("get", "head")

    def get(self, request: HttpRequest) -> JsonResponse:
        found = health.findings()
        trouble = any(finding.trouble for finding in found)
        body = {"status": "trouble" if trouble else "ok", "findings": [finding.code for finding in found]}
        return JsonResponse(body, status=503 if trouble else 200, headers={"Cache-Control": "no-store"})


@method_decorator(login_not_required, name="dispatch")
class MediaView(View):
    """Serve an uploaded file to the provider, which has no login here; the signed key authorises the request."""

    http_method_names = ("get", "head")

    def get(self, request: HttpRequest, key: str) -> HttpResponseBase:
        item = MediaItem.objects.by_signed_key(key)
        if item is None or not item.file:
            raise Http404
        try:
            return file_response(
                request,
                item.file,
                content_type=item.content_type or "application/octet-stream",
                filename=item.file_name,
                etag=str(item.pk),
            )
        except FileNotFoundError:
            raise Http404 from None


@method_decorator([csrf_exempt, login_not_required, never_atomic], name="dispatch")
class CallbackView(View):
    """Receive a provider's call about one task, authenticated by the secret token in the URL alone."""

    http_method_names = ("get", "head", "post")

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Answer a probe of the URL; changes nothing."""
        self._task(token)
        return HttpResponse(status=204)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        """Store the callback and answer at once; a worker polls the task."""
        task = self._task(token)
        if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY:
            return HttpResponse(status=413)
        body = request.read(MAX_BODY + 1)
        if len(body) > MAX_BODY:
            return HttpResponse(status=413)
        lifecycle.receive_callback(task, body)
        return HttpResponse(status=204)

    @staticmethod
    def _task(token: str) -> GenerationTask:
        task = GenerationTask.objects.filter(callback_token=token).first()
        if task is None or not secrets.compare_digest(task.callback_token, token):
            raise Http404
        return task
