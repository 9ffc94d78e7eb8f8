"""The list of tasks: columns, filters, search. Queries and counts are bounded, so that it works with millions."""

import datetime as dt
from collections.abc import Iterator
from functools import wraps
from typing import Any, ClassVar

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import localize
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from .. import conf, health
from ..models import GenerationTask
from ..models.ids import created_between, parse_id
from . import presentation
from .choices import models_of
from .permissions import TaskPermissions
from .presentation import page_url

#: Matching rows are counted and listed up to this number; filters reach the others.
COUNTED_ROWS = 10_000

#: Prefix of a search in prompts, which no index supports.
PROMPT_PREFIX = "prompt:"


class MoreThan(int):
    """A count that stopped at the limit. Django's templates show it as *more than …*."""

    def __str__(self) -> str:
        # With thousand separators Django formats the string itself, which would split its words.
        counted = int(self) - 1
        has_separators = localize(10_000) != "10000"
        return str(counted) if has_separators else _("more than %(count)s") % {"count": counted}


class BoundedPaginator(Paginator):
    """Stops counting at :data:`COUNTED_ROWS`."""

    @cached_property
    def count(self) -> int:
        """The number of rows, at most one more than :data:`COUNTED_ROWS`."""
        rows: Any = self.object_list
        count = rows[: COUNTED_ROWS + 1].count()
        return MoreThan(count) if count > COUNTED_ROWS else count


def search(queryset: QuerySet, term: str) -> QuerySet:
    """Tasks with exactly this id, ours or the provider's; with the prefix, tasks whose prompt contains the text."""
    term = term.strip()
    if term.lower().startswith(PROMPT_PREFIX):
        return queryset.filter(prompt__icontains=term[len(PROMPT_PREFIX) :].strip())
    if not term:
        return queryset
    own = _with_own_id(queryset, term)
    return own if own.exists() else _with_provider_id(queryset, term)


def _with_own_id(queryset: QuerySet, term: str) -> QuerySet:
    own_id = parse_id(term)
    return queryset.filter(pk=own_id) if own_id else queryset.none()


def _with_provider_id(queryset: QuerySet, term: str) -> QuerySet:
    """The index begins with the alias, so configured aliases are tried first; removed ones need a scan."""
    found = queryset.filter(provider__in=conf.provider_aliases(), provider_task_id=term)
    return found if found.exists() else queryset.filter(provider_task_id=term)


class _SettingsFilter(admin.SimpleListFilter):
    """A filter whose choices come from the settings and need no query."""

    def with_current(self, choices: Iterator[tuple[str, Any]]) -> list[tuple[str, Any]]:
        """The choices, and the selected value if it is none of them."""
        known = dict(choices)
        if (value := self.used_parameters.get(self.parameter_name or "")) and value not in known:
            known[value] = value
        return list(known.items())


class ModelFilter(_SettingsFilter):
    """By model of the configured providers."""

    title = _("model")
    parameter_name = "model"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Any]]:
        return self.with_current((row.name, row.title) for alias in conf.provider_aliases() for row in models_of(alias))

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(model_name=self.value()) if self.value() else queryset


class ProviderFilter(_SettingsFilter):
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
    """Tasks that need attention, or all others."""

    title = _("needs attention")
    parameter_name = "attention"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Any]]:
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() not in ("yes", "no"):
            return queryset
        flagged = ~Q(attention="")
        return queryset.filter(flagged if self.value() == "yes" else Q(attention=""))


