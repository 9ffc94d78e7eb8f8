"""Small pieces of a page, each made from one task. Everything from outside is escaped."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from ..models import Attention, GenerationTask, Status
from .presentation import status_style

#: Address of one of a task's files: ``video``, ``poster`` or ``last_frame``.
FileUrl = Callable[[str], str]

#: These move by themselves; their rows are refreshed and show that something is going on.
MOVING = frozenset({Status.PENDING, Status.SUBMITTING, Status.UNCONFIRMED, Status.QUEUED, Status.RUNNING})
_WORKING = MOVING - {Status.UNCONFIRMED}


def is_moving(task: GenerationTask) -> bool:
    """Whether the row may look different in a moment without anybody doing anything."""
    if task.standing_attention == Attention.GONE:
        return False  # it is asked about once in a while, but nobody need wait for that
    return task.status in MOVING or (task.is_being_archived and not task.standing_attention)


def moment(task: GenerationTask) -> str:
    """What the page of a task depends on; once it differs, the page is loaded anew."""
    return f"{task.status} {task.attention} {task.requested_provider_task_id}".strip()


def badge(task: GenerationTask) -> SafeString:
    """The status as icon and word."""
    appearance = status_style(task.status)
    return format_html(
        '<span class="seedance-badge seedance-{}"><span aria-hidden="true">{}</span> {}</span>',
        appearance.color,
        appearance.icon,
        task.get_status_display(),
    )


def state(task: GenerationTask) -> SafeString:
    """Badge, a progress bar that claims nothing while something is going on, and the call for attention."""
    return format_html("{}{}{}", badge(task), _progress(task), _flag(task))


def preview(task: GenerationTask, file_url: FileUrl) -> SafeString | str:
    """A still or the first frame of the stored video; empty while there is neither."""
    if task.poster:
        return format_html('<img class="seedance-thumb" src="{}" alt="" loading="lazy">', file_url("poster"))
    if task.video:
        return format_html(
            '<video class="seedance-thumb" src="{}" preload="metadata" muted></video>', file_url("video")
        )
    return ""


def prompt(task: GenerationTask) -> str:
    """The beginning of the prompt."""
    return Truncator(task.prompt or _("(no prompt)")).chars(90)


def money(amount: Decimal, currency: str) -> str:
    """An amount with its currency, with cents at least and without needless zeros."""
    rounded = amount.quantize(Decimal("0.0001"))
    cents = rounded.quantize(Decimal("0.01"))
    return f"{cents if cents == rounded else rounded} {currency}".strip()


def cost(task: GenerationTask) -> SafeString | str:
    """What the task cost, or else the estimate, marked as one; empty when neither is known."""
    return estimate(task) if task.cost_amount is None else money(task.cost_amount, task.cost_currency)


def estimate(task: GenerationTask) -> SafeString | str:
    """What the task was expected to cost, marked as an estimate; empty when that was not known."""
    if task.estimate_amount is None:
        return ""
    written = money(task.estimate_amount, task.estimate_currency)
    return format_html('<span class="seedance-quiet">≈ {} <small>{}</small></span>', written, _("estimate"))


def age(task: GenerationTask) -> SafeString:
    """How long ago the task was made; the exact time on pointing at it."""
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        task.created_at.isoformat(),
        timezone.localtime(task.created_at).strftime("%Y-%m-%d %H:%M:%S"),
        coarse(task.created_at),
    )


def coarse(since: Any) -> str:
    """A span of time up to now in its largest unit, so that it changes at most once a minute."""
    return _("under a minute") if (timezone.now() - since).total_seconds() < 60 else timesince(since, depth=1)


def size(count: int | None) -> str:
    """A number of bytes as people read it."""
    return "" if count is None else filesizeformat(count)


def value(given: object) -> str:
    """A parameter's value for people."""
    if isinstance(given, bool):
        return _("yes") if given else _("no")
    return given if isinstance(given, str) else pretty(given)


def pretty(value: Any) -> str:
    """A JSON value, indented; still plain text that a template escapes."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def _progress(task: GenerationTask) -> SafeString | str:
    if task.status not in _WORKING or not is_moving(task):
        return ""
    since = coarse(task.submitted_at or task.created_at)
    return format_html(
        '<progress class="seedance-progress" aria-label="{}"></progress><span class="seedance-quiet">{}</span>',
        _("under way"),
        since,
    )


def _flag(task: GenerationTask) -> SafeString | str:
    if not task.needs_attention:
        return ""
    return format_html(
        '<span class="seedance-flag" title="{}"><span aria-hidden="true">⚠</span> {}</span>',
        task.get_attention_display(),
        _("needs attention"),
    )
