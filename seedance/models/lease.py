"""Who holds a duty that only one worker should have at a time, and when it last showed a sign of life."""

import datetime as dt
from typing import Self

from django.db import IntegrityError, models, transaction
from django.utils import timezone

#: The lease that every round keeps while it is awake, and that everybody who does its work touches: our sign of life.
from .databases import PrimaryQuerySet

ROUND_LEASE = "round"
#: After so long without a sign of life a duty counts as not being done. Longer than the pause of a job run each minute.
SILENT = dt.timedelta(minutes=3)


class LeaseQuerySet(PrimaryQuerySet["Lease"]):
    """Taking, keeping and looking at leases, each in one statement."""

    def take(self, name: str, holder: str, seconds: float) -> None:
        """Make ``holder`` the one, whoever was before; the former holder learns of it at its next ``keep``."""
        values = {"holder": holder, "until": timezone.now() + dt.timedelta(seconds=seconds)}
        if self.filter(name=name).update(**values):
            return
        try:
            with transaction.atomic(using=self.db):
                self.create(name=name, **values)
        except IntegrityError:
            self.filter(name=name).update(**values)

    def take_if_free(self, name: str, holder: str, seconds: float) -> bool:
        """Make ``holder`` the one if nobody holds the lease now; False when somebody does."""
        now = timezone.now()
        values = {"holder": holder, "until": now + dt.timedelta(seconds=seconds)}
        if self.filter(name=name, until__lte=now).update(**values):
            return True
        try:
            with transaction.atomic(using=self.db):
                self.create(name=name, **values)
        except IntegrityError:
            return False
        return True

    def keep(self, name: str, holder: str, seconds: float) -> bool:
        """Prolong the lease; False when somebody else took it."""
        until = timezone.now() + dt.timedelta(seconds=seconds)
        return self.filter(name=name, holder=holder).update(until=until) == 1

    def release(self, name: str, holder: str) -> None:
        """Give the lease back, if it is still ours."""
        self.filter(name=name, holder=holder).update(holder="", until=timezone.now())

    def touch(self, name: str) -> None:
        """Show a sign of life without holding the lease: whoever holds it is not disturbed."""
        now = timezone.now()
        if self.filter(name=name, until__lt=now).update(until=now) or self.filter(name=name).exists():
            return
        try:
            with transaction.atomic(using=self.db):
                self.create(name=name, holder="", until=now)
        except IntegrityError:
            pass  # somebody else was first, at this moment

    def held(self) -> Self:
        """Leases whose holder showed a sign of life in time."""
        return self.filter(until__gt=timezone.now())

    def is_silent(self, name: str) -> bool:
        """Whether nobody has held or touched the lease for ``SILENT``."""
        return not self.filter(name=name, until__gt=timezone.now() - SILENT).exists()


class Lease(models.Model):
    """A duty, its holder and the moment it lapses."""

    name = models.CharField(max_length=40, primary_key=True)
    holder = models.CharField(max_length=40)
    until = models.DateTimeField()

    objects = LeaseQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
