"""Paused accounts at providers and paused models of them: why, and the button that lets them send again."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from ..models import Account, ModelPause
from ..models.after_commit import wake_workers
from .readonly import ReadOnlyAdmin


@admin.action(permissions=["submit"], description=_("Resume selected %(verbose_name_plural)s"))
def resume_selected(modeladmin: "AccountAdmin", request: HttpRequest, queryset: QuerySet[Account]) -> None:
    """Send again through the chosen accounts, and wake the workers for what has waited."""
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
    """Send to the chosen models again, and wake the workers for what has waited."""
    done = ModelPause.objects.filter(pk__in=list(queryset.values_list("pk", flat=True))).resume()
    if done:
        wake_workers(queryset.db)
    report = ngettext("%(count)s model is sent to again.", "%(count)s models are sent to again.", done)
    modeladmin.message_user(request, report % {"count": done}, messages.SUCCESS if done else messages.WARNING)


class ResumableAdmin(ReadOnlyAdmin):
    """What a worker pauses and a person resumes."""

    sortable_by = ()

    def has_submit_permission(self, request: HttpRequest) -> bool:
        """Whether this person may have tasks sent, which costs money."""
        return request.user.has_perm("seedance.submit_generationtask")


@admin.register(ModelPause)
class ModelPauseAdmin(ResumableAdmin):
    """A model has a row while it is paused for an account."""

    list_display = ("model_name", "provider", "paused_at", "code", "reason")
    fields = ("model_name", "provider", "paused_at", "code", "reason")
    ordering = ("provider", "model_name")
    actions = (resume_models,)


@admin.register(Account)
class AccountAdmin(ResumableAdmin):
    """An account gets its row when it is first paused; who pauses it is a worker, who resumes it a person."""

    list_display = ("alias", "state", "paused_at", "code", "reason")
    fields = ("alias", "state", "paused_at", "code", "reason")
    ordering = ("alias",)
    actions = (resume_selected,)

    @admin.display(description=_("state"))
    def state(self, account: Account) -> SafeString:
        """Paused or sending, as icon and word."""
        color, icon, word = (
            ("good", "✓", gettext("sending")) if account.paused_at is None else ("bad", "‖", gettext("paused"))
        )
        return format_html(
            '<span class="seedance-badge seedance-{}"><span aria-hidden="true">{}</span> {}</span>', color, icon, word
        )
