"""The media of a task inside its form."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from ..models import GenerationTask, MediaItem, Status
from .forms import MediaForm, MediaFormSet
from .links import media_url


class MediaInline(admin.TabularInline):
    """Editable while the task is new; the page itself shows the media of all others."""

    model = MediaItem
    form = MediaForm
    formset = MediaFormSet
    fields = ("role", "url", "file", "stored")
    readonly_fields = ("stored",)
    verbose_name = _("medium")
    verbose_name_plural = _("Images, videos and sounds")
    extra = 2

    @admin.display(description=_("stored file"))
    def stored(self, item: MediaItem) -> SafeString | str:
        """A link to the uploaded file."""
        if not (item.pk and item.file):
            return ""
        return format_html('<a href="{}">{}</a>', media_url(self.admin_site, item), _("view"))

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        """Two empty rows for a new request, one for an edited one."""
        return 1 if obj is not None and not obj._state.adding else self.extra

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True  # who may see the task may see its media

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_write(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_write(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_write(request, obj)

    def _may_write(self, request: HttpRequest, task: GenerationTask | None) -> bool:
        """Whoever may write the task may write its media."""
        if task is None or task._state.adding:
            return request.user.has_perm("seedance.add_generationtask")
        return task.status == Status.NEW and request.user.has_perm("seedance.change_generationtask")
