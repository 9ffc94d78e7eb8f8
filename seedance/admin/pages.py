"""The pages besides Django's: stored files, rows to refresh, reconciling an unconfirmed task."""

import json
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponseNotAllowed, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from .. import lifecycle
from ..exceptions import SeedanceError, TransitionError
from ..media.serving import json_response
from ..models import Cause, GenerationTask, MediaItem
from ..models.ids import parse_id
from . import presentation, submission
from .forms import LinkForm, ResubmitForm
from .list import TaskList
from .presentation import page_url
from .serving import serve

#: Rows in one refresh at most.
MAX_LIVE_ROWS = 200

#: Columns with result files.
RESULT_FILES = ("video", "poster", "last_frame")


class TaskPages(TaskList):
    """Adds the pages to the admin's URLs. Each needs the permission to view."""

    def get_urls(self) -> list[URLPattern]:
        """Before Django's own, whose last pattern matches everything."""
        files = [
            path(
                f"<uuid:task_id>/{name}/",
                self.admin_site.admin_view(partial(self.result_file_view, column=name), cacheable=True),
                name=f"seedance_generationtask_{name}",
            )
            for name in RESULT_FILES
        ]
        return [
            path(
                "live/", self.admin_site.admin_view(self.live_view, cacheable=True), name="seedance_generationtask_live"
            ),
            *files,
            path(
                "<uuid:task_id>/reconcile/",
                self.admin_site.admin_view(self.reconcile_view),
                name="seedance_generationtask_reconcile",
            ),
            path(
                "<uuid:task_id>/media/<int:item_id>/",
                self.admin_site.admin_view(self.media_file_view, cacheable=True),
                name="seedance_generationtask_media",
            ),
            *super().get_urls(),
        ]

    def live_view(self, request: HttpRequest) -> HttpResponseBase:
        """The changing cells of the rows in ``?ids=…``, and whether to ask again. 304 while nothing has changed.

        Deleted rows are left out, so that the page stops asking for them.
        """
        self._require_permitted(request)
        rows = self.get_queryset(request).filter(pk__in=_ids(request.GET.get("ids", "")))
        body = json.dumps({str(task.pk): self._live_row(request, task) for task in rows.order_by("pk")})
        return json_response(request, body)

    def result_file_view(self, request: HttpRequest, task_id: UUID, column: str) -> HttpResponseBase:
        """A file that was archived from the provider."""
        task = self._task(request, task_id)
        return serve(request, getattr(task, column), etag=task.video_sha256 if column == "video" else "")

    def media_file_view(self, request: HttpRequest, task_id: UUID, item_id: int) -> HttpResponseBase:
        """An uploaded file."""
        item = MediaItem.objects.filter(task=self._task(request, task_id), pk=item_id).first()
        if item is None:
            raise Http404
        return serve(request, item.file)

    def reconcile_view(self, request: HttpRequest, task_id: UUID) -> HttpResponseBase:
        """Receive one of the two forms on the page of an unconfirmed task."""
        task = self._task(request, task_id)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_submit_permission(request, task):
            raise PermissionDenied
        try:
            report = self._reconcile(request, task)
        except (SeedanceError, ValidationError) as error:
            words = error.messages if isinstance(error, ValidationError) else [str(error)]
            self.message_user(request, " ".join(words), messages.ERROR)
        else:
            self.message_user(request, report, messages.SUCCESS)
        return HttpResponseRedirect(page_url(self.admin_site, "change", task.pk))

    def _reconcile(self, request: HttpRequest, task: GenerationTask) -> str:
        who = request.user.get_username()
        if submission.SEEN in request.POST and submission.seen_at(request) != task.submitted_at:
            # It was sent again and is unconfirmed again: what the operator found refers to the earlier attempt.
            raise TransitionError(_("The task was sent again after this page was opened. Nothing was done."))
        if "provider_task_id" in request.POST:
            form = LinkForm(request.POST)
            _require_valid(form)
            lifecycle.request_link(task, form.cleaned_data["provider_task_id"], cause=Cause.ADMIN, actor=who)
            return _("A worker looks for it at the provider; this page shows what comes of it.")
        _require_valid(ResubmitForm(request.POST))
        lifecycle.resubmit(task, cause=Cause.ADMIN, actor=who)
        return _("The task will be sent again.")

    def _live_row(self, request: HttpRequest, task: GenerationTask) -> dict[str, Any]:
        return {
            "status": task.status,
            "version": presentation.page_version(task),
            "refresh": presentation.needs_refresh(task),
            "cells": self.live_cells(request, task),
        }

    def _task(self, request: HttpRequest, task_id: UUID) -> GenerationTask:
        task = self.get_queryset(request).filter(pk=task_id).first()
        self._require_permitted(request, task)
        if task is None:
            raise Http404
        return task

    def _require_permitted(self, request: HttpRequest, task: GenerationTask | None = None) -> None:
        if not self.has_view_or_change_permission(request, task):
            raise PermissionDenied


def _require_valid(form: Form) -> None:
    if not form.is_valid():
        raise ValidationError([message for errors in form.errors.values() for message in errors])


def _ids(text: str) -> list[UUID]:
    """The ids in ``id,id,…``; other words are ignored."""
    words = text.split(",")[:MAX_LIVE_ROWS]
    return [found for word in words if (found := parse_id(word))]
