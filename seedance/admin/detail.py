"""What the page of one task shows beside its form."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .. import conf, intake
from ..catalogue.inputs import PARAMETERS
from ..exceptions import ConfigurationError
from ..models import Attention, GenerationTask, Status
from . import display, provider_status
from .presentation import column_label, error_meaning, status_style

#: How many callbacks stand on the page of their task.
SHOWN_CALLBACKS = 5


@dataclass(frozen=True)
class Verb:
    """A button: the list action behind it and its label."""

    action: str
    label: Promise


SUBMIT = Verb("submit_selected", _("Submit"))
SYNC = Verb("sync_selected", _("Re-poll now"))
ARCHIVE_AGAIN = Verb("archive_selected", _("Archive again"))
CANCEL = Verb("cancel_selected", _("Cancel…"))
RETRY = Verb("retry_selected", _("Retry…"))
MARK_SEEN = Verb("mark_seen_selected", _("Mark as seen"))
CLOSE = Verb("close_selected", _("Close as lost…"))


@dataclass(frozen=True)
class Compared:
    """One parameter: as asked for, and as the provider says it made it."""

    label: str
    asked: object
    made: object

    @property
    def as_text(self) -> tuple[str, str]:
        """What was asked and what was made, for people."""
        return display.value(self.asked), display.value(self.made)

    @property
    def differs(self) -> bool:
        """Whether the provider made something else; what it was free to choose does not count."""
        return not (self.asked in ("", -1, "adaptive") or self.made == "" or self.asked == self.made)


def possible_verbs(task: GenerationTask) -> list[Verb]:
    """What can be done with a task as it stands, whoever may do it."""
    verbs = []
    if task.status == Status.NEW:
        verbs.append(SUBMIT)
    if task.is_in_flight:
        verbs.append(SYNC)
    if task.status in (Status.NEW, Status.PENDING) or (task.status == Status.QUEUED and host_cancels(task.provider)):
        verbs.append(CANCEL)
    if task.can_archive_again:  # the free way stands before the one that is paid again
        verbs.append(ARCHIVE_AGAIN)
    if task.is_final:
        verbs.append(RETRY)
    if task.attention and task.attention != Attention.PAUSED:
        verbs.append(MARK_SEEN)
    if task.is_closable:
        verbs.append(CLOSE)
    return verbs


def host_cancels(alias: str) -> bool:
    """Whether the provider behind an alias can drop a queued task."""
    try:
        return conf.provider(alias).CANCELS
    except ConfigurationError:
        return False


def get_task_context(task: GenerationTask, allowed: Collection[str], *, with_cost: bool) -> dict[str, Any]:
    """Everything the template needs to know about a task.

    Args:
        allowed: names of the list actions this person may use.
        with_cost: whether this person may see money.
    """
    return {
        "task": task,
        "status_style": status_style(task.status),
        "blocker": provider_status.submit_blocker(task.provider) if task.status in (Status.NEW, Status.PENDING) else "",
        "verbs": [verb for verb in possible_verbs(task) if verb.action in allowed],
        "is_moving": display.is_moving(task),
        "moment": display.moment(task),
        "badge": display.state(task),
        "dimensions": dimensions(task),
        "video_size": display.size(task.video_bytes),
        "error_meaning": error_meaning(task.error_code),
        "charged": task.get_error_charged_display() if task.is_final else "",
        "cost": display.cost(task) if with_cost else "",
        "estimate": display.estimate(task) if with_cost and task.cost_amount is not None else "",
        "comparison": comparison(task),
        "given_media": list(task.media.all()),
        "events": list(task.events.all()),
        "retries": list(task.retries.all()),
        "raw": "" if task.raw is None else display.pretty(task.raw),
        **_callbacks(task),
    }


def _callbacks(task: GenerationTask) -> dict[str, Any]:
    """The newest callbacks without their bodies, and how many there are."""
    newest = list(task.callbacks.defer("body")[:SHOWN_CALLBACKS])
    count = len(newest) if len(newest) < SHOWN_CALLBACKS else task.callbacks.count()
    return {"callbacks": newest, "callback_count": count}


def comparison(task: GenerationTask) -> list[Compared]:
    """Every parameter that was asked for or that the provider reports."""
    asked = task.parameters
    made = task.result if isinstance(task.result, dict) else {}
    names = [name for name in PARAMETERS if name in asked or name in made]
    names += [name for name in made if name not in names]
    return [Compared(column_label(name), asked.get(name, ""), made.get(name, "")) for name in names]


def dimensions(task: GenerationTask) -> tuple[int, int] | None:
    """Width and height of the video in pixels as the catalogue has them, so that the page does not jump."""
    made: dict[str, Any] = {**task.parameters, **(task.result if isinstance(task.result, dict) else {})}
    try:
        row = intake.current_catalogue().nearest(task.model_name, intake.host_of(task.provider))
    except ConfigurationError:
        return None
    return row.size(str(made.get("resolution")), str(made.get("ratio"))) if row else None
