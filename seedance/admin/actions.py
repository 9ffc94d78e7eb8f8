"""The actions on selected tasks.

Each changes the rows that their status, their provider and the user's permissions allow, and reports how many it
changed and how many it skipped, with the reasons. Paid and irreversible ones show a confirmation page first.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import cast

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from .. import conf, lifecycle
from ..exceptions import TransitionError
from ..models import FINAL, Cause, GenerationTask, Status
from ..models.queryset import CLOSABLE_ROWS, GenerationTaskQuerySet
from ..models.status import IN_FLIGHT, UNCANCELLABLE
from . import presentation, submission
from .permissions import TaskPermissions
from .presentation import page_url

#: Name of the field that the confirmation page sends.
CONFIRMED = "confirmed"

#: Name of the field with the number of tasks that the page showed.
EXPECTED = "expected"

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
_NOT_ALLOWED = gettext_lazy("the policy of this site does not allow you to do this with it")

#: Number of prompts on a confirmation page.
SHOWN_PROMPTS = 10


@dataclass(frozen=True)
class ActionPreview:
    """What an action would do and what it would skip, one sentence per group of tasks."""

    does: list[str]
    skips: list[str]
    #: The estimated price; empty for users who may not see costs.
    price: str = ""
    #: Status and prompt of the first :data:`SHOWN_PROMPTS` tasks.
    prompts: list[tuple[str, str]] = field(default_factory=list)
    #: Number of further tasks.
    others: int = 0


class SkipReport:
    """Counts skipped tasks by status and reason."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, status: str, reason: Promise | str, count: int = 1) -> None:
        """Count skipped tasks of one status."""
        self._counts[(status, str(reason))] += count

    @property
    def total(self) -> int:
        """Number of skipped tasks."""
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
    modeladmin: TaskPermissions, request: HttpRequest, queryset: QuerySet[GenerationTask]
) -> HttpResponseBase | None:
    """Send new tasks; more than one after a confirmation that shows the price."""
    run = _Run(modeladmin, request)
    ready = run.unchanged(run.sendable(queryset, {Status.NEW}, _NOT_NEW))
    if run.is_too_many(ready):
        return None
    ready = run.allowed("submit", ready)
    count = ready.count()
    if count > 1 and not run.is_confirmed(count):
        words = ngettext("%(count)s task is sent.", "%(count)s tasks are sent.", count) % {"count": count}
        return run.confirm(_("Submit video tasks"), run.preview_paid(ready, [words]), count)
    done = ready.submit(cause=Cause.ADMIN, actor=run.actor)
    report = ngettext("%(count)s task will be sent.", "%(count)s tasks will be sent.", done)
    return run.finish(report % {"count": done}, done)


@admin.action(permissions=["sync"], description=gettext_lazy("Re-poll selected %(verbose_name_plural)s"))
def sync_selected(
    modeladmin: TaskPermissions, request: HttpRequest, queryset: QuerySet[GenerationTask]
) -> HttpResponseBase | None:
    """Poll tasks that the provider has accepted."""
    run = _Run(modeladmin, request)
    in_flight = run.sendable(queryset, IN_FLIGHT, _NOT_IN_FLIGHT)
    done = run.allowed("sync", in_flight).poll_now()
    report = ngettext(
        "The provider will be asked about %(count)s task.", "The provider will be asked about %(count)s tasks.", done
    )
    return run.finish(report % {"count": done}, done)


@admin.action(permissions=["sync"], description=gettext_lazy("Archive selected %(verbose_name_plural)s again"))
def archive_selected(
    modeladmin: TaskPermissions, request: HttpRequest, queryset: QuerySet[GenerationTask]
) -> HttpResponseBase | None:
    """Archive finished videos; nothing is generated or paid again."""
    run = _Run(modeladmin, request)
    chosen = cast(GenerationTaskQuerySet, queryset)
    run.skip(chosen.exclude(pk__in=chosen.to_archive_again().values("pk")), _NOTHING_TO_ARCHIVE)
    archivable = run.allowed("sync", chosen.to_archive_again())
    done = archivable.archive_again(cause=Cause.ADMIN, actor=run.actor)
    report = ngettext("The video of %(count)s task is fetched.", "The videos of %(count)s tasks are fetched.", done)
    return run.finish(report % {"count": done}, done)


