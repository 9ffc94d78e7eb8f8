"""Finding tasks among a million: no choice is collected by a query, and every count ends early."""

import datetime as dt
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import localize
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from .. import conf
from ..models.ids import first_id_of
from .choices import models_of

#: How many matching rows are counted at most; what lies beyond is reached by narrowing down.
COUNTED_ROWS = 10_000

#: Word before a search that looks into prompts, which no index helps with.
PROMPT_WORD = "prompt:"


class MoreThan(int):
    """A count that was not counted to its end, and says so wherever Django's templates show it."""

    def __str__(self) -> str:
        # Django would put its separators between the letters, too.
        counted = int(self) - 1
        has_separators = localize(10_000) != "10000"
        return str(counted) if has_separators else _("more than %(count)s") % {"count": counted}


class BoundedPaginator(Paginator):
    """Counts to :data:`COUNTED_ROWS` and no further."""

    @cached_property
    def count(self) -> int:
        """The number of rows, at most one more than :data:`COUNTED_ROWS`."""
        rows: Any = self.object_list
        count = rows[: COUNTED_ROWS + 1].count()
        return MoreThan(count) if count > COUNTED_ROWS else count


def search(queryset: QuerySet, words: str) -> QuerySet:
    """Tasks of exactly this id, ours or the provider's; or with these words in the prompt when asked for."""
    words = words.strip()
    if words.lower().startswith(PROMPT_WORD):
        return queryset.filter(prompt__icontains=words[len(PROMPT_WORD) :].strip())
    if not words:
        return queryset
    own = _with_own_id(queryset, words)
    return own if own.exists() else _with_provider_id(queryset, words)


def _with_own_id(queryset: QuerySet, words: str) -> QuerySet:
    try:
        return queryset.filter(pk=UUID(words))
    except ValueError:
        return queryset.none()


def _with_provider_id(queryset: QuerySet, words: str) -> QuerySet:
    """The index on the provider's id begins with the alias; rows of an alias that is gone are worth a slow look."""
    found = queryset.filter(provider__in=conf.provider_aliases(), provider_task_id=words)
    return found if found.exists() else queryset.filter(provider_task_id=words)


class _Choice(admin.SimpleListFilter):
    """A filter whose choices come from the settings, so that no query has to collect them."""

    def with_current(self, choices: Iterator[tuple[str, Any]]) -> list[tuple[str, Any]]:
        """The choices, and the one in use when it is none of them."""
        known = dict(choices)
        if (value := self.used_parameters.get(self.parameter_name or "")) and value not in known:
            known[value] = value
        return list(known.items())


class ModelFilter(_Choice):
    """By model, as offered by the configured providers."""

    title = _("model")
    parameter_name = "model"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Any]]:
        return self.with_current((row.name, row.title) for alias in conf.provider_aliases() for row in models_of(alias))

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(model_name=self.value()) if self.value() else queryset


class ProviderFilter(_Choice):
    """By provider alias."""

    title = _("provider")
    parameter_name = "provider"

    def has_output(self) -> bool:
        return len(self.lookup_choices) > 1

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Any]]:
        return self.with_current((alias, alias) for alias in conf.provider_aliases())

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(provider=self.value()) if self.value() else queryset


class AttentionFilter(admin.SimpleListFilter):
    """Those that a person should look at."""

    title = _("needs attention")
    parameter_name = "attention"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Any]]:
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() not in ("yes", "no"):
            return queryset
        flagged = ~Q(attention="")
        return queryset.filter(flagged if self.value() == "yes" else Q(attention=""))


class OwnerFilter(_Choice):
    """Mine, nobody's, or those of the owner whose name was clicked."""

    title = _("owner")
    parameter_name = "owner"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Any]]:
        return [("me", _("Mine")), ("nobody", _("Nobody's"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        match self.value():
            case None:
                return queryset
            case "me":
                return queryset.filter(owner=request.user.pk)
            case "nobody":
                return queryset.filter(owner=None)
            case name:
                return queryset.filter(owner__in=_named(queryset, name))


class CreatedFilter(admin.SimpleListFilter):
    """By age. Ids are ordered by time, so the index of the primary key finds the beginning."""

    title = _("created")
    parameter_name = "created"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Any]]:
        return [("1", _("Today")), ("7", _("Past 7 days")), ("30", _("Past 30 days"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() not in ("1", "7", "30"):
            return queryset
        midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
        since = midnight - dt.timedelta(days=int(self.value() or 1) - 1)
        return queryset.filter(created_at__gte=since, pk__gte=first_id_of(since))


def _named(queryset: QuerySet, name: str | None) -> list[Any]:
    """Ids of the users with a name; there is one at most, and it may be in another database."""
    users: Any = queryset.model._meta.get_field("owner").related_model
    return list(users._default_manager.filter(**{users.USERNAME_FIELD: name}).values_list("pk", flat=True))