class OwnerFilter(_SettingsFilter):
    """Own tasks, tasks without an owner, or the tasks of one user by name."""

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
    """By age. Ids are ordered by time, so the primary key index finds the first row."""

    title = _("created")
    parameter_name = "created"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Any]]:
        return [("1", _("Today")), ("7", _("Past 7 days")), ("30", _("Past 30 days"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() not in ("1", "7", "30"):
            return queryset
        midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
        since = midnight - dt.timedelta(days=int(self.value() or 1) - 1)
        return queryset.filter(created_between(after=since))


def _named(queryset: QuerySet, name: str | None) -> list[Any]:
    """Ids of the users with this name, at most one. Users may be in another database."""
    users: Any = queryset.model._meta.get_field("owner").related_model
    return list(users._default_manager.filter(**{users.USERNAME_FIELD: name}).values_list("pk", flat=True))


class TaskList(TaskPermissions):
    """Columns and search of the list. The number of queries does not depend on the number of rows."""

    list_display = ("preview", "about", "state", "model_id", "provider", "by", "age", "cost")
    list_display_links = ("about",)
    list_filter = (
        "status",
        AttentionFilter,
        ModelFilter,
        ProviderFilter,
        CreatedFilter,
        OwnerFilter,
    )
    list_per_page = 50
    list_max_show_all = 200
    list_select_related = ()
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    search_fields = ("provider_task_id",)
    search_help_text = _(
        "Searches for exactly this id, ours or the provider's. Write prompt:boat to look into prompts, which is slow."
    )
    #: Columns that ``live_cells`` refreshes.
    live_columns: ClassVar[tuple[str, ...]] = ("preview", "state", "cost")

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """By exact id, or in prompts."""
        return search(queryset, search_term), False

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """The columns. The cost depends on the permission for each task, which needs the request."""

        @wraps(self.cost)
        def cost(task: GenerationTask) -> SafeString | str:
            return self.cost(task) if self.has_view_cost_permission(request, task) else ""

        return [cost if name == "cost" else name for name in self._column_names(request)]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list, with what prevents submitting and what is wrong with the site."""
        context = {
            "live_url": page_url(self.admin_site, "live"),
            "blockers": presentation.submit_blockers(),
            "counted_rows": COUNTED_ROWS,
            # Called by the template, so an action that redirects runs no queries for it.
            "findings": health.findings if self.has_view_or_change_permission(request) else (),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def live_cells(self, request: HttpRequest, task: GenerationTask) -> dict[str, str]:
        """The cells of a row that change without an operator, by column."""
        shown = set(self._column_names(request))
        if not self.has_view_cost_permission(request, task):
            shown.discard("cost")
        return {name: str(self._content(task, name)) for name in self.live_columns if name in shown}

    @admin.display(description="")
    def preview(self, task: GenerationTask) -> SafeString:
        """The poster of the video."""
        return self._live(task, "preview")

    @admin.display(description=_("prompt"))
    def about(self, task: GenerationTask) -> str:
        """The beginning of the prompt."""
        return presentation.prompt(task)

    @admin.display(description=_("status"))
    def state(self, task: GenerationTask) -> SafeString:
        """Status, progress and attention flag."""
        return self._live(task, "state")

    @admin.display(description=_("model"))
    def model_id(self, task: GenerationTask) -> SafeString:
        """The model's id."""
        return format_html('<span class="seedance-model">{}</span>', task.model_name)

    @admin.display(description=_("owner"))
    def by(self, task: GenerationTask) -> SafeString | str:
        """The owner, linked to the owner's tasks."""
        if task.owner is None:
            return ""
        name = task.owner.get_username()
        return format_html('<a href="?{}">{}</a>', urlencode({"owner": name}), name)

    @admin.display(description=_("created"))
    def age(self, task: GenerationTask) -> SafeString:
        """How long ago the task was created."""
        return presentation.age(task)

    @admin.display(description=_("cost"))
    def cost(self, task: GenerationTask) -> SafeString:
        """The cost or its estimate."""
        return self._live(task, "cost")

    def _column_names(self, request: HttpRequest) -> list[str]:
        """Without the cost for users who may not see it, and without the provider on sites that have one."""
        hidden = set() if self.has_view_cost_permission(request) else {"cost"}
        hidden |= set() if len(conf.provider_aliases()) > 1 else {"provider"}
        return [name for name in self.list_display if name not in hidden]

    def _live(self, task: GenerationTask, column: str) -> SafeString:
        """A cell that ``admin.js`` can replace; rows that it should poll are marked."""
        return format_html(
            '<span class="seedance-cell" data-seedance-task="{}" data-seedance-cell="{}"{}>{}</span>',
            task.pk,
            column,
            " data-seedance-refresh" if presentation.needs_refresh(task) else "",
            self._content(task, column),
        )

    def _content(self, task: GenerationTask, column: str) -> SafeString | str:
        match column:
            case "preview":
                return presentation.preview(task, self.admin_site)
            case "state":
                return presentation.state(task)
            case _:
                return presentation.cost(task)
