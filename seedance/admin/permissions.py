"""Who sees which tasks in the admin, and who may do what with them: Django's permissions and the site's policy."""

from typing import Any, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from .. import conf
from ..models import GenerationTask, Status
from ..models.queryset import GenerationTaskQuerySet


def may(user: Any, verb: str, task: GenerationTask | None = None) -> bool:
    """Whether a user has the permission of a verb and, where a stored task is given, the policy allows it there.

    Args:
        verb: the first word of a permission of ``GenerationTask``, as ``Policy.may`` takes it.
    """
    return bool(user.has_perm(f"seedance.{verb}_generationtask")) and policy_allows(user, verb, task)


def policy_allows(user: Any, verb: str, task: GenerationTask | None) -> bool:
    """Whether the site's policy allows a verb on a stored task; always where there is none yet."""
    return task is None or task._state.adding or conf.policy().may(user, verb, task)


class TaskPermissions(admin.ModelAdmin):
    """Every permission of the task admin. ``obj`` is the task in question; ``None`` asks about tasks in general."""

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """The tasks that the policy shows to this user, with their owners.

        Read from the primary database, so that a page shows what the last click changed.
        """
        rows = cast(GenerationTaskQuerySet, super().get_queryset(request)).with_owner()
        visible: QuerySet = conf.policy().visible(request.user, rows)
        return visible

    def has_view_permission(self, request: HttpRequest, obj: GenerationTask | None = None) -> bool:
        """Whether the user may see tasks. Django's permission to change includes this one."""
        return super().has_view_permission(request, obj) and policy_allows(request.user, "view", obj)

    def has_change_permission(self, request: HttpRequest, obj: GenerationTask | None = None) -> bool:
        """Whether the user may edit the request, which is possible while the task is new."""
        may_change = super().has_change_permission(request, obj) and policy_allows(request.user, "change", obj)
        return may_change and (obj is None or obj.status == Status.NEW)

    def has_delete_permission(self, request: HttpRequest, obj: GenerationTask | None = None) -> bool:
        """Whether the user may delete tasks."""
        return super().has_delete_permission(request, obj) and policy_allows(request.user, "delete", obj)

    def has_submit_permission(self, request: HttpRequest, obj: GenerationTask | None = None) -> bool:
        """Whether the user may send tasks, which costs money."""
        return may(request.user, "submit", obj)

    def has_sync_permission(self, request: HttpRequest, obj: GenerationTask | None = None) -> bool:
        """Whether the user may have tasks polled and archived."""
        return may(request.user, "sync", obj)

    def has_cancel_permission(self, request: HttpRequest, obj: GenerationTask | None = None) -> bool:
        """Whether the user may cancel tasks, or close them as lost."""
        return may(request.user, "cancel", obj)

    def has_retry_permission(self, request: HttpRequest, obj: GenerationTask | None = None) -> bool:
        """Whether the user may retry tasks. A retry creates and sends a task, so it needs both permissions."""
        return self.has_add_permission(request) and self.has_submit_permission(request, obj)

    def has_mark_seen_permission(self, request: HttpRequest, obj: GenerationTask | None = None) -> bool:
        """Whether the user may mark tasks as seen; unlike an edit, in every status."""
        return super().has_change_permission(request, obj) and policy_allows(request.user, "change", obj)

    def has_view_cost_permission(self, request: HttpRequest, obj: GenerationTask | None = None) -> bool:
        """Whether the user may see what tasks cost."""
        return may(request.user, "view_cost", obj)
