"""The dead-man switch: whether anybody still does the work, read from our own rows alone.

A cluster that hangs looks alive to its supervisor and to django-q2; what counts is whether due work gets done.
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

#: How late the oldest due look, and the oldest task that may leave, may be.
LATE = dt.timedelta(minutes=5)
#: How long before its link dies a video should be home.
BEFORE_LINK_DIES = dt.timedelta(hours=6)
#: Paused models that are told one by one.
MOST_MODELS = 20


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be. ``trouble`` means that work is not being done; else it is a warning."""

    code: str
    message: "str | Promise"
    hint: "str | Promise"
    trouble: bool = True

    def __str__(self) -> str:
        return f"{self.message} {self.hint}"


def findings() -> list[Finding]:
    """Everything that is not as it should be, worst first; a handful of indexed queries."""
    # Whoever does the rounds without django-q2's schedules, as seedance_sync does, needs none.
    nobody_works = () if is_at_work() else (*_schedules(), *_rounds())
    found = [*nobody_works, *_late_looks(), *_late_sends(), *_dying_links(), *_accounts(), *_models()]
    return sorted(found, key=lambda finding: not finding.trouble)


def _schedules() -> Iterator[Finding]:
    if queue.is_installed() and queue.missing_schedules():
        yield Finding(
            "schedules_missing",
            _("The schedule that keeps tasks in step is missing."),
            _("Run “manage.py seedance_schedule”."),
        )


def is_at_work() -> bool:
    """Whether a cluster, a command or the site's own loop did a round, or a part of one, within ``SILENT``."""
    return not Lease.objects.is_silent(ROUND_LEASE)


def _rounds() -> Iterator[Finding]:
    if GenerationTask.objects.awaiting_work().exists():
        yield Finding(
            "rounds_silent",
            _("Tasks wait, but no worker has shown a sign of life for some minutes."),
            _("Start or restart “manage.py qcluster”, or run “manage.py seedance_sync --every 5”."),
        )


def _late_looks() -> Iterator[Finding]:
    if GenerationTask.objects.due().filter(next_poll_at__lt=timezone.now() - LATE).exists():
        yield Finding(
            "looks_late",
            _("Tasks at the provider have not been asked about for too long."),
            _("Look at the log of the workers; start more of them if they cannot keep up."),
        )


def _late_sends() -> Iterator[Finding]:
    waiting = GenerationTask.objects.ready().sendable()
    if waiting.filter(updated_at__lt=timezone.now() - LATE).exists():
        yield Finding(
            "sends_late",
            _("Pending tasks have been waiting for some minutes although they may leave."),
            _("After a large batch this is normal, at the pace that the provider allows; else look at the workers."),
            trouble=False,
        )


def _dying_links() -> Iterator[Finding]:
    soon = timezone.now() + BEFORE_LINK_DIES
    waiting = GenerationTask.objects.unarchived().filter(next_archive_at__isnull=False)
    if waiting.filter(video_url_expires_at__lt=soon).exists():
        yield Finding(
            "links_dying",
            _("Videos are not home yet, and their links die soon."),
            _("Run “manage.py seedance_archive” and look at the timelines of these tasks."),
        )


def _accounts() -> Iterator[Finding]:
    for account in Account.objects.filter(paused_at__isnull=False):
        yield Finding(
            "account_paused",
            format_lazy(_("Sending through “{alias}” is paused: {reason}"), alias=account.alias, reason=account.reason),
            format_lazy(
                "{} {}", find_error(account.code).advice, _("Mend the cause, then resume the account in the admin.")
            ),
        )


def _models() -> Iterator[Finding]:
    """A warning, since whoever may ask for a model could otherwise turn the monitor red."""
    for pause in ModelPause.objects.all()[:MOST_MODELS]:
        yield Finding(
            "model_paused",
            format_lazy(
                _("Sending to the model “{model}” through “{alias}” is paused: {reason}"),
                model=pause.model_name,
                alias=pause.provider,
                reason=pause.reason,
            ),
            format_lazy(
                "{} {}", find_error(pause.code).advice, _("Mend the cause, then resume the model in the admin.")
            ),
            trouble=False,
        )
