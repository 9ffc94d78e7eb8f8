"""Who sees which tasks, and who may do what with them.

The setting ``POLICY`` names the class. REST, admin, files and pages all ask it, so that one class decides everywhere.
The admin asks Django's model permissions as well.
"""

from typing import Any


class Policy:
    """Owners see their own tasks and may do anything with them; staff with ``view_generationtask`` see all tasks.

    What staff may do with other people's tasks is decided by Django's permissions. Subclass it for teams: override
    ``visible`` and ``may``, and name the subclass in ``SEEDANCE["POLICY"]``.
    """

    #: The permission with which staff see everybody's tasks.
    see_all_permission = "view"

    def visible(self, user: Any, tasks: Any) -> Any:
        """The tasks of a queryset that a user may know of.

        Args:
            user: of the request; may be anonymous, or an object without a row.
            tasks: a queryset of ``GenerationTask``.
        """
        return tasks if self.sees_all(user) else self.own(user, tasks)

    def may(self, user: Any, verb: str, task: Any) -> bool:
        """Whether a user who sees a task may do something with it. One's own needs no permission.

        Args:
            verb: ``view``, ``change``, ``submit`` (also for a retry), ``sync`` (also for archiving), ``cancel``,
                ``delete`` or ``view_cost``: the first word of a permission of ``GenerationTask``.
        """
        return self.owns(user, task) or self.has_permission(user, verb)

    def sees_all(self, user: Any) -> bool:
        """Whether a user sees everybody's tasks."""
        return bool(getattr(user, "is_staff", False)) and self.has_permission(user, self.see_all_permission)

    def own(self, user: Any, tasks: Any) -> Any:
        """The tasks that belong to a user; none for a user that no row can belong to."""
        try:
            return tasks.owned_by(user.pk) if user.pk is not None else tasks.none()
        except (AttributeError, TypeError, ValueError):  # an authenticator may return an object that is no row
            return tasks.none()

    def owns(self, user: Any, task: Any) -> bool:
        """Whether a task belongs to a user."""
        return task.owner_id is not None and task.owner_id == getattr(user, "pk", None)

    def has_permission(self, user: Any, verb: str) -> bool:
        """Whether a user has the permission of a verb. A user model without permissions has none."""
        has_perm = getattr(user, "has_perm", None)
        return has_perm is not None and bool(has_perm(f"seedance.{verb}_generationtask"))


class OwnTasks(Policy):
    """Everybody sees only their own tasks, staff too, unless they have ``view_all_generationtask``."""

    see_all_permission = "view_all"