@admin.action(permissions=["cancel"], description=gettext_lazy("Cancel selected %(verbose_name_plural)s"))
def cancel_selected(
    modeladmin: TaskPermissions, request: HttpRequest, queryset: QuerySet[GenerationTask]
) -> HttpResponseBase | None:
    """Cancel tasks where possible, after a confirmation."""
    run = _Run(modeladmin, request)
    cancellable = run.cancellable(queryset)
    if CONFIRMED not in request.POST:
        return run.confirm(_("Cancel video tasks"), run.preview_cancel(cancellable))
    cancelled = requested = 0
    for task in cancellable:
        try:
            lifecycle.cancel(task, cause=Cause.ADMIN, actor=run.actor)
        except TransitionError as error:
            run.skipped.add(task.status, str(error))
        else:
            is_cancelled = task.status == Status.CANCELLED
            cancelled, requested = cancelled + is_cancelled, requested + (not is_cancelled)
    report = " ".join(_describe_cancel(cancelled, requested)) or _("No task was cancelled.")
    return run.finish(report, cancelled + requested)


@admin.action(permissions=["retry"], description=gettext_lazy("Retry selected %(verbose_name_plural)s"))
def retry_selected(
    modeladmin: TaskPermissions, request: HttpRequest, queryset: QuerySet[GenerationTask]
) -> HttpResponseBase | None:
    """Create new tasks with the same requests, which are paid again, after a confirmation."""
    run = _Run(modeladmin, request)
    final = run.retryable(queryset)
    if run.is_too_many(final):
        return None
    final = run.allowed("retry", final)
    count = final.count()
    if not run.is_confirmed(count):
        return run.confirm(_("Retry video tasks"), run.preview_retry(final), count)
    tasks = list(run.retry(final))
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
    return run.finish(report, len(made), tasks[0][0] if tasks else None)


@admin.action(permissions=["mark_seen"], description=gettext_lazy("Mark selected %(verbose_name_plural)s as seen"))
def mark_seen_selected(
    modeladmin: TaskPermissions, request: HttpRequest, queryset: QuerySet[GenerationTask]
) -> HttpResponseBase | None:
    """Clear the attention flag until there is another reason."""
    run = _Run(modeladmin, request)
    run.skip(queryset.filter(attention=""), _NO_ATTENTION)
    flagged = run.allowed("mark_seen", queryset.exclude(attention=""))
    done = run.each(flagged, lambda task: task.mark_seen(cause=Cause.ADMIN, actor=run.actor))
    report = ngettext("%(count)s task was marked as seen.", "%(count)s tasks were marked as seen.", done)
    return run.finish(report % {"count": done}, done)


@admin.action(permissions=["cancel"], description=gettext_lazy("Close selected %(verbose_name_plural)s as lost"))
def close_selected(
    modeladmin: TaskPermissions, request: HttpRequest, queryset: QuerySet[GenerationTask]
) -> HttpResponseBase | None:
    """Close tasks that the provider has lost, after a confirmation."""
    run = _Run(modeladmin, request)
    run.skip(queryset.exclude(pk__in=queryset.filter(CLOSABLE_ROWS).order_by().values("pk")), _NOT_LOST)
    lost = run.allowed("cancel", queryset.filter(CLOSABLE_ROWS))
    if CONFIRMED not in request.POST:
        return run.confirm(_("Close video tasks as lost"), run.preview_close(lost))
    done = run.each(lost, lambda task: task.close_as_lost(cause=Cause.ADMIN, actor=run.actor))
    report = ngettext("%(count)s task was closed as lost.", "%(count)s tasks were closed as lost.", done)
    return run.finish(report % {"count": done}, done)


