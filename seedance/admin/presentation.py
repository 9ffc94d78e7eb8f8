"""What operators read about a task: status styles, parts of a page, prices in words. Text from outside is escaped."""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib.admin import AdminSite
from django.db.models import Count, QuerySet, Sum
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from .. import conf
from ..catalogue import PARAMETERS, Estimate, find_error, format_amount
from ..exceptions import ConfigurationError
from ..models import Attention, GenerationTask, Status


@dataclass(frozen=True)
class StatusStyle:
    """How a status is shown: an icon, a colour and a text. The icon always has its label beside it."""

    icon: str
    #: Suffix of the CSS class: ``quiet``, ``wait``, ``busy``, ``good``, ``bad`` or ``warn``.
    color: str
    #: What the status means, in a sentence or two.
    description: Promise | str


STATUS_STYLES: dict[Status, StatusStyle] = {
    Status.NEW: StatusStyle(
        "✎", "quiet", gettext_lazy("Saved. Nobody has asked to send it yet; nothing has been billed.")
    ),
    Status.PENDING: StatusStyle(
        "…",
        "wait",
        gettext_lazy(
            "Will be sent as soon as a worker is free and the provider's limits allow. Nothing is billed yet."
        ),
    ),
    Status.SUBMITTING: StatusStyle("↑", "busy", gettext_lazy("A worker is handing it to the provider right now.")),
    Status.UNCONFIRMED: StatusStyle(
        "?",
        "warn",
        gettext_lazy(
            "It was sent, but no readable answer came back. It may be running, and it may be billed. It is never sent "
            "again by itself, because that could be paid twice. A callback from the provider settles it. So can "
            "you: look for it in the provider's console."
        ),
    ),
    Status.QUEUED: StatusStyle(
        "≡", "busy", gettext_lazy("The provider has accepted it, and it waits there for its turn.")
    ),
    Status.RUNNING: StatusStyle(
        "▶", "busy", gettext_lazy("The provider is making the video. It cannot be stopped any more and will be billed.")
    ),
    Status.SUCCEEDED: StatusStyle("✓", "good", gettext_lazy("The video is finished and billed.")),
    Status.FAILED: StatusStyle("✕", "bad", gettext_lazy("It ended without a video.")),
    Status.CANCELLED: StatusStyle("⊘", "quiet", gettext_lazy("It was cancelled before it ran.")),
    Status.EXPIRED: StatusStyle(
        "∅", "bad", gettext_lazy("The provider gave up before it was finished. It has to be asked for again.")
    ),
}


def status_style(status: str) -> StatusStyle:
    """The style of a status."""
    return STATUS_STYLES[Status(status)]


def error_meaning(code: str) -> str:
    """What an error code means and what to do about it; empty for no code."""
    if not code:
        return ""
    kind = find_error(code)
    return f"{kind.meaning} {kind.advice}"


def column_label(name: str) -> str:
    """The label of a parameter or a column; for any other name, the name itself."""
    if name in PARAMETERS:
        return str(PARAMETERS[name].label)
    labels: dict[str, Any] = {
        field.name: getattr(field, "verbose_name", "") for field in GenerationTask._meta.get_fields()
    }
    return str(labels.get(name) or name.replace("_", " "))


def page_url(site: AdminSite, page: str, *args: Any) -> str:
    """The address of a page of ``GenerationTask`` on this admin site: ``changelist``, ``change``, ``live``, …"""
    return reverse(f"admin:seedance_generationtask_{page}", args=args, current_app=site.name)


#: Statuses that workers or the provider change; their rows are refreshed and show a progress bar.
_IN_PROGRESS = frozenset({Status.PENDING, Status.SUBMITTING, Status.QUEUED, Status.RUNNING})
_REFRESHED = _IN_PROGRESS | {Status.UNCONFIRMED}


def needs_refresh(task: GenerationTask) -> bool:
    """Whether the page should keep asking for this row, because it may change without an operator."""
    if task.standing_attention == Attention.GONE:
        return False  # it is polled so rarely that no page should wait for it
    return task.status in _REFRESHED or (task.is_being_archived and not task.standing_attention)


def page_version(task: GenerationTask) -> str:
    """The state that the page of a task was rendered for; the page reloads when it changes."""
    return f"{task.status} {task.attention} {task.requested_provider_task_id}".strip()


def badge(task: GenerationTask) -> SafeString:
    """The status as icon and label."""
    style = status_style(task.status)
    return format_html(
        '<span class="seedance-badge seedance-{}"><span aria-hidden="true">{}</span> {}</span>',
        style.color,
        style.icon,
        task.get_status_display(),
    )


def state(task: GenerationTask) -> SafeString:
    """Badge, an indeterminate progress bar while work is in progress, and the attention flag."""
    return format_html("{}{}{}", badge(task), _progress(task), _flag(task))


