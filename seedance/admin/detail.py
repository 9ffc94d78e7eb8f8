"""The context of the page of one task."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ..catalogue import PARAMETERS, current_catalogue, host_of
from ..exceptions import ConfigurationError
from ..models import Attention, GenerationTask, Status
from . import presentation
from .presentation import column_label, error_meaning, status_style

#: Callbacks on the page of their task at most.
SHOWN_CALLBACKS = 5


@dataclass(frozen=True)
class Verb:
    """A button: the list action that it posts, its label, and the permission that it needs for the task."""

    action: str
    label: Promise
    permission: str


SUBMIT = Verb("submit_selected", _("Submit"), "submit")
SYNC = Verb("sync_selected", _("Re-poll now"), "sync")
ARCHIVE_AGAIN = Verb("archive_selected", _("Archive again"), "sync")
CANCEL = Verb("cancel_selected", _("Cancel…"), "cancel")
RETRY = Verb("retry_selected", _("Retry…"), "retry")
MARK_SEEN = Verb("mark_seen_selected", _("Mark as seen"), "mark_seen")
CLOSE = Verb("close_selected", _("Close as lost…"), "cancel")


@dataclass(frozen=True)
class Compared:
    """One parameter: as requested, and as the provider reports it."""

    label: str
    asked: object
    made: object

    @property
    def as_text(self) -> tuple[str, str]:
        """Both values as text."""
        return presentation.value(self.asked), presentation.value(self.made)

    @property
    def differs(self) -> bool:
        """Whether the two differ, unless the request left the choice to the provider."""
        return not (self.asked in ("", -1, "adaptive") or self.made == "" or self.asked == self.made)


def possible_verbs(task: GenerationTask) -> list[Verb]:
    """The verbs that the state of a task allows, whatever the user's permissions."""
    verbs = []
    if task.status == Status.NEW:
        verbs.append(SUBMIT)
    if task.is_in_flight:
        verbs.append(SYNC)
    if task.status in (Status.NEW, Status.PENDING) or (
        task.status == Status.QUEUED and presentation.provider_cancels(task.provider)
    ):
        verbs.append(CANCEL)
    if task.can_archive_again:  # free of charge, so before the retry that is paid
        verbs.append(ARCHIVE_AGAIN)
    if task.is_final:
        verbs.append(RETRY)
    if task.attention and task.attention != Attention.PAUSED:
        verbs.append(MARK_SEEN)
    if task.is_closable:
        verbs.append(CLOSE)
    return verbs


def get_task_context(task: GenerationTask, verbs: Sequence[Verb], *, with_cost: bool) -> dict[str, Any]:
    """What the template shows about a task.

    Args:
        verbs: the buttons.
        with_cost: whether the user may see what the task costs.
    """
    return {
        "task": task,
        "status_style": status_style(task.status),
        "blocker": presentation.submit_blocker(task.provider) if task.status in (Status.NEW, Status.PENDING) else "",
        "verbs": verbs,
        "needs_refresh": presentation.needs_refresh(task),
        "version": presentation.page_version(task),
        "badge": presentation.state(task),
        "dimensions": dimensions(task),
        "video_size": presentation.size(task.video_bytes),
        "error_meaning": error_meaning(task.error_code),
        "charged": task.get_error_charged_display() if task.is_final else "",
        "cost": presentation.cost(task) if with_cost else "",
        "estimate": presentation.estimate(task) if with_cost and task.cost_amount is not None else "",
        "comparison": comparison(task),
        "given_media": list(task.media.all()),
        "events": list(task.events.all()),
        "retries": list(task.retries.all()),
        "raw": "" if task.raw is None else presentation.pretty(task.raw),
        **_callbacks(task),
    }


def _callbacks(task: GenerationTask) -> dict[str, Any]:
    """The newest callbacks without their bodies, and how many there are."""
    newest = list(task.callbacks.defer("body")[:SHOWN_CALLBACKS])
    count = len(newest) if len(newest) < SHOWN_CALLBACKS else task.callbacks.count()
    return {"callbacks": newest, "callback_count": count}


def comparison(task: GenerationTask) -> list[Compared]:
    """Every parameter that was requested or that the provider reports."""
    asked = task.parameters
    made = task.result if isinstance(task.result, dict) else {}
    names = [name for name in PARAMETERS if name in asked or name in made]
    names += [name for name in made if name not in names]
    return [Compared(column_label(name), asked.get(name, ""), made.get(name, "")) for name in names]


def dimensions(task: GenerationTask) -> tuple[int, int] | None:
    """Width and height of the video in pixels according to the catalogue, which reserves the space on the page."""
    made: dict[str, Any] = {**task.parameters, **(task.result if isinstance(task.result, dict) else {})}
    try:
        row = current_catalogue().nearest(task.model_name, host_of(task.provider))
    except ConfigurationError:
        return None
    return row.size(str(made.get("resolution")), str(made.get("ratio"))) if row else None
