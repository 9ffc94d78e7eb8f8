"""Who may see which task, and who may change it."""

from typing import Any

from ..models import GenerationTask
from ..models.queryset import GenerationTaskQuerySet

_APP = GenerationTask._meta.app_label
_MODEL = GenerationTask._meta.model_name


def holds(user: Any, right: str) -> bool:
    """Whether a user has one of the task permissions: ``view``, ``submit``, ``sync``, ``cancel``, ``delete``, …"""
    return bool(user.has_perm(f"{_APP}.{right}_{_MODEL}"))


def visible_to(user: Any) -> GenerationTaskQuerySet:
    """The tasks a user may know of: all of them for staff with the view permission, its own for anybody else."""
    tasks = GenerationTask.objects.get_queryset()
    return tasks if user.is_staff and holds(user, "view") else tasks.owned_by(user)


def owns(user: Any, task: GenerationTask) -> bool:
    """Whether a task is the user's own."""
    return task.owner_id is not None and task.owner_id == user.pk


def may(user: Any, right: str, task: GenerationTask) -> bool:
    """Whether a user who sees a task may also change it so. One's own needs no permission."""
    return owns(user, task) or holds(user, right)


def sees_cost(user: Any, task: GenerationTask) -> bool:
    """Whether a user who sees a task may see what it costs."""
    return owns(user, task) or holds(user, "view_cost")
