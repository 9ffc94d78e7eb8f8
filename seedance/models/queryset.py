"""Questions about many tasks, and claims of their rows."""

import datetime as dt
import uuid
from collections.abc import Iterable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Self

from django.db import connections, transaction
from django.db.models import Exists, F, OuterRef, Q, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from .account import Account, ModelPause
from .after_commit import wake_workers
from .event import TaskEvent
from .event_text import EventText
from .status import ACTIVE, CLOSABLE, FINAL, IN_FLIGHT, MAY_COST, Attention, Status
from .transitions import TransitionsQuerySet

if TYPE_CHECKING:
    from .task import GenerationTask

#: Columns that give the claim of a row back.
UNCLAIMED: dict[str, Any] = {"lease_owner": "", "lease_until": None}

# The conditions of the partial indexes; a query must repeat them literally for the index to serve.
IN_FLIGHT_ROWS = Q(status__in=sorted(IN_FLIGHT))
PENDING_ROWS = Q(status=Status.PENDING)
UNARCHIVED_ROWS = Q(status=Status.SUCCEEDED, archived_at=None)
#: Videos that are stored with a mismatch.
DOUBTED_ROWS = Q(status=Status.SUCCEEDED, archived_at__isnull=False, attention=Attention.MISMATCH) & ~Q(video="")
#: Flags that ``archive_again`` removes; a mismatch of a video that is not stored yet stays.
_ARCHIVE_FLAGS = (Attention.NO_VIDEO, Attention.ARCHIVE, Attention.LOST_MEDIA)

_LOST = Q(attention__in=sorted(CLOSABLE)) | Q(attention="", attention_seen__in=sorted(CLOSABLE))
#: What a person may close as lost; the property ``is_closable`` says the same of one task.
CLOSABLE_ROWS = (IN_FLIGHT_ROWS & _LOST) | Q(status=Status.UNCONFIRMED)


