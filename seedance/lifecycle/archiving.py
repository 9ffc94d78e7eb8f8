"""Bring a finished video home before its link dies."""

import datetime as dt
import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, BinaryIO, cast
from uuid import UUID

from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage
from django.utils import timezone

from .. import conf, translate
from ..exceptions import ArchiveError, ConfigurationError, NotFoundError, ProviderError
from ..measure import measure
from ..models import Attention, GenerationTask, Status, TaskEvent
from ..models.task import result_path
from ..poster import poster_of
from ..provider.container import check_image, check_video
from ..provider.download import Download, download
from ..provider.types import Link
from ..signals import task_archived
from .clients import get_client
from .comparing import differences

logger = logging.getLogger(__name__)

#: Longest pause between two tries. Seconds.
LONGEST_PAUSE = 900.0


#: Tries to get a proper video before one that arrives whole but looks broken is kept, with a flag.
DOUBTS = 2
#: Tries, each with a look for a fresh link, before a video whose link is dead and past its time counts as lost.
GIVE_UP = 5
#: How long a claim holds without a sign of life, and how often a download gives one. Seconds.
CLAIM = 60.0
HEARTBEAT = 5.0


def claim_archivable(pk: UUID | None = None) -> GenerationTask | None:
    """Claim the video whose link dies first, or that of one task; ``None`` when nothing waits."""
    rows = GenerationTask.objects.archivable()
    return next(iter((rows.filter(pk=pk) if pk else rows).claim(1, CLAIM)), None)


def archive(task: GenerationTask, alive: Callable[[], object] = bool) -> bool:
    """Copy a claimed task's files into storage, checked, and write down that they are there.

    Args:
        alive: called every few seconds of a download, besides prolonging the claim.

    Returns:
        True when they are home. False when that failed this time; the row says why and when it is tried again.
    """
    heartbeat = _Heartbeat(task, alive)
    try:
        try:
            files = _fetch(task, heartbeat)
        except ArchiveError as exc:
            if not exc.link_dead or not _renew_link(task):
                raise
            files = _fetch(task, heartbeat)
    except (ArchiveError, ProviderError, ConfigurationError, OSError) as exc:
        _try_again(task, exc)
        return False
    if not _write_down(task, files):
        return False
    logger.info("task archived task=%s bytes=%s", task.pk, task.video_bytes)
    return True


class _Heartbeat:
    """Prolongs the claim while a download goes on, so that a short claim does for a long file."""

    def __init__(self, task: GenerationTask, alive: Callable[[], object]) -> None:
        self._task, self._alive = task, alive
        self._last = time.monotonic()

    def __call__(self) -> None:
        if time.monotonic() - self._last < HEARTBEAT:
            return
        self._last = time.monotonic()
        until = timezone.now() + dt.timedelta(seconds=CLAIM)
        GenerationTask.objects.filter(pk=self._task.pk, lease_owner=self._task.lease_owner).update(lease_until=until)
        self._alive()


def _fetch(task: GenerationTask, heartbeat: Callable[[], None]) -> dict[str, Any]:
    """Download and store what the links lead to; returns the columns that tell of it."""
    with _open_link(task, _link_of(task), heartbeat) as video:
        columns: dict[str, Any] = {"video_bytes": video.bytes, "video_sha256": video.sha256}
        try:
            suffix = check_video(cast(BinaryIO, video.file), video.bytes)
        except ArchiveError as exc:
            if not exc.doubtful or task.archive_attempts < DOUBTS:
                raise
            # It comes like this every time. Rather a strange file at home than a paid one lost with its link.
            suffix = ".mp4"
            columns |= {"attention": Attention.MISMATCH, "attention_detail": str(exc)}
        poster = poster_of(cast(BinaryIO, video.file))
        if differs := differences(task, measure(File(video.file))):
            columns |= {"attention": Attention.MISMATCH, "attention_detail": differs}
        columns["video"] = _store(task, "video", f"{task.pk}{suffix}", File(video.file))
    if poster:
        columns["poster"] = _store(task, "poster", f"{task.pk}-poster.jpg", ContentFile(poster))
    if task.last_frame_url:
        try:
            columns["last_frame"] = _fetch_last_frame(task, heartbeat)
        except ArchiveError as exc:
            if task.archive_attempts < DOUBTS:
                raise
            # The video must not wait for ever for its last picture.
            columns |= {"attention": Attention.MISMATCH, "attention_detail": f"No last frame: {exc}"}
    return columns


