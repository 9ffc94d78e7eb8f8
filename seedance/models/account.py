"""Accounts at a provider: paused accounts, paused models, and rate limits."""

import datetime as dt
from typing import Any

from django.db import IntegrityError, models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..signals import account_paused
from .after_commit import after_commit
from .databases import PrimaryQuerySet
from .event_text import EventText


class AccountQuerySet(PrimaryQuerySet["Account"]):
    """Pausing and resuming accounts."""

    def paused_aliases(self) -> list[str]:
        """Aliases of accounts that are paused until a person resumes them."""
        return list(self.filter(paused_at__isnull=False).values_list("alias", flat=True))

    def pause(self, alias: str, *, code: str, reason: str) -> bool:
        """Send nothing more through this account. False when it was paused before."""
        values = {"paused_at": timezone.now(), "code": code[:128], "reason": reason}
        self._ensure(alias)
        if self.filter(alias=alias, paused_at=None).update(**values) != 1:
            return False
        account = self.get(alias=alias)
        after_commit(
            lambda: account_paused.report(sender=self.model, account=account), using=self.db, what="account_paused"
        )
        return True

    def resume(self, alias: str) -> bool:
        """Send again. False when it was not paused."""
        return self.filter(alias=alias, paused_at__isnull=False).update(paused_at=None, code="", reason="") == 1

    def _ensure(self, alias: str) -> None:
        if self.filter(alias=alias).exists():
            return
        try:
            with transaction.atomic(using=self.db):
                self.create(alias=alias)
        except IntegrityError:
            pass  # another worker was first


class Account(models.Model):
    """An alias of ``PROVIDERS`` whose sending can be paused, with the reason for people."""

    alias = models.CharField(_("provider"), max_length=50, primary_key=True)
    paused_at = models.DateTimeField(_("paused since"), null=True, editable=False)
    code = models.CharField(_("error code"), max_length=128, blank=True, editable=False)
    reason = models.TextField(_("reason"), blank=True, editable=False)

    objects = AccountQuerySet.as_manager()

    class Meta:
        verbose_name = _("provider account")
        verbose_name_plural = _("provider accounts")

    def __str__(self) -> str:
        return self.alias


class ModelPauseQuerySet(PrimaryQuerySet["ModelPause"]):
    """Pausing and resuming models; a row is a pause."""

    def pause(self, provider: str, model_name: str, *, code: str, reason: str) -> bool:
        """Send nothing more to this model of this account. False when it was paused before."""
        values: dict[str, Any] = {"paused_at": timezone.now(), "code": code[:128], "reason": reason}
        return self.get_or_create(provider=provider, model_name=model_name, defaults=values)[1]

    def resume(self) -> int:
        """Send to these models again. Returns how many were paused."""
        return self.delete()[0]


class ModelPause(models.Model):
    """One model of one account to which nothing is sent, with the reason for people."""

    provider = models.CharField(_("provider"), max_length=50, editable=False)
    model_name = models.CharField(_("model"), max_length=128, editable=False)
    paused_at = models.DateTimeField(_("paused since"), editable=False)
    code = models.CharField(_("error code"), max_length=128, blank=True, editable=False)
    reason = models.TextField(_("reason"), blank=True, editable=False)

    objects = ModelPauseQuerySet.as_manager()

    class Meta:
        ordering = ("provider", "model_name")
        verbose_name = _("paused model")
        verbose_name_plural = _("paused models")
        constraints = (models.UniqueConstraint(fields=["provider", "model_name"], name="seedance_model_pause"),)

    def __str__(self) -> str:
        return f"{self.provider}: {self.model_name}"

    @property
    def detail(self) -> str:
        """The flag's detail of a task that waits for it."""
        return EventText("model_paused", model=self.model_name, reason=self.reason)


class RateLimitQuerySet(PrimaryQuerySet["RateLimit"]):
    """Time slots, kept in one row per limit, so that all workers on all machines share them."""

    def exhausted(self, prefix: str) -> list[str]:
        """Keys with this beginning that have no free slot now."""
        rows = self.filter(key__startswith=prefix, next_slot__gt=timezone.now())
        return list(rows.values_list("key", flat=True))

    def acquire(self, key: str, interval: float, *, burst: float = 0.0) -> float:
        """Take a slot if one is free now.

        Args:
            interval: seconds between two slots.
            burst: seconds' worth of slots that may be taken at once after an idle time.

        Returns:
            0 when it was taken; otherwise the seconds until one is free, and nothing was taken.
        """
        step, slack = dt.timedelta(seconds=interval), dt.timedelta(seconds=burst)
        while True:
            now = timezone.now()
            row = self.filter(key=key).first() or self._created(key, now - slack)
            if row.next_slot > now:
                return (row.next_slot - now).total_seconds()
            slot = max(row.next_slot, now - slack)
            if self.filter(key=key, next_slot=row.next_slot).update(next_slot=slot + step):
                return 0.0

    def postpone(self, key: str, seconds: float) -> None:
        """Block all slots for so many seconds, as the provider asked."""
        until = timezone.now() + dt.timedelta(seconds=seconds)
        if not self.filter(key=key).exists():
            self._created(key, until)
        self.filter(key=key, next_slot__lt=until).update(next_slot=until)

    def _created(self, key: str, start: dt.datetime) -> "RateLimit":
        try:
            with transaction.atomic(using=self.db):
                return self.create(key=key, next_slot=start)
        except IntegrityError:
            return self.get(key=key)


class RateLimit(models.Model):
    """When the next call under one limit may leave."""

    key = models.CharField(max_length=200, primary_key=True)
    next_slot = models.DateTimeField()

    objects = RateLimitQuerySet.as_manager()

    def __str__(self) -> str:
        return self.key
