"""Who holds a duty that only one worker should have at a time, and when it last showed a sign of life."""

import datetime as dt
from typing import Self

from django.db import IntegrityError, models, transaction
from django.utils import timezone

from .databases import PrimaryQuerySet

#: The lease that every round keeps while it is awake: our sign of life.
ROUND = "round"


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
        self.filter(name=name, holder=holder).update(until=timezone.now())

    def held(self) -> Self:
        """Leases whose holder showed a sign of life in time."""
        return self.filter(until__gt=timezone.now())


class Lease(models.Model):
    """A duty, its holder and the moment it lapses."""

    name = models.CharField(max_length=40, primary_key=True)
    holder = models.CharField(max_length=40)
    until = models.DateTimeField()

    objects = LeaseQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
