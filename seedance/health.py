"""Monitoring: whether due work gets done, according to our own rows.

The rows are what counts, because a cluster that hangs still looks alive to its supervisor and to django-q2.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from . import queue
from .catalogue import find_error
from .models import Account, GenerationTask, Lease, ModelPause
from .models.lease import ROUND_LEASE

#: How late the oldest due poll and the oldest task that may be sent may be.
LATE = dt.timedelta(minutes=5)
#: How long before the expiry of its link a video should be archived.
BEFORE_LINK_EXPIRES = dt.timedelta(hours=6)
#: Paused models that are listed at most.
MAX_MODELS = 20


@dataclass(frozen=True)
class Finding:
    """One problem. ``trouble`` means that work is not being done; otherwise it is a warning."""

    code: str
    message: "str | Promise"
    hint: "str | Promise"
    trouble: bool = True

    def __str__(self) -> str:
        return f"{self.message} {self.hint}"


def findings() -> list[Finding]:
    """All problems, worst first. A handful of indexed queries."""
    # A worker without django-q2's schedules, such as seedance_sync, needs none.
    no_worker = () if is_at_work() else (*_schedules(), *_rounds())
    found = [*no_worker, *_late_polls(), *_late_submits(), *_expiring_links(), *_accounts(), *_models()]
    return sorted(found, key=lambda finding: not finding.trouble)


def _schedules() -> Iterator[Finding]:
    if queue.is_installed() and queue.missing_schedules():
        yield Finding(
            "schedules_missing",
            _("The schedule that keeps tasks in step is missing."),
            _("Run “manage.py seedance_schedule”."),
        )


def is_at_work() -> bool:
    """Whether a cluster, a command or the site's own loop has done a part of a round within ``SILENT``."""
    return not Lease.objects.is_silent(ROUND_LEASE)


def _rounds() -> Iterator[Finding]:
    if GenerationTask.objects.awaiting_work().exists():
        yield Finding(
            "no_worker",
            _("Tasks wait, but no worker has shown a sign of life for some minutes."),
            _("Start or restart “manage.py qcluster”, or run “manage.py seedance_sync --every 5”."),
        )


def _late_polls() -> Iterator[Finding]:
    if GenerationTask.objects.due().filter(next_poll_at__lt=timezone.now() - LATE).exists():
        yield Finding(
            "polls_late",
            _("Tasks at the provider have not been asked about for too long."),
            _("Look at the log of the workers; start more of them if they cannot keep up."),
        )


def _late_submits() -> Iterator[Finding]:
    waiting = GenerationTask.objects.ready().sendable()
    if waiting.filter(updated_at__lt=timezone.now() - LATE).exists():
        yield Finding(
            "submits_late",
            _("Pending tasks have been waiting for some minutes although they may leave."),
            _("After a large batch this is normal, at the pace that the provider allows; else look at the workers."),
            trouble=False,
        )


def _expiring_links() -> Iterator[Finding]:
    soon = timezone.now() + BEFORE_LINK_EXPIRES
    waiting = GenerationTask.objects.unarchived().filter(next_archive_at__isnull=False)
    if waiting.filter(video_url_expires_at__lt=soon).exists():
        yield Finding(
            "links_expiring",
            _("Videos are not stored yet, and their links expire soon."),
            _("Run “manage.py seedance_archive” and look at the timelines of these tasks."),
        )


def _accounts() -> Iterator[Finding]:
    for account in Account.objects.filter(paused_at__isnull=False):
        yield Finding(
            "account_paused",
            format_lazy(_("Sending through “{alias}” is paused: {reason}"), alias=account.alias, reason=account.reason),
            format_lazy(
                "{} {}", find_error(account.code).advice, _("Fix the cause, then resume the account in the admin.")
            ),
        )


def _models() -> Iterator[Finding]:
    """Warnings: otherwise any user who may choose a model could raise an alarm."""
    for pause in ModelPause.objects.all()[:MAX_MODELS]:
        yield Finding(
            "model_paused",
            format_lazy(
                _("Sending to the model “{model}” through “{alias}” is paused: {reason}"),
                model=pause.model_name,
                alias=pause.provider,
                reason=pause.reason,
            ),
            format_lazy(
                "{} {}", find_error(pause.code).advice, _("Fix the cause, then resume the model in the admin.")
            ),
            trouble=False,
        )
