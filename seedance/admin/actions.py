"""The verbs for many tasks. Each touches the rows it may, and reports both numbers: done, and skipped and why."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ..exceptions import TransitionError
from ..models import FINAL, GenerationTask, Status
from ..models.queryset import GenerationTaskQuerySet
from ..models.status import IN_FLIGHT, UNCANCELLABLE
from . import provider_status
from .detail import host_cancels

if TYPE_CHECKING:
    from .task import GenerationTaskAdmin

#: Set by the confirmation page.
CONFIRMED = "confirmed"

#: Who did it, in the timeline.
CAUSE = "admin"

_NOT_NEW = gettext_lazy("only new tasks can be submitted")
_NOT_IN_FLIGHT = gettext_lazy("the provider does not have it, or has finished with it")
_NOTHING_TO_ARCHIVE = gettext_lazy("there is no finished video that still has to be stored")
_NOT_FINAL = gettext_lazy("it may still end by itself, and a second one would be paid twice")
_CANNOT_CANCEL_THERE = gettext_lazy("this provider cannot cancel a task that it has accepted")
_FILE_GONE = gettext_lazy("an uploaded file is no longer in the storage")


@dataclass(frozen=True)
class ActionPreview:
    """How many tasks a verb would do something with, each kind in words, and how many it would leave alone and why."""

    does: list[str]
    skips: list[str]


class SkipReport:
    """Counts what was left alone, by status and reason."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, status: str, reason: Promise | str, count: int = 1) -> None:
        """Note some tasks of one status."""
        self._counts[(status, str(reason))] += count

    @property
    def total(self) -> int:
        """How many there were."""
        return self._counts.total()

    def lines(self) -> list[str]:
        """Such as *2 running: cannot be stopped any more*."""
        return [
            _("%(count)s %(status)s: %(reason)s")
            % {"count": count, "status": Status(status).label, "reason": reason.rstrip(".。")}
            for (status, reason), count in self._counts.items()
        ]


@admin.action(permissions=["submit"], description=gettext_lazy("Submit selected %(verbose_name_plural)s"))
def submit_selected(
    modeladmin: "GenerationTaskAdmin", request: HttpRequest, queryset: QuerySet[GenerationTask]
) -> HttpResponseBase | None:
    """Send what is new."""
    skipped = SkipReport()
    ready = _sendable(queryset, {Status.NEW}, _NOT_NEW, skipped)
    done = ready.submit(cause=CAUSE, actor=request.user.get_username())
    report = ngettext("%(count)s task will be sent.", "%(count)s tasks will be sent.", done)
    return _finish(modeladmin, request, report % {"count": done}, done, skipped)


@admin.action(permissions=["sync"], description=gettext_lazy("Re-poll selected %(verbose_name_plural)s"))
def sync_selected(
    modeladmin: "GenerationTaskAdmin", request: HttpRequest, queryset: QuerySet[GenerationTask]
) -> HttpResponseBase | None:
    """Ask the provider about what it has."""
    skipped = SkipReport()
    done = _sendable(queryset, IN_FLIGHT, _NOT_IN_FLIGHT, skipped).poll_now()
    report = ngettext(
        "The provider will be asked about %(count)s task.", "The provider will be asked about %(count)s tasks.", done
    )
    return _finish(modeladmin, request, report % {"count": done}, done, skipped)


@admin.action(permissions=["sync"], description=gettext_lazy("Archive selected %(verbose_name_plural)s again"))
def archive_selected(
    modeladmin: "GenerationTaskAdmin", request: HttpRequest, queryset: QuerySet[GenerationTask]
) -> HttpResponseBase | None:
    """Have finished videos stored; nothing is generated or paid again."""
    skipped = SkipReport()
    chosen = cast(GenerationTaskQuerySet, queryset)
    for status, _alias, count in _group_by_status(chosen.exclude(pk__in=chosen.to_archive_again().values("pk"))):
        skipped.add(status, _NOTHING_TO_ARCHIVE, count)
    done = chosen.archive_again(cause=CAUSE, actor=request.user.get_username())
    report = ngettext("The video of %(count)s task is fetched.", "The videos of %(count)s tasks are fetched.", done)
    return _finish(modeladmin, request, report % {"count": done}, done, skipped)


@admin.action(permissions=["cancel"], description=gettext_lazy("Cancel selected %(verbose_name_plural)s"))
def cancel_selected(
    modeladmin: "GenerationTaskAdmin", request: HttpRequest, queryset: QuerySet[GenerationTask]
) -> HttpResponseBase | None:
    """Cancel what can be cancelled, after showing what that is."""
    if CONFIRMED not in request.POST:
        return _confirm(modeladmin, request, queryset, _("Cancel video tasks"), preview_cancel(queryset))
    skipped, here, there = SkipReport(), 0, 0
    for task in queryset:
        try:
            task.request_cancel(cause=CAUSE, actor=request.user.get_username())
        except TransitionError as error:
            skipped.add(task.status, str(error))
        else:
            here, there = (here + 1, there) if task.status == Status.CANCELLED else (here, there + 1)
    report = " ".join(_cancel_words(here, there)) or _("No task was cancelled.")
    return _finish(modeladmin, request, report, here + there, skipped)


@admin.action(permissions=["retry"], description=gettext_lazy("Retry selected %(verbose_name_plural)s"))
def retry_selected(
    modeladmin: "GenerationTaskAdmin", request: HttpRequest, queryset: QuerySet[GenerationTask]
) -> HttpResponseBase | None:
    """Ask for the same videos again, as new tasks that are paid again, after saying so."""
    if CONFIRMED not in request.POST:
        return _confirm(modeladmin, request, queryset, _("Retry video tasks"), preview_retry(queryset))
    skipped = SkipReport()
    final = _sendable(queryset, FINAL, _NOT_FINAL, skipped)
    made = list(_retried(final, request, skipped))
    report = ngettext("%(count)s new task was made.", "%(count)s new tasks were made.", len(made))
    return _finish(modeladmin, request, report % {"count": len(made)}, len(made), skipped, made[0] if made else None)


