"""Read-only pages: paused accounts and models, which can be resumed, and the callbacks of providers."""

import json
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from .. import conf
from ..models import Account, Callback, GenerationTask, ModelPause
from ..models.after_commit import wake_workers
from .list import BoundedPaginator
from .permissions import may
from .presentation import page_url, pretty


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows that only the app writes: no user may add, change or delete them."""

    show_full_result_count = False

    class Media:
        css = {"all": ("seedance/admin.css",)}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.action(permissions=["submit"], description=_("Resume selected %(verbose_name_plural)s"))
def resume_selected(modeladmin: "AccountAdmin", request: HttpRequest, queryset: QuerySet[Account]) -> None:
    """Resume the selected accounts and wake the workers."""
    aliases = list(queryset.values_list("alias", flat=True))
    done = sum(Account.objects.resume(alias) for alias in aliases)
    if done:
        wake_workers(queryset.db)
    report = ngettext("%(count)s account sends again.", "%(count)s accounts send again.", done)
    modeladmin.message_user(request, report % {"count": done}, messages.SUCCESS if done else messages.WARNING)
    if skipped := len(aliases) - done:
        words = ngettext(
            "%(count)s account was skipped: it is not paused.",
            "%(count)s accounts were skipped: they are not paused.",
            skipped,
        )
        modeladmin.message_user(request, words % {"count": skipped}, messages.WARNING)


@admin.action(permissions=["submit"], description=_("Resume selected %(verbose_name_plural)s"))
def resume_models(modeladmin: "ModelPauseAdmin", request: HttpRequest, queryset: QuerySet[ModelPause]) -> None:
    """Resume the selected models and wake the workers."""
    done = ModelPause.objects.filter(pk__in=list(queryset.values_list("pk", flat=True))).resume()
    if done:
        wake_workers(queryset.db)
    report = ngettext("%(count)s model is sent to again.", "%(count)s models are sent to again.", done)
    modeladmin.message_user(request, report % {"count": done}, messages.SUCCESS if done else messages.WARNING)


class ResumableAdmin(ReadOnlyAdmin):
    """Workers pause these; operators resume them."""

    sortable_by = ()

    def has_submit_permission(self, request: HttpRequest) -> bool:
        """Whether the user may send tasks, which costs money."""
        return may(request.user, "submit")


@admin.register(ModelPause)
class ModelPauseAdmin(ResumableAdmin):
    """A model has a row only while it is paused for an account."""

    list_display = ("model_name", "provider", "paused_at", "code", "reason")
    fields = ("model_name", "provider", "paused_at", "code", "reason")
    ordering = ("provider", "model_name")
    actions = (resume_models,)


@admin.register(Account)
class AccountAdmin(ResumableAdmin):
    """An account has no row before it is first paused."""

    list_display = ("alias", "state", "paused_at", "code", "reason")
    fields = ("alias", "state", "paused_at", "code", "reason")
    ordering = ("alias",)
    actions = (resume_selected,)

    @admin.display(description=_("state"))
    def state(self, account: Account) -> SafeString:
        """Paused or sending, as icon and label."""
        color, icon, label = (
            ("good", "✓", gettext("sending")) if account.paused_at is None else ("bad", "‖", gettext("paused"))
        )
        return format_html(
            '<span class="seedance-badge seedance-{}"><span aria-hidden="true">{}</span> {}</span>', color, icon, label
        )


@admin.register(Callback)
class CallbackAdmin(ReadOnlyAdmin):
    """A callback only triggers a poll; its content never changes a task."""

    list_display = ("received_at", "task_link", "status", "provider_task_id")
    fields = ("received_at", "task_link", "status", "provider_task_id", "content")
    paginator = BoundedPaginator
    list_max_show_all = 200
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> Any:
        """The callbacks of the tasks that the policy shows to this user, without their bodies."""
        visible = conf.policy().visible(request.user, GenerationTask.objects.get_queryset())
        callbacks = super().get_queryset(request).defer("body")
        return callbacks.filter(task__in=visible.order_by().values("pk"))

    @admin.display(description=_("task"))
    def task_link(self, callback: Callback) -> SafeString:
        """A link to the task, made from its id without a query."""
        url = page_url(self.admin_site, "change", callback.task_id)
        return format_html('<a href="{}">{}</a>', url, callback.task_id)

    @admin.display(description=_("status"), empty_value="?")
    def status(self, callback: Callback) -> str | None:
        """The status as the provider spelled it."""
        return callback.status_word or None

    @admin.display(description=_("body"))
    def content(self, callback: Callback) -> SafeString:
        """The body, indented if it is JSON."""
        return format_html('<pre class="seedance-raw">{}</pre>', _indented(callback.body))


def _indented(body: str) -> str:
    try:
        text = pretty(json.loads(body))
        text.encode()  # JSON may contain lone surrogates, which cannot be encoded
    except (ValueError, RecursionError):
        return body
    return text
