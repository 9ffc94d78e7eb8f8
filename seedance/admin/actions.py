"""The verbs for many tasks. Each touches the rows it may, and reports both numbers: done, and skipped and why."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
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

from .. import conf
from ..exceptions import TransitionError
from ..models import FINAL, Cause, GenerationTask, Status
from ..models.queryset import CLOSABLE_ROWS, GenerationTaskQuerySet
from ..models.status import IN_FLIGHT, UNCANCELLABLE
from . import display, pricing, provider_status, submission
from .detail import host_cancels
from .links import page_url

if TYPE_CHECKING:
    from .task import GenerationTaskAdmin

#: Set by the confirmation page.
CONFIRMED = "confirmed"

#: How many tasks that page spoke of.
EXPECTED = "expected"

#: Who did it, in the timeline.

_NOT_NEW = gettext_lazy("only new tasks can be submitted")
_NOT_IN_FLIGHT = gettext_lazy("the provider does not have it, or has finished with it")
_NOTHING_TO_ARCHIVE = gettext_lazy("there is no finished video that still has to be stored")
_NOT_FINAL = gettext_lazy("it may still end by itself, and a second one would be paid twice")
_NOT_SENT = gettext_lazy("nothing was sent yet; submit it instead")
_CHANGED = gettext_lazy("it was changed after this page was opened; read it again before you send it")
_CANNOT_CANCEL_THERE = gettext_lazy("this provider cannot cancel a task that it has accepted")
_NO_ATTENTION = gettext_lazy("nothing needs attention")
_NOT_LOST = gettext_lazy("the provider has not lost it")
_FILE_GONE = gettext_lazy("an uploaded file is no longer in the storage")


#: How many prompts a confirmation shows.
SHOWN_PROMPTS = 10


@dataclass(frozen=True)
class ActionPreview:
    """How many tasks a verb would do something with, each kind in words, and how many it would leave alone and why."""

    does: list[str]
    skips: list[str]
    #: What is to be paid, in words; empty for those who may not see money.
    price: str = ""
    #: Status and prompt of the first few tasks.
    prompts: list[tuple[str, str]] = field(default_factory=list)
    #: How many tasks there are besides these.
    others: int = 0


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
    """Send what is new; more than one task after showing what that costs."""
    skipped = SkipReport()
    ready = _unchanged(request, _sendable(queryset, {Status.NEW}, _NOT_NEW, skipped), skipped)
    count = ready.count()
    if count > conf.settings().MAX_PAID_SELECTION:
        _say_too_many(modeladmin, request, count)
        return None
    if count > 1 and not _is_confirmed(request, count):
        preview = submit_outlook(ready, skipped, with_cost=modeladmin.sees_cost(request))
        return _confirm(modeladmin, request, _("Submit video tasks"), preview, count)
    done = ready.submit(cause=Cause.ADMIN, actor=request.user.get_username())
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
    done = chosen.archive_again(cause=Cause.ADMIN, actor=request.user.get_username())
    report = ngettext("The video of %(count)s task is fetched.", "The videos of %(count)s tasks are fetched.", done)
    return _finish(modeladmin, request, report % {"count": done}, done, skipped)


@admin.action(permissions=["cancel"], description=gettext_lazy("Cancel selected %(verbose_name_plural)s"))
def cancel_selected(
    modeladmin: "GenerationTaskAdmin", request: HttpRequest, queryset: QuerySet[GenerationTask]
) -> HttpResponseBase | None:
    """Cancel what can be cancelled, after showing what that is."""
    if CONFIRMED not in request.POST:
        return _confirm(modeladmin, request, _("Cancel video tasks"), preview_cancel(queryset))
    skipped, here, there = SkipReport(), 0, 0
    for task in queryset:
        try:
            task.request_cancel(cause=Cause.ADMIN, actor=request.user.get_username())
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
    skipped = SkipReport()
    final = _retryable(queryset, skipped)
    count = final.count()
    if count > conf.settings().MAX_PAID_SELECTION:
        _say_too_many(modeladmin, request, count)
        return None
    if not _is_confirmed(request, count):
        preview = preview_retry(queryset, with_cost=modeladmin.sees_cost(request))
        return _confirm(modeladmin, request, _("Retry video tasks"), preview, count)
    tasks = list(_retried(final, request, skipped))
    made = [task for task, is_new in tasks if is_new]
    report = ngettext("%(count)s new task was made.", "%(count)s new tasks were made.", len(made)) % {
        "count": len(made)
    }
    if before := len(tasks) - len(made):
        words = ngettext(
            "%(count)s task had been made by this confirmation before; it was not made again.",
            "%(count)s tasks had been made by this confirmation before; they were not made again.",
            before,
        )
        report = " ".join([*([report] if made else []), words % {"count": before}])
    return _finish(modeladmin, request, report, len(made), skipped, tasks[0][0] if tasks else None)


@admin.action(permissions=["change"], description=gettext_lazy("Mark selected %(verbose_name_plural)s as seen"))
def mark_seen_selected(
    modeladmin: "GenerationTaskAdmin", request: HttpRequest, queryset: QuerySet[GenerationTask]
) -> HttpResponseBase | None:
    """Lower *needs attention* until something else happens."""
    skipped = SkipReport()
    for status, _alias, count in _group_by_status(queryset.filter(attention="")):
        skipped.add(status, _NO_ATTENTION, count)
    done = _each(
        queryset.exclude(attention=""), skipped, lambda task: task.mark_seen(cause=Cause.ADMIN, actor=_name(request))
    )
    report = ngettext("%(count)s task was marked as seen.", "%(count)s tasks were marked as seen.", done)
    return _finish(modeladmin, request, report % {"count": done}, done, skipped)


@admin.action(permissions=["cancel"], description=gettext_lazy("Close selected %(verbose_name_plural)s as lost"))
def close_selected(
    modeladmin: "GenerationTaskAdmin", request: HttpRequest, queryset: QuerySet[GenerationTask]
) -> HttpResponseBase | None:
    """End what the provider has lost, after saying what that means."""
    if CONFIRMED not in request.POST:
        return _confirm(modeladmin, request, _("Close video tasks as lost"), close_outlook(queryset))
    skipped = SkipReport()
    _skip_what_is_not_lost(queryset, skipped)
    done = _each(
        queryset.filter(CLOSABLE_ROWS),
        skipped,
        lambda task: task.close_as_lost(cause=Cause.ADMIN, actor=_name(request)),
    )
    report = ngettext("%(count)s task was closed as lost.", "%(count)s tasks were closed as lost.", done)
    return _finish(modeladmin, request, report % {"count": done}, done, skipped)


def close_outlook(queryset: QuerySet[GenerationTask]) -> ActionPreview:
    """What *Close as lost* would do with these tasks as they stand now."""
    skipped = SkipReport()
    _skip_what_is_not_lost(queryset, skipped)
    lost = queryset.filter(CLOSABLE_ROWS)
    count = lost.count()
    words = ngettext(
        "%(count)s task ends as failed. It may have been billed, and a video that is still made is not fetched.",
        "%(count)s tasks end as failed. They may have been billed, and videos that are still made are not fetched.",
        count,
    )
    first = [(str(task.get_status_display()), display.prompt(task)) for task in lost.order_by("-pk")[:SHOWN_PROMPTS]]
    others = max(0, count - SHOWN_PROMPTS)
    return ActionPreview([words % {"count": count}] if count else [], skipped.lines(), prompts=first, others=others)


def _skip_what_is_not_lost(queryset: QuerySet[GenerationTask], skipped: SkipReport) -> None:
    for status, _alias, count in _group_by_status(
        queryset.exclude(pk__in=queryset.filter(CLOSABLE_ROWS).order_by().values("pk"))
    ):
        skipped.add(status, _NOT_LOST, count)


def _each(tasks: Iterable[GenerationTask], skipped: SkipReport, verb: Callable[[GenerationTask], None]) -> int:
    """Do something to each task; what is refused is noted as skipped. Returns how many it was done to."""
    done = 0
    for task in tasks:
        try:
            verb(task)
        except TransitionError as error:
            skipped.add(task.status, str(error))
        else:
            done += 1
    return done


def _name(request: HttpRequest) -> str:
    return str(request.user.get_username())


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


def submit_outlook(ready: GenerationTaskQuerySet, skipped: SkipReport, *, with_cost: bool) -> ActionPreview:
    """What *Submit* would do with these new tasks."""
    count = ready.count()
    words = ngettext("%(count)s task is sent.", "%(count)s tasks are sent.", count) % {"count": count}
    return _paid(ready, count, [words], skipped, with_cost=with_cost)


def preview_retry(queryset: QuerySet[GenerationTask], *, with_cost: bool = False) -> ActionPreview:
    """What *Retry* would do with these tasks as they stand now."""
    skipped = SkipReport()
    final = _retryable(queryset, skipped)
    kinds = Counter[str]()
    for status, _alias, count in _group_by_status(final):
        kinds[status] += count
    count = kinds.total()
    words = ngettext(
        "%(count)s new task is made and sent at once. It is paid like any other.",
        "%(count)s new tasks are made and sent at once. They are paid like any others.",
        count,
    )
    lines = [*(_retry_words(Status(status), number) for status, number in kinds.items()), *_free_way(final)]
    return _paid(final, count, [words % {"count": count}, *lines] if count else [], skipped, with_cost=with_cost)


def _free_way(queryset: QuerySet[GenerationTask]) -> list[str]:
    """Says so when some of these tasks are paid already and only lack their stored video."""
    count = cast(GenerationTaskQuerySet, queryset).to_archive_again().count()
    words = ngettext(
        "The video of %(count)s of them is made and paid already: “Archive again” stores it free of charge.",
        "The videos of %(count)s of them are made and paid already: “Archive again” stores them free of charge.",
        count,
    )
    return [words % {"count": count}] if count else []


def _retry_words(status: Status, count: int) -> str:
    values = {"count": count, "status": status.label}
    if status == Status.SUCCEEDED:
        return _("%(count)s %(status)s: the video is there already, and is made once more.") % values
    if status == Status.FAILED:
        return _("%(count)s %(status)s: what was refused for its content is refused again.") % values
    return f"{count} {status.label}."


def _paid(
    tasks: GenerationTaskQuerySet, count: int, does: list[str], skipped: SkipReport, *, with_cost: bool
) -> ActionPreview:
    first = tasks.order_by("-pk")[:SHOWN_PROMPTS]
    return ActionPreview(
        does,
        skipped.lines(),
        price=pricing.total_in_words(tasks) if with_cost and count else "",
        prompts=[(str(task.get_status_display()), display.prompt(task)) for task in first],
        others=max(0, count - SHOWN_PROMPTS),
    )


def _say_too_many(modeladmin: "GenerationTaskAdmin", request: HttpRequest, count: int) -> None:
    """Nothing is paid for by a choice that nobody can have looked through."""
    words = _(
        "%(count)s tasks would be paid for; at most %(most)s can be at a time. Nothing was sent. Narrow the list down "
        "with its filters, or choose page by page."
    )
    values = {"count": f"{count:,}", "most": f"{conf.settings().MAX_PAID_SELECTION:,}"}
    modeladmin.message_user(request, words % values, messages.ERROR)


def _is_confirmed(request: HttpRequest, count: int) -> bool:
    """Whether a person has agreed to pay for so many tasks; more may have come under "select all" since."""
    if CONFIRMED not in request.POST:
        return False
    try:
        return count <= int(request.POST.get(EXPECTED, count))
    except ValueError:
        return False


def _unchanged(request: HttpRequest, ready: GenerationTaskQuerySet, skipped: SkipReport) -> GenerationTaskQuerySet:
    """On the page of a task that was changed since, nothing is sent that the page does not show."""
    seen = submission.seen_at(request)
    if seen is None:
        return ready
    same = ready.filter(updated_at=seen)
    if changed := ready.count() - same.count():
        skipped.add(Status.NEW, _CHANGED, changed)
    return same


def _retryable(queryset: QuerySet[GenerationTask], skipped: SkipReport) -> GenerationTaskQuerySet:
    """The final tasks; of the others, a new one was never sent, and the rest may still end by itself."""
    unsent = queryset.filter(status=Status.NEW).count()
    if unsent:
        skipped.add(Status.NEW, _NOT_SENT, unsent)
    return _sendable(queryset.exclude(status=Status.NEW), FINAL, _NOT_FINAL, skipped)


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


def _retried(
    queryset: QuerySet[GenerationTask], request: HttpRequest, skipped: SkipReport
) -> Iterator[tuple[GenerationTask, bool]]:
    """The tasks of this confirmation, and whether each is new. Safe to be repeated after a cut connection."""
    key = submission.key_of(request)
    for task in queryset:
        make = partial(GenerationTask.objects.retry, task, owner=request.user, cause=Cause.ADMIN)
        try:
            yield submission.create_once(key, request.user, make, source=task.pk)
        except TransitionError as error:
            skipped.add(task.status, str(error))
        except ValidationError as error:
            skipped.add(task.status, " ".join(error.messages))
        except FileNotFoundError:
            skipped.add(task.status, _FILE_GONE)


def _confirm(
    modeladmin: "GenerationTaskAdmin",
    request: HttpRequest,
    title: str,
    preview: ActionPreview,
    expected: int | None = None,
) -> TemplateResponse:
    chosen = request.POST.get(helpers.ACTION_CHECKBOX_NAME, "")
    is_on_page = "stay" in request.POST
    context = {
        **modeladmin.admin_site.each_context(request),
        # Where the person was: on the page of the task, or in the list with its filters.
        "back_url": page_url(modeladmin.admin_site, "change", chosen) if is_on_page else request.get_full_path(),
        "submission_key": submission.key_of(request),
        "expected": expected,
        "title": title,
        "preview": preview,
        "opts": modeladmin.opts,
        "media": modeladmin.media,
        "action_checkbox_name": helpers.ACTION_CHECKBOX_NAME,
        "confirmed": CONFIRMED,
        # What was chosen, handed on as it came: with "select all" the ids stay out of the page.
        "carried": [
            (name, value)
            for name in ("action", "index", "select_across", "stay", submission.SEEN, helpers.ACTION_CHECKBOX_NAME)
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