def preview_cancel(queryset: QuerySet[GenerationTask]) -> ActionPreview:
    """What *Cancel* would do with these tasks as they stand now."""
    skipped, here, there = SkipReport(), 0, 0
    for status, alias, count in _group_by_status(queryset):
        if reason := UNCANCELLABLE.get(Status(status)):
            skipped.add(status, reason, count)
        elif status != Status.QUEUED:
            here += count
        elif host_cancels(alias):
            there += count
        else:
            skipped.add(status, _CANNOT_CANCEL_THERE, count)
    return ActionPreview(_cancel_words(here, there, future=True), skipped.lines())


def preview_retry(queryset: QuerySet[GenerationTask]) -> ActionPreview:
    """What *Retry* would do with these tasks as they stand now."""
    skipped = SkipReport()
    count = _sendable(queryset, FINAL, _NOT_FINAL, skipped).count()
    words = ngettext(
        "%(count)s new task is made and sent at once. It is paid like any other.",
        "%(count)s new tasks are made and sent at once. They are paid like any others.",
        count,
    )
    return ActionPreview([words % {"count": count}, *_free_way(queryset)] if count else [], skipped.lines())


def _free_way(queryset: QuerySet[GenerationTask]) -> list[str]:
    """Says so when some of these tasks are paid already and only lack their stored video."""
    count = cast(GenerationTaskQuerySet, queryset).to_archive_again().count()
    words = ngettext(
        "The video of %(count)s of them is made and paid already: “Archive again” stores it free of charge.",
        "The videos of %(count)s of them are made and paid already: “Archive again” stores them free of charge.",
        count,
    )
    return [words % {"count": count}] if count else []


def _cancel_words(here: int, there: int, *, future: bool = False) -> list[str]:
    now = (
        ngettext("%(count)s task is cancelled here and now.", "%(count)s tasks are cancelled here and now.", here)
        if future
        else ngettext("%(count)s task was cancelled.", "%(count)s tasks were cancelled.", here)
    )
    later = ngettext(
        "The provider will be asked to drop %(count)s queued task; it may have started by then.",
        "The provider will be asked to drop %(count)s queued tasks; they may have started by then.",
        there,
    )
    return [words % {"count": count} for words, count in ((now, here), (later, there)) if count]


def _sendable(
    queryset: QuerySet[GenerationTask], statuses: Iterable[Status], reason: Promise, skipped: SkipReport
) -> GenerationTaskQuerySet:
    """The tasks in one of these statuses whose provider can be reached; the others are noted as skipped."""
    statuses = frozenset(statuses)
    stuck: set[str] = set()
    for status, alias, count in _group_by_status(queryset):
        if status not in statuses:
            skipped.add(status, reason, count)
        elif blocker := provider_status.submit_blocker(alias):
            stuck.add(alias)
            skipped.add(status, blocker, count)
    found = queryset.filter(status__in=sorted(statuses)).exclude(provider__in=stuck)
    return cast(GenerationTaskQuerySet, found)


def _group_by_status(queryset: QuerySet[GenerationTask]) -> Iterator[tuple[str, str, int]]:
    """Status, provider alias and number of tasks of every kind there is."""
    yield from queryset.order_by("status", "provider").values_list("status", "provider").annotate(count=Count("pk"))


def _retried(queryset: QuerySet[GenerationTask], request: HttpRequest, skipped: SkipReport) -> Iterator[GenerationTask]:
    for task in queryset:
        try:
            yield GenerationTask.objects.retry(task, owner=request.user, cause=CAUSE)
        except TransitionError as error:
            skipped.add(task.status, str(error))
        except ValidationError as error:
            skipped.add(task.status, " ".join(error.messages))
        except FileNotFoundError:
            skipped.add(task.status, _FILE_GONE)


def _confirm(
    modeladmin: "GenerationTaskAdmin",
    request: HttpRequest,
    queryset: QuerySet[GenerationTask],
    title: str,
    preview: ActionPreview,
) -> TemplateResponse:
    context = {
        **modeladmin.admin_site.each_context(request),
        "title": title,
        "preview": preview,
        "opts": modeladmin.opts,
        "media": modeladmin.media,
        "action_checkbox_name": helpers.ACTION_CHECKBOX_NAME,
        "confirmed": CONFIRMED,
        # What was chosen, handed on as it came: with "select all" the ids stay out of the page.
        "carried": [
            (name, value)
            for name in ("action", "index", "select_across", "stay", helpers.ACTION_CHECKBOX_NAME)
            for value in request.POST.getlist(name)
        ],
    }
    request.current_app = modeladmin.admin_site.name
    return TemplateResponse(request, "seedance/admin/confirm_action.html", context)


def _finish(
    modeladmin: "GenerationTaskAdmin",
    request: HttpRequest,
    report: str,
    done: int,
    skipped: SkipReport,
    made: GenerationTask | None = None,
) -> HttpResponseBase | None:
    """Report, then go back to where the button was: the page of one task, or the list."""
    modeladmin.message_user(request, report, messages.SUCCESS if done else messages.WARNING)
    if skipped.total:
        words = ngettext("%(count)s task was skipped:", "%(count)s tasks were skipped:", skipped.total)
        lines = "; ".join(skipped.lines())
        modeladmin.message_user(request, f"{words % {'count': skipped.total}} {lines}.", messages.WARNING)
    if "stay" not in request.POST:
        return None
    return modeladmin.back_to_task(request, made)