def preview(task: GenerationTask, site: AdminSite) -> SafeString | str:
    """The poster or the first frame of the stored video; empty without both."""
    if task.poster:
        url = page_url(site, "poster", task.pk)
        return format_html('<img class="seedance-thumb" src="{}" alt="" loading="lazy">', url)
    if task.video:
        url = page_url(site, "video", task.pk)
        return format_html('<video class="seedance-thumb" src="{}" preload="metadata" muted></video>', url)
    return ""


def prompt(task: GenerationTask) -> str:
    """The beginning of the prompt."""
    return Truncator(task.prompt or _("(no prompt)")).chars(90)


def money(amount: Decimal, currency: str) -> str:
    """An amount with two to four decimals and its currency."""
    return f"{format_amount(amount)} {currency}".strip()


def cost(task: GenerationTask) -> SafeString | str:
    """What the task cost, otherwise the estimate marked as one; empty when neither is known."""
    return estimate(task) if task.cost_amount is None else money(task.cost_amount, task.cost_currency)


def estimate(task: GenerationTask) -> SafeString | str:
    """The estimated cost, marked as one; empty when it is not known."""
    if task.estimate_amount is None:
        return ""
    written = money(task.estimate_amount, task.estimate_currency)
    return format_html('<span class="seedance-quiet">≈ {} <small>{}</small></span>', written, _("estimate"))


def age(task: GenerationTask) -> SafeString:
    """How long ago the task was created, with the exact time as tooltip."""
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        task.created_at.isoformat(),
        timezone.localtime(task.created_at).strftime("%Y-%m-%d %H:%M:%S"),
        elapsed(task.created_at),
    )


def elapsed(since: Any) -> str:
    """The time since then in its largest unit, so that the text changes at most once a minute."""
    return _("under a minute") if (timezone.now() - since).total_seconds() < 60 else timesince(since, depth=1)


def size(count: int | None) -> str:
    """A number of bytes in words; empty for ``None``."""
    return "" if count is None else filesizeformat(count)


def value(given: object) -> str:
    """A parameter's value as text."""
    if isinstance(given, bool):
        return _("yes") if given else _("no")
    return given if isinstance(given, str) else pretty(given)


def pretty(value: Any) -> str:
    """A JSON value, indented. Plain text: the template escapes it."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def _progress(task: GenerationTask) -> SafeString | str:
    if task.status not in _IN_PROGRESS or not needs_refresh(task):
        return ""
    since = elapsed(task.submitted_at or task.created_at)
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


def describe_estimate(estimate: Estimate) -> str:
    """One or more sentences, such as *Estimated price: 0.26 USD (108,900 tokens).*"""
    return " ".join([_headline(estimate), *(str(note) for note in estimate.notes)])


def _headline(estimate: Estimate) -> str:
    if estimate.amount is None:
        return _("The price cannot be estimated.")
    values = {"price": money(estimate.amount, estimate.currency), "tokens": f"{estimate.tokens or 0:,}"}
    if estimate.tokens is None:
        return _("Estimated price: %(price)s.") % values
    return _("Estimated price: %(price)s (%(tokens)s tokens).") % values


def describe_total(tasks: QuerySet[GenerationTask]) -> str:
    """The estimated price of these tasks together, such as *Estimated price: 1.05 USD.*"""
    by_currency = tasks.order_by("estimate_currency").values_list("estimate_currency")
    sums = by_currency.annotate(total=Sum("estimate_amount"), known=Count("estimate_amount"), count=Count("pk"))
    amounts, unknown = [], 0
    for currency, total, known, count in sums:
        unknown += count - known
        if total is not None:
            amounts.append(money(total, currency))
    lines = [_("Estimated price: %(price)s.") % {"price": " + ".join(amounts)}] if amounts else []
    if unknown:
        words = ngettext(
            "The price of %(count)s task cannot be estimated.",
            "The price of %(count)s tasks cannot be estimated.",
            unknown,
        )
        lines.append(words % {"count": unknown})
    return " ".join(lines)


def submit_blocker(alias: str) -> str:
    """Why tasks of this provider cannot be sent at present, and what to configure; empty when they can."""
    try:
        key = conf.provider(alias).key
    except ConfigurationError as error:
        return str(error)
    if key:
        return ""
    return _(
        'No API key is configured for the provider "%(alias)s". '
        'Set SEEDANCE["PROVIDERS"]["%(alias)s"]["API_KEY"]; tasks can be saved until then, but not submitted.'
    ) % {"alias": alias}


def submit_blockers() -> list[str]:
    """The blockers of all configured providers; one text when none is configured."""
    return [text for alias in conf.provider_aliases() or ["default"] if (text := submit_blocker(alias))]


def provider_cancels(alias: str) -> bool:
    """Whether the provider behind an alias can cancel a queued task."""
    try:
        return conf.provider(alias).CANCELS
    except ConfigurationError:
        return False
