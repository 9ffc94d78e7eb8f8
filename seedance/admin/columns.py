"""The list of tasks: its columns, and the rows that refresh themselves."""

from typing import Any, ClassVar, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from .. import conf, health
from ..models import GenerationTask
from ..models.queryset import GenerationTaskQuerySet
from . import display, filters, provider_status
from .links import file_url, page_url


class TaskList(admin.ModelAdmin):
    """What the list shows and how it is searched; constant in queries and bounded in counting."""

    list_display = ("preview", "about", "state", "model_id", "provider", "by", "age", "cost")
    list_display_links = ("about",)
    list_filter = (
        "status",
        filters.AttentionFilter,
        filters.ModelFilter,
        filters.ProviderFilter,
        filters.CreatedFilter,
        filters.OwnerFilter,
    )
    list_per_page = 50
    list_max_show_all = 200
    list_select_related = ()
    paginator = filters.BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    search_fields = ("provider_task_id",)
    search_help_text = _(
        "Searches for exactly this id, ours or the provider's. Write prompt:boat to look into prompts, which is slow."
    )
    #: Columns that a refreshed row brings along.
    live_columns: ClassVar[tuple[str, ...]] = ("preview", "state", "cost")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """The tasks that the site's policy shows to this person, with their owners.

        Read from the primary database: an operator looks at what a click has just changed.
        """
        rows = cast(GenerationTaskQuerySet, super().get_queryset(request)).with_owner()
        visible: QuerySet = conf.policy().visible(request.user, rows)
        return visible

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """By exact id, or in the prompts when asked for."""
        return filters.search(queryset, search_term), False

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """The cost is for those who may see it, the provider for sites that have several."""
        hidden = set() if self.sees_cost(request) else {"cost"}
        hidden |= set() if len(conf.provider_aliases()) > 1 else {"provider"}
        return [name for name in self.list_display if name not in hidden]

    def has_submit_permission(self, request: HttpRequest) -> bool:
        """Whether this person may send tasks, which costs money."""
        return request.user.has_perm("seedance.submit_generationtask")

    def sees_cost(self, request: HttpRequest) -> bool:
        """Whether this person may see money."""
        return request.user.has_perm("seedance.view_cost_generationtask")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list, with what stands in the way of submitting, and whether the work is being done."""
        context = {
            "live_url": page_url(self.admin_site, "live"),
            "blockers": provider_status.submit_blockers(),
            "counted_rows": filters.COUNTED_ROWS,
            # Not asked before the page is rendered: an action that leads elsewhere does without.
            "findings": health.findings if self.has_view_or_change_permission(request) else (),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def live_cells(self, request: HttpRequest, task: GenerationTask) -> dict[str, str]:
        """The parts of a row that change by themselves, by column."""
        shown = self.get_list_display(request)
        return {name: str(self._content(task, name)) for name in self.live_columns if name in shown}

    @admin.display(description="")
    def preview(self, task: GenerationTask) -> SafeString:
        """A still of the video."""
        return self._live(task, "preview")

    @admin.display(description=_("prompt"))
    def about(self, task: GenerationTask) -> str:
        """The beginning of the prompt."""
        return display.prompt(task)

    @admin.display(description=_("status"))
    def state(self, task: GenerationTask) -> SafeString:
        """The status and what belongs to it."""
        return self._live(task, "state")

    @admin.display(description=_("model"))
    def model_id(self, task: GenerationTask) -> SafeString:
        """The model's id."""
        return format_html('<span class="seedance-model">{}</span>', task.model_name)

    @admin.display(description=_("owner"))
    def by(self, task: GenerationTask) -> SafeString | str:
        """The owner; a click shows the owner's tasks."""
        if task.owner is None:
            return ""
        name = task.owner.get_username()
        return format_html('<a href="?{}">{}</a>', urlencode({"owner": name}), name)

    @admin.display(description=_("created"))
    def age(self, task: GenerationTask) -> SafeString:
        """How long ago it was made."""
        return display.age(task)

    @admin.display(description=_("cost"))
    def cost(self, task: GenerationTask) -> SafeString:
        """What it cost, or is expected to."""
        return self._live(task, "cost")

    def _live(self, task: GenerationTask, column: str) -> SafeString:
        """A cell that the page's script can replace; only rows that move are marked as moving."""
        return format_html(
            '<span class="seedance-cell" data-seedance-task="{}" data-seedance-cell="{}"{}>{}</span>',
            task.pk,
            column,
            " data-seedance-moving" if display.is_moving(task) else "",
            self._content(task, column),
        )

    def _content(self, task: GenerationTask, column: str) -> SafeString | str:
        match column:
            case "preview":
                return display.preview(task, lambda kind: file_url(self.admin_site, task, kind))
            case "state":
                return display.state(task)
            case _:
                return display.cost(task)
