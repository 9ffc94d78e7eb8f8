"""The media of a task in its form: the form of one row, the formset, the inline."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminTextInputWidget
from django.db import models
from django.forms.formsets import DELETION_FIELD_NAME
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from ..models import GenerationTask, MediaItem, Status
from ..models.after_commit import delete_after_commit
from .permissions import may
from .presentation import page_url


class MediaForm(forms.ModelForm):
    """One media item: a role, and a URL or a file."""

    class Meta:
        model = MediaItem
        fields = ("role", "url", "file")
        # Not Django's "Currently: …" widget: it needs a public address, which not every storage has.
        widgets = {"url": AdminTextInputWidget(attrs={"class": "seedance-address"}), "file": forms.FileInput}


class MediaFormSet(forms.BaseInlineFormSet):
    """The media of one task.

    Django creates the formsets with the instance of the form before it validates either. The formset stores itself on
    that instance, so that ``TaskForm.clean`` can validate the request as a whole.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.admin_media = self
        #: Violations that concern the media as a whole.
        self.violations: list[str] = []

    def used_forms(self) -> list[forms.ModelForm]:
        """The rows that are filled in and not deleted, in order. Every row must be valid by itself."""
        return [
            form
            for form in self.forms
            if (form.has_changed() or form.instance.pk) and not form.cleaned_data.get(DELETION_FIELD_NAME)
        ]

    def given(self) -> list[dict[str, Any]]:
        """The media in the form that ``intake.prepare`` takes."""
        return [{name: form.cleaned_data.get(name) for name in ("role", "url", "file")} for form in self.used_forms()]

    def non_form_errors(self) -> forms.utils.ErrorList:
        """Django's errors and the violations that concern the media as a whole."""
        errors = super().non_form_errors()
        errors.extend(violation for violation in self.violations if violation not in errors)
        return errors

    def save_existing(self, form: forms.ModelForm, obj: MediaItem, commit: bool = True) -> MediaItem:
        """Save a changed row and delete the file that was replaced."""
        if "file" in form.changed_data:
            delete_after_commit(form.initial.get("file"), using=obj._state.db)
        return super().save_existing(form, obj, commit=commit)

    def delete_existing(self, obj: MediaItem, commit: bool = True) -> None:
        """Delete a row together with its file."""
        delete_after_commit(obj.file, using=obj._state.db)
        super().delete_existing(obj, commit=commit)

    def save_new(self, form: forms.ModelForm, commit: bool = True) -> MediaItem:
        """Save a new row after the existing ones."""
        rows = MediaItem.objects.filter(task=self.instance)
        last = rows.aggregate(last=models.Max("position"))["last"]
        form.instance.position = 0 if last is None else last + 1
        return super().save_new(form, commit=commit)


class MediaInline(admin.TabularInline):
    """The media in the form of a new task. The page of any other task shows them itself."""

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
        return format_html('<a href="{}">{}</a>', page_url(self.admin_site, "media", item.task_id, item.pk), _("view"))

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        """Two empty rows for a new request, one for an edited one."""
        return 1 if obj is not None and not obj._state.adding else self.extra

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True  # whoever may see the task may see its media

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_write(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_write(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_write(request, obj)

    def _may_write(self, request: HttpRequest, task: GenerationTask | None) -> bool:
        """Whoever may write the task may write its media."""
        if task is None or task._state.adding:
            return may(request.user, "add")
        return task.status == Status.NEW and may(request.user, "change", task)
