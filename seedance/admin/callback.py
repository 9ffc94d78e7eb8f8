"""What providers called us with, as it arrived."""

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from .. import conf
from ..models import Callback, GenerationTask
from .display import pretty
from .filters import BoundedPaginator
from .links import page_url
from .readonly import ReadOnlyAdmin


@admin.register(Callback)
class CallbackAdmin(ReadOnlyAdmin):
    """A callback is a doorbell: it changed nothing by itself, and what it says is believed by nobody."""

    list_display = ("received_at", "task_link", "word", "provider_task_id")
    fields = ("received_at", "task_link", "word", "provider_task_id", "content")
    paginator = BoundedPaginator
    list_max_show_all = 200
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> Any:
        """Those of tasks that the site's policy shows to this person; the list does without the bodies."""
        visible = conf.policy().visible(request.user, GenerationTask.objects.get_queryset())
        callbacks = super().get_queryset(request).defer("body")
        return callbacks.filter(task__in=visible.order_by().values("pk"))

    @admin.display(description=_("task"))
    def task_link(self, callback: Callback) -> SafeString:
        """The task it was about, by its address alone."""
        url = page_url(self.admin_site, "change", callback.task_id)
        return format_html('<a href="{}">{}</a>', url, callback.task_id)

    @admin.display(description=_("status"), empty_value="?")
    def word(self, callback: Callback) -> str | None:
        """The status as the provider spelled it."""
        return callback.status_word or None

    @admin.display(description=_("body"))
    def content(self, callback: Callback) -> SafeString:
        """The body: indented if it is JSON, else as it came."""
        return format_html('<pre class="seedance-raw">{}</pre>', _indented(callback.body))


def _indented(body: str) -> str:
    try:
        text = pretty(json.loads(body))
        text.encode()  # JSON can spell halves of surrogate pairs, which no page can hold
    except (ValueError, RecursionError):
        return body
    return text