class GenerationTaskQuerySet(TransitionsQuerySet):
    """Sets of tasks by what can be done with them; changes of status come from ``TransitionsQuerySet``."""

    def active(self) -> Self:
        """Tasks that may still change."""
        return self.filter(status__in=sorted(ACTIVE))

    def final(self) -> Self:
        """Tasks that never change again."""
        return self.filter(status__in=sorted(FINAL))

    def in_flight(self) -> Self:
        """Tasks that the provider has and may still change."""
        return self.filter(IN_FLIGHT_ROWS)

    def may_cost(self) -> Self:
        """Tasks that may be running and billed right now."""
        return self.filter(status__in=sorted(MAY_COST))

    def owned_by(self, user: Any) -> Self:
        """The tasks of one user."""
        return self.filter(owner=user)

    def with_owner(self) -> Self:
        """The same tasks, each with its owner; in one query where both are in one database."""
        owner: Any = self.model._meta.get_field("owner")
        return self.select_related("owner") if owner.is_local else self.prefetch_related("owner")

    def ready(self) -> Self:
        """Pending tasks that may be sent now, oldest first."""
        now = timezone.now()
        return self.filter(PENDING_ROWS).filter(Q(not_before=None) | Q(not_before__lte=now)).order_by("pk")

    def sendable(self) -> Self:
        """Tasks whose account and model are not paused."""
        paused = ModelPause.objects.filter(provider=OuterRef("provider"), model_name=OuterRef("model_name"))
        return self.exclude(provider__in=Account.objects.paused_aliases()).exclude(Exists(paused))

    def in_dispatch_order(self, limit: int) -> Self:
        """The next tasks to send: by priority, then one of each owner at a time, then by age."""
        turn = Window(RowNumber(), partition_by=[F("owner"), F("priority")], order_by=F("pk").asc())
        return self.ready().annotate(turn=turn).order_by(F("priority").desc(nulls_last=True), "turn", "pk")[:limit]

    def due(self) -> Self:
        """Tasks at the provider that should be polled now, longest overdue first."""
        return self.filter(IN_FLIGHT_ROWS, next_poll_at__lte=timezone.now()).order_by("next_poll_at")

    def archivable(self) -> Self:
        """Succeeded tasks whose video should be stored now; the link that expires first comes first."""
        now = timezone.now()
        return (
            self.filter(UNARCHIVED_ROWS, next_archive_at__lte=now)
            .filter(Q(lease_until=None) | Q(lease_until__lte=now))
            .order_by("video_url_expires_at")
        )

    def unarchived(self) -> Self:
        """Succeeded tasks whose video is not stored."""
        return self.filter(UNARCHIVED_ROWS)

    def to_archive_again(self) -> Self:
        """Tasks that ``archive_again`` changes: without a stored video, or with a mismatch."""
        return self.filter(UNARCHIVED_ROWS | DOUBTED_ROWS)

    def needing_attention(self) -> Self:
        """Tasks flagged for people."""
        return self.exclude(attention="")

    def closable(self) -> Self:
        """Tasks that a person may close as lost."""
        return self.filter(CLOSABLE_ROWS)

    def awaiting_work(self) -> Self:
        """Tasks that wait for a worker, now or soon: to be sent, or to be polled."""
        return self.filter(status__in=("pending", "queued", "running"))

    def abandoned(self) -> Self:
        """Tasks whose worker died between the claim and the provider's answer."""
        return self.filter(status=Status.SUBMITTING, lease_until__lte=timezone.now())

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        """Django's, with the columns that follow from others."""
        tasks = list(objs)
        for task in tasks:
            task.set_derived()
        return super().bulk_create(tasks, *args, **kwargs)

    def claim(self, limit: int, seconds: float, **changes: Any) -> "list[GenerationTask]":
        """Take up to ``limit`` rows of this set for ``seconds``; no other worker gets them meanwhile.

        Holds on every database: one statement on SQLite, ``SKIP LOCKED`` where it exists, and always a
        conditional UPDATE whose row count decides.

        Args:
            changes: columns to set with the claim, such as the time of the next one; never a status.
        """
        token = uuid.uuid4().hex
        skip_locked = connections[self.db].features.has_select_for_update_skip_locked
        with transaction.atomic(using=self.db) if skip_locked else nullcontext():
            rows = self.select_for_update(skip_locked=True) if skip_locked else self
            keys = list(rows.values_list("pk", flat=True)[:limit])
            until = timezone.now() + dt.timedelta(seconds=seconds)
            self.filter(pk__in=keys).order_by().update(lease_owner=token, lease_until=until, **changes)
        if not keys:
            return []
        return list(self.model._base_manager.using(self.db).filter(pk__in=keys, lease_owner=token).order_by("pk"))

    def release_poll_claim(self) -> None:
        """Release tasks that were claimed for a poll which did not take place."""
        self.filter(IN_FLIGHT_ROWS).update(next_poll_at=timezone.now())

    def poll_now(self) -> int:
        """Make tasks due at once: for a poll those in flight, for archiving those whose video is not stored.

        Returns:
            How many there were.
        """
        now = timezone.now()
        count = self.filter(IN_FLIGHT_ROWS).update(next_poll_at=now)
        count += self.filter(UNARCHIVED_ROWS).update(next_archive_at=now)
        if count:
            wake_workers(self.db)
        return count

    def archive_again(self, *, cause: str, actor: str = "") -> int:
        """Schedule archiving of videos that are not stored, and again of those that are stored with a mismatch.

        Free: the provider is asked for a fresh link where the old one is dead, never for another generation. Attempts
        are counted anew, and the flag is removed. A stored file is kept until the new one is stored.

        Returns:
            How many there were.
        """
        now = timezone.now()
        anew = {"next_archive_at": now, "archive_attempts": 0, "updated_at": now}
        lowered = {"attention": "", "attention_detail": ""}
        with transaction.atomic(using=self.db):
            rows = self.to_archive_again().order_by().select_related(None)
            tasks = list(rows.select_for_update().only("pk", "attention", "archived_at"))
            keys = [task.pk for task in tasks]
            chosen = self.model._base_manager.using(self.db).filter(pk__in=keys)
            chosen.filter(UNARCHIVED_ROWS, attention__in=_ARCHIVE_FLAGS).update(**lowered)
            # A video without a checksum is one that is still to be fetched.
            chosen.filter(DOUBTED_ROWS).update(archived_at=None, video_sha256="", **lowered)
            chosen.update(**anew)
            TaskEvent.objects.using(self.db).bulk_create(
                TaskEvent(
                    task=task,
                    what=TaskEvent.What.NOTE,
                    cause=cause,
                    actor=actor,
                    detail=EventText("archive_again_flagged", reason=task.attention)
                    if task.attention
                    else EventText("archive_again"),
                )
                for task in tasks
            )
            if tasks:
                wake_workers(self.db)
        return len(tasks)
