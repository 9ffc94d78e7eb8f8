"""Leases: which worker does a job that only one may do at a time, and its last heartbeat."""

import datetime as dt
from typing import Self

from django.db import IntegrityError, models, transaction
from django.utils import timezone

from .databases import PrimaryQuerySet

#: The lease that a running round keeps, and that every other worker touches: the heartbeat of background work.
ROUND_LEASE = "round"
#: Without a heartbeat for so long, a job counts as not running. Longer than the interval of a job run each minute.
SILENT = dt.timedelta(minutes=3)


class LeaseQuerySet(PrimaryQuerySet["Lease"]):
    """Taking, keeping and reading leases, each in one statement."""

    def take(self, name: str, holder: str, seconds: float) -> None:
        """Give the lease to ``holder``, whoever has it; ``keep`` of the former holder then returns False."""
        values = {"holder": holder, "until": timezone.now() + dt.timedelta(seconds=seconds)}
        if self.filter(name=name).update(**values):
            return
        try:
            with transaction.atomic(using=self.db):
                self.create(name=name, **values)
        except IntegrityError:
            self.filter(name=name).update(**values)

    def take_if_free(self, name: str, holder: str, seconds: float) -> bool:
        """Give the lease to ``holder`` if it is free; False when it is not."""
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
        """Extend the lease; False when another holder took it."""
        until = timezone.now() + dt.timedelta(seconds=seconds)
        return self.filter(name=name, holder=holder).update(until=until) == 1

    def release(self, name: str, holder: str) -> None:
        """Release the lease if ``holder`` still has it."""
        self.filter(name=name, holder=holder).update(holder="", until=timezone.now())

    def touch(self, name: str) -> None:
        """Record a heartbeat without taking the lease."""
        now = timezone.now()
        if self.filter(name=name, until__lt=now).update(until=now) or self.filter(name=name).exists():
            return
        try:
            with transaction.atomic(using=self.db):
                self.create(name=name, holder="", until=now)
        except IntegrityError:
            pass  # another worker was first

    def held(self) -> Self:
        """Leases that have not expired."""
        return self.filter(until__gt=timezone.now())

    def is_silent(self, name: str) -> bool:
        """Whether the lease had no heartbeat for ``SILENT``."""
        return not self.filter(name=name, until__gt=timezone.now() - SILENT).exists()


class Lease(models.Model):
    """A job, the worker that holds it, and when the lease expires."""

    name = models.CharField(max_length=40, primary_key=True)
    holder = models.CharField(max_length=40)
    until = models.DateTimeField()

    objects = LeaseQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
