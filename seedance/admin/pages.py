"""The pages beside Django's own: stored files, and the rows that move."""

import hashlib
import json
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.translation import gettext as _

from .. import lifecycle
from ..exceptions import SeedanceError, TransitionError
from ..models import Cause, GenerationTask, MediaItem
from . import display, reconciling, submission
from .columns import TaskList
from .links import page_url
from .serving import serve

#: How many rows a page may ask about at a time.
MOST_LIVE_ROWS = 200

#: Names of the columns that hold result files.
RESULT_FILES = ("video", "poster", "last_frame")


class TaskPages(TaskList):
    """Adds the pages to the admin's addresses; each asks for the permission to view."""

    def get_urls(self) -> list[URLPattern]:
        """Ours first: Django's last pattern takes whatever is left."""
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
                "<uuid:task_id>/settle/",
                self.admin_site.admin_view(self.reconcile_view),
                name="seedance_generationtask_settle",
            ),
            path(
                "<uuid:task_id>/media/<int:item_id>/",
                self.admin_site.admin_view(self.media_file_view, cacheable=True),
                name="seedance_generationtask_media",
            ),
            *super().get_urls(),
        ]

    def live_view(self, request: HttpRequest) -> HttpResponseBase:
        """Rows by ``?ids=…``: whether each still moves, and its changing cells. 304 while nothing is new.

        A row that is gone is left out, so that the page stops asking for it.
        """
        self._require_permitted(request)
        rows = self.get_queryset(request).filter(pk__in=_ids(request.GET.get("ids", "")))
        body = json.dumps({str(task.pk): self._live_row(request, task) for task in rows.order_by("pk")})
        etag = f'"{hashlib.sha256(body.encode()).hexdigest()}"'
        answer = HttpResponse(body, content_type="application/json", headers={"ETag": etag})
        conditional = get_conditional_response(request, etag=etag, response=answer) or answer
        patch_cache_control(conditional, private=True, no_cache=True)
        return conditional

    def result_file_view(self, request: HttpRequest, task_id: UUID, column: str) -> HttpResponseBase:
        """One of the files the provider made."""
        task = self._task(request, task_id)
        return serve(request, getattr(task, column), etag=task.video_sha256 if column == "video" else "")

    def media_file_view(self, request: HttpRequest, task_id: UUID, item_id: int) -> HttpResponseBase:
        """One of the files a person uploaded."""
        item = MediaItem.objects.filter(task=self._task(request, task_id), pk=item_id).first()
        if item is None:
            raise Http404
        return serve(request, item.file)

    def reconcile_view(self, request: HttpRequest, task_id: UUID) -> HttpResponseBase:
        """Where the two forms of an unconfirmed task lead."""
        task = self._task(request, task_id)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_submit_permission(request):
            raise PermissionDenied
        try:
            report = self._settle(request, task)
        except (SeedanceError, ValidationError) as error:
            words = error.messages if isinstance(error, ValidationError) else [str(error)]
            self.message_user(request, " ".join(words), messages.ERROR)
        else:
            self.message_user(request, report, messages.SUCCESS)
        return HttpResponseRedirect(page_url(self.admin_site, "change", task.pk))

    def _settle(self, request: HttpRequest, task: GenerationTask) -> str:
        who = request.user.get_username()
        if submission.SEEN in request.POST and submission.seen_at(request) != task.submitted_at:
            # It was sent again and got no answer again: what was found out before says nothing about that.
            raise TransitionError(_("The task was sent again after this page was opened. Nothing was done."))
        if "provider_task_id" in request.POST:
            found = reconciling.FoundForm(request.POST)
            _require_valid(found)
            lifecycle.request_link(task, found.cleaned_data["provider_task_id"], cause=Cause.ADMIN, actor=who)
            return _("A worker looks for it at the provider; this page shows what comes of it.")
        _require_valid(reconciling.AbsentForm(request.POST))
        lifecycle.resubmit(task, cause=Cause.ADMIN, actor=who)
        return _("The task will be sent again.")

    def _live_row(self, request: HttpRequest, task: GenerationTask) -> dict[str, Any]:
        return {
            "status": task.status,
            "moment": display.moment(task),
            "moving": display.is_moving(task),
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
    """Ids out of ``id,id,…``; words that are none are ignored."""
    found = []
    for word in text.split(",")[:MOST_LIVE_ROWS]:
        try:
            found.append(UUID(word))
        except ValueError:
            continue
    return found
