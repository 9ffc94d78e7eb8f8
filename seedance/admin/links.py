"""Addresses of the pages that are ours beside Django's."""

from typing import Any

from django.contrib.admin import AdminSite
from django.urls import reverse
from django.utils.http import urlencode

from ..models import GenerationTask, MediaItem


def page_url(site: AdminSite, page: str, *args: Any) -> str:
    """The address of a page of ``GenerationTask`` on this admin site: ``changelist``, ``change``, ``live``, …"""
    return reverse(f"admin:seedance_generationtask_{page}", args=args, current_app=site.name)


def file_url(site: AdminSite, task: GenerationTask, kind: str) -> str:
    """The address of one of a task's result files: ``video``, ``poster`` or ``last_frame``."""
    return page_url(site, kind, task.pk)


def media_url(site: AdminSite, item: MediaItem) -> str:
    """The address of an uploaded file."""
    return page_url(site, "media", item.task_id, item.pk)


def callbacks_url(site: AdminSite, task: GenerationTask) -> str:
    """The address of the list of a task's callbacks."""
    listed = reverse("admin:seedance_callback_changelist", current_app=site.name)
    return f"{listed}?{urlencode({'task__id__exact': str(task.pk)})}"
