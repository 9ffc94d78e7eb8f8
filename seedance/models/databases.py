"""The database that our rows are read from and written to, on sites that have several.

A claim, or a read after a write, must use the primary, as a replica lags behind. So all our managers read where they
write: ``router.db_for_write``. A plain list may use a replica with ``using``.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from django.db import connections, models, router, transaction
from django.db.models.fields.related_descriptors import ForwardManyToOneDescriptor

Row = TypeVar("Row", bound=models.Model)


class PrimaryQuerySet(models.QuerySet[Row]):
    """Rows as they are in the database that is written to."""

    # Django's own: set by ``using``, and by the row that a related manager belongs to.
    _db: str | None
    _hints: dict[str, Any]

    @property
    def db(self) -> str:
        """The alias of the primary, unless ``using`` named another."""
        return self._db or router.db_for_write(self.model, **self._hints)


class PrimaryManager(models.Manager.from_queryset(PrimaryQuerySet)):  # type: ignore[misc]
    """The manager of such rows; needed where no queryset class has an ``as_manager`` to offer, or ``db`` is asked."""

    @property
    def db(self) -> str:
        """The alias of the primary, unless ``using`` named another."""
        return self._db or router.db_for_write(self.model, **self._hints)


def never_atomic(view: Callable[..., Any]) -> Callable[..., Any]:
    """Keep a view out of ``ATOMIC_REQUESTS``, which Django asks about for each database by its alias."""
    for alias in connections:
        view = transaction.non_atomic_requests(using=alias)(view)
    return view


def set_null(collector: Any, field: Any, rows: models.QuerySet[Any], using: str) -> None:
    """``SET_NULL`` for rows that may live in another database than the one that is being deleted from."""
    collector.add_field_update(field, None, rows.using(using if field.is_local else router.db_for_write(field.model)))


# The collector must not look for the rows itself: it would look in the wrong database.
set_null.lazy_sub_objs = True  # type: ignore[attr-defined]


class _OwnerDescriptor(ForwardManyToOneDescriptor):
    """Reads the user from the users' database, wherever the row that names it came from."""

    field: "OwnerField"

    def get_queryset(self, **hints: Any) -> models.QuerySet[Any]:
        if self.field.is_local:
            return super().get_queryset(**hints)
        # Without the hints: they hold the row, and a router is asked to stay where that is.
        users = self.field.related_model
        return users._base_manager.using(router.db_for_read(users))

    def __set__(self, instance: Any, value: Any) -> None:
        # Django asks the router whether rows of two databases may be related; here only an id is kept.
        if value is None or self.field.is_local or not isinstance(value, self.field.related_model):
            super().__set__(instance, value)
            return
        setattr(instance, self.field.attname, getattr(value, self.field.target_field.attname))
        self.field.set_cached_value(instance, value)


class OwnerField(models.ForeignKey):
    """A user, who may live in another database than the row; there the database itself guards nothing."""

    forward_related_accessor_class = _OwnerDescriptor

    @property
    def is_local(self) -> bool:
        """Whether rows and users are written to the same database."""
        return router.db_for_write(self.model) == router.db_for_write(self.related_model)

    @property
    def db_constraint(self) -> bool:
        """Whether the database guards the reference: asked by Django when it makes the table."""
        return not hasattr(self, "model") or self.is_local

    @db_constraint.setter
    def db_constraint(self, value: bool) -> None:
        """Django writes its own default here."""

    def deconstruct(self) -> Any:
        """The same on every site, so that none of them needs a migration of its own."""
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("db_constraint", None)
        return name, path, args, kwargs