@dataclass
class _Run:
    """One run of an action: the request, and the tasks that were skipped so far."""

    modeladmin: TaskPermissions
    request: HttpRequest
    skipped: SkipReport = field(default_factory=SkipReport)

    @property
    def actor(self) -> str:
        """The user, for the timeline."""
        return str(self.request.user.get_username())

    @property
    def _selected_id(self) -> str:
        return self.request.POST.get(helpers.ACTION_CHECKBOX_NAME, "")

    def _task_url(self, task_id: object) -> str:
        return page_url(self.modeladmin.admin_site, "change", task_id)

    def _message(self, text: str, level: int) -> None:
        self.modeladmin.message_user(self.request, text, level)

    # Which of the selected tasks the action may change

    def allowed(self, permission: str, tasks: QuerySet[GenerationTask]) -> GenerationTaskQuerySet:
        """The tasks for which the user has a permission. Reads all rows, so filter by status first."""
        has_permission = getattr(self.modeladmin, f"has_{permission}_permission")
        refused = [task for task in tasks if not has_permission(self.request, task)]
        for task in refused:
            self.skipped.add(task.status, _NOT_ALLOWED)
        if refused:
            tasks = tasks.exclude(pk__in=[task.pk for task in refused])
        return cast(GenerationTaskQuerySet, tasks)

    def is_too_many(self, tasks: GenerationTaskQuerySet) -> bool:
        """Refuse to pay for more than ``MAX_PAID_SELECTION`` tasks at a time, with a message."""
        count, limit = tasks.count(), conf.settings().MAX_PAID_SELECTION
        if count > limit:
            words = _(
                "%(count)s tasks would be paid for; at most %(most)s can be at a time. Nothing was sent. Narrow the "
                "list down with its filters, or choose page by page."
            )
            self._message(words % {"count": f"{count:,}", "most": f"{limit:,}"}, messages.ERROR)
        return count > limit

    def cancellable(self, queryset: QuerySet[GenerationTask]) -> GenerationTaskQuerySet:
        """The tasks whose status allows to cancel them; the others are skipped."""
        statuses = sorted(UNCANCELLABLE)
        for status, _alias, count in _group_by_status(queryset.filter(status__in=statuses)):
            self.skipped.add(status, UNCANCELLABLE[Status(status)], count)
        return self.allowed("cancel", queryset.exclude(status__in=statuses))

    def unchanged(self, ready: GenerationTaskQuerySet) -> GenerationTaskQuerySet:
        """On the page of one task: only if the task is still what the page shows."""
        seen = submission.seen_at(self.request)
        if seen is None:
            return ready
        same = ready.filter(updated_at=seen)
        if changed := ready.count() - same.count():
            self.skipped.add(Status.NEW, _CHANGED, changed)
        return same

    def retryable(self, queryset: QuerySet[GenerationTask]) -> GenerationTaskQuerySet:
        """The final tasks; the others are skipped: a new one was never sent, the rest may still end by themselves."""
        unsent = queryset.filter(status=Status.NEW).count()
        if unsent:
            self.skipped.add(Status.NEW, _NOT_SENT, unsent)
        return self.sendable(queryset.exclude(status=Status.NEW), FINAL, _NOT_FINAL)

    def sendable(
        self, queryset: QuerySet[GenerationTask], statuses: Iterable[Status], reason: Promise
    ) -> GenerationTaskQuerySet:
        """The tasks in one of these statuses whose provider is configured; the others are skipped."""
        statuses = frozenset(statuses)
        blocked: set[str] = set()
        for status, alias, count in _group_by_status(queryset):
            if status not in statuses:
                self.skipped.add(status, reason, count)
            elif blocker := presentation.submit_blocker(alias):
                blocked.add(alias)
                self.skipped.add(status, blocker, count)
        found = queryset.filter(status__in=sorted(statuses)).exclude(provider__in=blocked)
        return cast(GenerationTaskQuerySet, found)

    def skip(self, queryset: QuerySet[GenerationTask], reason: Promise) -> None:
        """Count all tasks of a queryset as skipped."""
        for status, _alias, count in _group_by_status(queryset):
            self.skipped.add(status, reason, count)

    # Changing and reporting

    def retry(self, queryset: QuerySet[GenerationTask]) -> Iterator[tuple[GenerationTask, bool]]:
        """The task for each retry, and whether it is new: a confirmation that is sent twice creates each task once."""
        key = submission.key_of(self.request)
        for task in queryset:
            create = partial(GenerationTask.objects.retry, task, owner=self.request.user, cause=Cause.ADMIN)
            try:
                yield submission.create_once(key, self.request.user, create, source=task.pk)
            except TransitionError as error:
                self.skipped.add(task.status, str(error))
            except ValidationError as error:
                self.skipped.add(task.status, " ".join(error.messages))
            except FileNotFoundError:
                self.skipped.add(task.status, _FILE_GONE)

    def each(self, tasks: Iterable[GenerationTask], change: Callable[[GenerationTask], None]) -> int:
        """Call a function for each task and count the calls; a ``TransitionError`` counts as skipped."""
        done = 0
        for task in tasks:
            try:
                change(task)
            except TransitionError as error:
                self.skipped.add(task.status, str(error))
            else:
                done += 1
        return done

    def finish(self, report: str, done: int, made: GenerationTask | None = None) -> HttpResponseBase | None:
        """Report, then return to the page that the button was on: of one task, or the list."""
        self._message(report, messages.SUCCESS if done else messages.WARNING)
        if self.skipped.total:
            words = ngettext("%(count)s task was skipped:", "%(count)s tasks were skipped:", self.skipped.total)
            lines = "; ".join(self.skipped.lines())
            self._message(f"{words % {'count': self.skipped.total}} {lines}.", messages.WARNING)
        if "stay" not in self.request.POST:
            return None
        return HttpResponseRedirect(self._task_url(made.pk if made else self._selected_id))

    # The confirmation page

    def is_confirmed(self, count: int) -> bool:
        """Whether the user has confirmed this many tasks; "select all" may match more by now."""
        if CONFIRMED not in self.request.POST:
            return False
        try:
            return count <= int(self.request.POST.get(EXPECTED, count))
        except ValueError:
            return False

    def confirm(self, title: str, preview: ActionPreview, expected: int | None = None) -> TemplateResponse:
        """The confirmation page. ``expected`` is the number of paid tasks that it shows."""
        is_on_page = "stay" in self.request.POST
        context = {
            **self.modeladmin.admin_site.each_context(self.request),
            # The page that the button was on: of one task, or the list with its filters.
            "back_url": self._task_url(self._selected_id) if is_on_page else self.request.get_full_path(),
            "submission_key": submission.key_of(self.request),
            "expected": expected,
            "title": title,
            "preview": preview,
            "opts": self.modeladmin.opts,
            "media": self.modeladmin.media,
            "confirmed": CONFIRMED,
            # The selection as it was posted: with "select all" the ids stay out of the page.
            "carried": [
                (name, value)
                for name in ("action", "index", "select_across", "stay", submission.SEEN, helpers.ACTION_CHECKBOX_NAME)
                for value in self.request.POST.getlist(name)
            ],
        }
        self.request.current_app = self.modeladmin.admin_site.name
        return TemplateResponse(self.request, "seedance/admin/confirm_action.html", context)

    def preview_cancel(self, cancellable: GenerationTaskQuerySet) -> ActionPreview:
        cancelled = requested = 0
        for status, alias, count in _group_by_status(cancellable):
            if status != Status.QUEUED:
                cancelled += count
            elif presentation.provider_cancels(alias):
                requested += count
            else:
                self.skipped.add(status, _CANNOT_CANCEL_THERE, count)
        return ActionPreview(_describe_cancel(cancelled, requested, future=True), self.skipped.lines())

    def preview_close(self, lost: GenerationTaskQuerySet) -> ActionPreview:
        count = lost.count()
        words = ngettext(
            "%(count)s task ends as failed. It may have been billed, and a video that is still made is not fetched.",
            "%(count)s tasks end as failed. They may have been billed, and videos that are still made are not fetched.",
            count,
        )
        return self._preview(lost, count, [words % {"count": count}] if count else [])

    def preview_retry(self, final: GenerationTaskQuerySet) -> ActionPreview:
        by_status = Counter[str]()
        for status, _alias, number in _group_by_status(final):
            by_status[status] += number
        count = by_status.total()
        words = ngettext(
            "%(count)s new task is made and sent at once. It is paid like any other.",
            "%(count)s new tasks are made and sent at once. They are paid like any others.",
            count,
        )
        lines = [
            *(_describe_retry(Status(status), number) for status, number in by_status.items()),
            *_free_option(final),
        ]
        return self.preview_paid(final, [words % {"count": count}, *lines] if count else [])

    def preview_paid(self, tasks: GenerationTaskQuerySet, does: list[str]) -> ActionPreview:
        """A preview with the estimated price, for users who may see the cost of all these tasks."""
        sees_cost = self.modeladmin.has_view_cost_permission(self.request) and all(
            self.modeladmin.has_view_cost_permission(self.request, task) for task in tasks
        )
        count = tasks.count()
        return self._preview(tasks, count, does, presentation.describe_total(tasks) if sees_cost and count else "")

    def _preview(self, tasks: GenerationTaskQuerySet, count: int, does: list[str], price: str = "") -> ActionPreview:
        first = tasks.order_by("-pk")[:SHOWN_PROMPTS]
        prompts = [(str(task.get_status_display()), presentation.prompt(task)) for task in first]
        return ActionPreview(does, self.skipped.lines(), price, prompts, max(0, count - SHOWN_PROMPTS))