def _fetch_last_frame(task: GenerationTask, heartbeat: Callable[[], None]) -> str:
    with _open_link(task, Link(task.last_frame_url), heartbeat) as image:
        suffix = check_image(cast(BinaryIO, image.file))
        return _store(task, "last_frame", f"{task.pk}-last-frame{suffix}", File(image.file))


def _link_of(task: GenerationTask) -> Link:
    """Where the video is: the link in the task, or an address of the host's own."""
    if task.video_url:
        return Link(task.video_url)
    own = get_client(task.provider).own_link(task.provider_task_id)
    if own is None:
        raise ArchiveError("There is no link to the video yet.", link_dead=True)
    return own


def _open_link(task: GenerationTask, link: Link, heartbeat: Callable[[], None]) -> AbstractContextManager[Download]:
    settings = conf.settings()
    return download(
        link.url,
        max_bytes=settings.MAX_VIDEO_BYTES,
        seconds=settings.DOWNLOAD_SECONDS,
        provider_url=_provider_url(task.provider),
        hosts=settings.DOWNLOAD_HOSTS,
        auth=link.auth,
        on_chunk=heartbeat,
    )


def _provider_url(alias: str) -> str:
    """Where the provider lives: links may lead to a private address only there. ``""`` for an alias that left."""
    try:
        return conf.provider(alias).BASE_URL
    except ConfigurationError:
        return ""


def _store(task: GenerationTask, field: str, filename: str, file: File) -> str:
    """Put a file under its fixed name; a leftover of a worker that died there is replaced."""
    storage: Storage = getattr(task, field).storage
    name = result_path(task, filename)
    file.seek(0)
    try:
        if storage.exists(name):
            storage.delete(name)
        return storage.save(name, file)
    except Exception as exc:  # storages are pluggable, and so are their errors
        raise ArchiveError(f"The storage did not take the file ({type(exc).__name__}).") from exc


def _renew_link(task: GenerationTask) -> bool:
    """Ask the provider for a fresh link; never for a second generation."""
    try:
        remote = get_client(task.provider).get_task(task.provider_task_id)
    except NotFoundError:
        return False
    if remote.status != Status.SUCCEEDED or remote.video_url in ("", task.video_url):
        return False
    return task.amend(**translate.link_changes(task, remote))


def _write_down(task: GenerationTask, columns: dict[str, Any]) -> bool:
    rows = GenerationTask.objects.filter(pk=task.pk, status=Status.SUCCEEDED, archived_at=None)
    now = timezone.now()
    home = {"archived_at": now, "updated_at": now, "next_archive_at": None, "lease_owner": "", "lease_until": None}
    settled = {"attention": "", "attention_detail": ""}
    if rows.update(**{**settled, **columns, **home}) != 1:
        return False
    task.refresh_from_db()
    task.note(TaskEvent.What.ARCHIVED, cause="archive", detail=f"{task.video_bytes} bytes, sha256 {task.video_sha256}")
    task_archived.send_robust(sender=GenerationTask, task=task)
    return True


def _try_again(task: GenerationTask, exc: Exception) -> None:
    now = timezone.now()
    attempts = task.archive_attempts + 1
    detail = str(exc) if isinstance(exc, (ArchiveError, ProviderError)) else f"{type(exc).__name__}: {exc}"
    expired = task.video_url_expires_at is not None and task.video_url_expires_at < now
    dead = getattr(exc, "link_dead", False) and expired and attempts >= GIVE_UP
    pause = dt.timedelta(seconds=min(LONGEST_PAUSE, 5.0 * 2 ** min(attempts - 1, 8)))
    changed = task.amend(
        archive_attempts=attempts,
        next_archive_at=None if dead else now + pause,
        lease_owner="",
        lease_until=None,
    )
    if not changed:
        return
    task.note(TaskEvent.What.ARCHIVE_FAILED, cause="archive", detail=detail)
    if dead:
        task.flag(Attention.LOST_MEDIA, cause="archive", detail=detail)
    elif attempts >= 3:
        task.flag(Attention.NO_VIDEO if not task.video_url else Attention.ARCHIVE, cause="archive", detail=detail)
    logger.warning("archive failed task=%s attempt=%d error=%s", task.pk, attempts, type(exc).__name__)