def _free_option(final: GenerationTaskQuerySet) -> list[str]:
    """Points to *Archive again* if some of these tasks only lack their stored video."""
    count = final.to_archive_again().count()
    words = ngettext(
        "The video of %(count)s of them is made and paid already: “Archive again” stores it free of charge.",
        "The videos of %(count)s of them are made and paid already: “Archive again” stores them free of charge.",
        count,
    )
    return [words % {"count": count}] if count else []


def _describe_retry(status: Status, count: int) -> str:
    values = {"count": count, "status": status.label}
    if status == Status.SUCCEEDED:
        return _("%(count)s %(status)s: the video is there already, and is made once more.") % values
    if status == Status.FAILED:
        return _("%(count)s %(status)s: what was refused for its content is refused again.") % values
    return f"{count} {status.label}."


def _describe_cancel(cancelled: int, requested: int, *, future: bool = False) -> list[str]:
    now = (
        ngettext("%(count)s task is cancelled here and now.", "%(count)s tasks are cancelled here and now.", cancelled)
        if future
        else ngettext("%(count)s task was cancelled.", "%(count)s tasks were cancelled.", cancelled)
    )
    later = ngettext(
        "The provider will be asked to drop %(count)s queued task; it may have started by then.",
        "The provider will be asked to drop %(count)s queued tasks; they may have started by then.",
        requested,
    )
    return [words % {"count": count} for words, count in ((now, cancelled), (later, requested)) if count]


def _group_by_status(queryset: QuerySet[GenerationTask]) -> Iterator[tuple[str, str, int]]:
    """Status, provider alias and number of tasks, per status and alias."""
    yield from queryset.order_by("status", "provider").values_list("status", "provider").annotate(count=Count("pk"))
