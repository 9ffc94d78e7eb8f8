"""Store the files of a finished video before its link dies: one file and its columns at a time.

What is stored is kept and not downloaded again. Only the holder of the claim on the row may change its columns; a file
that cannot be recorded there is deleted.
"""

import datetime as dt
import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, BinaryIO, Self, cast
from uuid import UUID

from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage
from django.db import Error as DatabaseTrouble
from django.db import connections, transaction
from django.db.models import QuerySet
from django.utils import timezone

from .. import conf, translate
from ..exceptions import ArchiveError, ConfigurationError, NotFoundError, ProviderError
from ..media.container import check_image, check_video
from ..media.measure import measure
from ..media.stills import poster_of
from ..models import Attention, Cause, EventText, GenerationTask, Status, TaskEvent
from ..models.after_commit import after_commit
from ..models.queryset import UNCLAIMED
from ..models.results import RESULT_FILES, ResultDirectory, delete_file
from ..provider.download import Download, download
from ..provider.types import Link
from ..signals import task_archived
from . import backoff
from .clients import get_client
from .comparison import differences

logger = logging.getLogger(__name__)

#: Pauses before saving a file once more within the same attempt. Seconds.
SAVE_PAUSES = (1.0, 4.0)
#: Attempts before a video that arrives whole but seems broken is kept, with a flag.
MAX_DOUBTFUL = 2
#: Attempts, each with a request for a fresh link, before a video whose link is dead and expired counts as lost.
GIVE_UP = 5
#: Downloads of one link; 2.x hosts refuse a link after 100. The rest is left for manual use.
MAX_DOWNLOADS = 50
#: How long a claim holds without a heartbeat, and how often there is one. Seconds.
CLAIM = 60.0
HEARTBEAT = 5.0


class _ClaimLost(Exception):
    """Another worker claimed the row, or the row is gone."""


def claim_archivable(pk: UUID | None = None) -> GenerationTask | None:
    """Claim the video whose link dies first, or that of one task; ``None`` when nothing waits."""
    rows = GenerationTask.objects.archivable()
    return next(iter((rows.filter(pk=pk) if pk else rows).claim(1, CLAIM)), None)


def archive(task: GenerationTask, alive: Callable[[], object] = bool) -> bool:
    """Store what a claimed task still lacks: video, poster and last frame, each recorded as soon as it is stored.

    Args:
        alive: called with every heartbeat, from another thread.

    Returns:
        True when all is stored, or given up on. False when this attempt failed; the row says why and when the next
        one is.
    """
    with _Claim(task, alive) as claim:
        try:
            _store_missing(task, claim)
            _complete(task)
        except _ClaimLost:
            logger.info("archive claim lost task=%s", task.pk)
            _clean_up_after_erasure(task)
            return False
        except (ArchiveError, ProviderError, ConfigurationError, OSError) as exc:
            _try_again(task, exc)
            return False
    logger.info("task archived task=%s bytes=%s", task.pk, task.video_bytes)
    return True


class _Claim:
    """Keeps the claim on a row with a heartbeat: a thread with a database connection of its own."""

    def __init__(self, task: GenerationTask, alive: Callable[[], object]) -> None:
        self._using, self._rows, self._alive = task._state.db, _claimed(task), alive
        self._stop, self._lost = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"archive-{task.pk}", daemon=True)

    def __enter__(self) -> Self:
        # Within a transaction no other connection could see the claim, that of this thread neither.
        if not transaction.get_connection(self._using).in_atomic_block:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(CLAIM)

    def check(self) -> None:
        """Stop when the claim is lost.

        Raises:
            _ClaimLost: another worker has the row now.
        """
        if self._lost.is_set():
            raise _ClaimLost

    def _beat(self) -> None:
        try:
            while not self._stop.wait(HEARTBEAT):
                try:
                    if not self._rows.update(lease_until=timezone.now() + dt.timedelta(seconds=CLAIM)):
                        self._lost.set()
                        return
                    self._alive()
                except DatabaseTrouble as exc:
                    logger.warning("archive heartbeat failed error=%s", type(exc).__name__)
                    connections.close_all()
        finally:
            connections.close_all()


# -- What is to be stored ----------------------------------------------------------------------------------------------


def _store_missing(task: GenerationTask, claim: _Claim) -> None:
    if not (task.video and task.video_sha256):
        _prepare_download(task, claim)
        _with_fresh_link(task, lambda: _store_video(task, claim))
    elif not task.poster:
        _store_poster_of_stored_video(task, claim)
    if task.last_frame_url and not task.last_frame:
        _store_last_frame(task, claim)


def _store_video(task: GenerationTask, claim: _Claim) -> None:
    _count_download(task)
    with _open_link(task, _link_of(task), claim) as video:
        suffix, doubt = _suffix_of(task, video)
        poster = poster_of(cast(BinaryIO, video.file))
        differs = differences(task, measure(File(video.file)))
        mismatch = EventText("both", first=doubt, second=differs) if doubt and differs else doubt or differs
        facts = {"video_bytes": video.bytes, "video_sha256": video.sha256}
        _keep(task, claim, "video", suffix, File(video.file), mismatch, **facts)
    _store_poster(task, claim, poster)


def _suffix_of(task: GenerationTask, video: Download) -> tuple[str, str]:
    """The suffix to store a video under, and what is wrong with it."""
    try:
        return check_video(cast(BinaryIO, video.file), video.bytes), ""
    except ArchiveError as exc:
        if not exc.doubtful or task.archive_attempts < MAX_DOUBTFUL:
            raise
        # Every download is like this. A doubtful file in the storage is better than a paid one lost with its link.
        return ".mp4", str(exc)


def _store_poster_of_stored_video(task: GenerationTask, claim: _Claim) -> None:
    """Make the poster that an earlier attempt could not store; needs no download."""
    try:
        with task.video.open("rb") as video:
            poster = poster_of(cast(BinaryIO, video))
    except Exception as exc:  # storages are pluggable, and so are their errors
        logger.info("no poster task=%s error=%s", task.pk, type(exc).__name__)
        return
    _store_poster(task, claim, poster)


def _store_poster(task: GenerationTask, claim: _Claim, poster: bytes | None) -> None:
    try:
        if poster:
            _keep(task, claim, "poster", "-poster.jpg", ContentFile(poster))
    except ArchiveError:
        if task.archive_attempts < MAX_DOUBTFUL:
            raise
        logger.warning("no poster stored task=%s", task.pk)  # the last frame must not wait for it


def _store_last_frame(task: GenerationTask, claim: _Claim) -> None:
    def store() -> None:
        with _open_link(task, Link(task.last_frame_url), claim) as image:
            suffix = check_image(cast(BinaryIO, image.file))
            _keep(task, claim, "last_frame", f"-last-frame{suffix}", File(image.file))

    try:
        if task.archive_attempts:
            _probe(task)
        _with_fresh_link(task, store)
    except (ArchiveError, ProviderError) as exc:
        storage_failed = getattr(exc, "storage_failed", False)
        if task.archive_attempts < MAX_DOUBTFUL or (storage_failed and not _link_is_over(task)):
            raise
        # The video must not wait for ever for its last frame.
        _flag_mismatch(task, EventText("no_last_frame", reason=str(exc)))


# -- Links and downloads -----------------------------------------------------------------------------------------------


def _prepare_download(task: GenerationTask, claim: _Claim) -> None:
    """Check before a download that the storage takes files, and that the link is neither dead nor used up.

    Raises:
        ArchiveError: the download would be useless.
    """
    if task.archive_attempts:
        _probe(task)
    is_used_up = task.link_downloads >= MAX_DOWNLOADS
    if task.video_url and (is_used_up or _link_is_over(task)):
        is_used_up = not _renew_link(task) and is_used_up
    if is_used_up:
        raise ArchiveError(f"The link was downloaded from {task.link_downloads} times and there is no fresh one.")
    claim.check()


def _count_download(task: GenerationTask) -> None:
    if not _write(task, link_downloads=task.link_downloads + 1):
        raise _ClaimLost


def _with_fresh_link(task: GenerationTask, fetch: Callable[[], None]) -> None:
    """Download; if the link turns out to be dead, once more from a fresh one."""
    try:
        fetch()
    except ArchiveError as exc:
        if not exc.link_dead or not _renew_link(task):
            raise
        fetch()


def _link_is_over(task: GenerationTask) -> bool:
    """Whether the link has expired; where there never was one, whether it is long overdue."""
    dies = task.video_url_expires_at or (task.finished_at or task.created_at) + translate.LINK_LIFETIME
    return dies < timezone.now()


def _link_of(task: GenerationTask) -> Link:
    """Where the video is: the link in the task, or an address of the host's own."""
    if task.video_url:
        return Link(task.video_url)
    own = get_client(task.provider).own_link(task.provider_task_id)
    if own is None:
        raise ArchiveError("There is no link to the video yet.", link_dead=True)
    return own


def _open_link(task: GenerationTask, link: Link, claim: _Claim) -> AbstractContextManager[Download]:
    settings = conf.settings()
    return download(
        link.url,
        max_bytes=settings.MAX_VIDEO_BYTES,
        seconds=settings.DOWNLOAD_SECONDS,
        provider_url=_provider_url(task.provider),
        hosts=settings.DOWNLOAD_HOSTS,
        auth=link.auth,
        on_chunk=claim.check,
    )


def _provider_url(alias: str) -> str:
    """The provider's address: links may lead to a private address only there. ``""`` for a removed alias."""
    try:
        return conf.provider(alias).BASE_URL
    except ConfigurationError:
        return ""


def _renew_link(task: GenerationTask) -> bool:
    """Ask the provider for a fresh link. Never generates again."""
    try:
        remote = get_client(task.provider).get_task(task.provider_task_id)
    except NotFoundError:
        return False
    links = (remote.video_url, remote.last_frame_url)
    if remote.status != Status.SUCCEEDED or not remote.video_url or links == (task.video_url, task.last_frame_url):
        return False
    return _write(task, **translate.link_changes(task, remote))


# -- Storage and row ---------------------------------------------------------------------------------------------------


def _keep(
    task: GenerationTask, claim: _Claim, column: str, ending: str, file: File, mismatch: str = "", **facts: Any
) -> None:
    """Store a file and record it on the row, if the claim is still ours; otherwise delete it.

    Raises:
        ArchiveError: the storage failed.
        _ClaimLost: another worker has the row, or it is gone.
    """
    storage: Storage = getattr(task, column).storage
    former = getattr(task, column).name
    claim.check()
    name = _save(task, claim, storage, ending, file)
    # An error in here does not delete the file: the commit may have succeeded although its answer was lost.
    with transaction.atomic(using=task._state.db):
        is_written = _write(task, **{column: name}, **facts)
        if is_written and mismatch:
            _flag_mismatch(task, mismatch)
    if not is_written:
        delete_file(storage, name)
        raise _ClaimLost
    if former and former != name:
        delete_file(storage, former)


def _save(task: GenerationTask, claim: _Claim, storage: Storage, ending: str, file: File) -> str:
    """Save under a name of this claim, with a few attempts; returns the name that the storage gave it."""
    name = _name(task, ending)
    for pause in (*SAVE_PAUSES, None):
        file.seek(0)
        try:
            return storage.save(name, file)
        except Exception as exc:  # storages are pluggable, and so are their errors
            delete_file(storage, name)  # there may be a part of it
            if pause is None:
                raise _storage_error(exc) from exc
        time.sleep(pause)
        claim.check()
    raise AssertionError("not reached")


def _name(task: GenerationTask, ending: str) -> str:
    """A name that is unique to this claim, so that two workers never write to one file."""
    return str(task.video.field.generate_filename(task, f"{task.pk}-{task.lease_owner[:12]}{ending}"))


def _probe(task: GenerationTask) -> None:
    """Save a few bytes, so that a storage that fails costs no download.

    Raises:
        ArchiveError: it failed.
    """
    storage: Storage = task.video.storage
    try:
        name = storage.save(_name(task, ".probe"), ContentFile(b"probe"))
    except Exception as exc:  # storages are pluggable, and so are their errors
        raise _storage_error(exc) from exc
    delete_file(storage, name)


def _storage_error(exc: Exception) -> ArchiveError:
    return ArchiveError(f"The storage did not take the file ({type(exc).__name__}).", storage_failed=True)


def _claimed(task: GenerationTask) -> QuerySet[GenerationTask]:
    """The row of a task while this claim on it holds."""
    rows = GenerationTask.objects.using(task._state.db)
    return rows.filter(pk=task.pk, status=Status.SUCCEEDED, archived_at=None, lease_owner=task.lease_owner)


def _write(task: GenerationTask, **columns: Any) -> bool:
    """Write columns, on the row and on the instance, if the claim is still ours."""
    columns = {"updated_at": timezone.now(), **columns}
    if _claimed(task).update(**columns) != 1:
        return False
    for name, value in columns.items():
        setattr(task, name, value)
    return True


def _flag_mismatch(task: GenerationTask, detail: str) -> None:
    with transaction.atomic(using=task._state.db):
        if not _write(task):  # locks the row, and shows whether the claim holds
            raise _ClaimLost
        task.flag(Attention.MISMATCH, cause=Cause.ARCHIVE, detail=detail)


def _complete(task: GenerationTask) -> None:
    """Record that all is stored, or given up on, and send ``task_archived`` after the commit."""
    cleared = {} if task.attention == Attention.MISMATCH else {"attention": "", "attention_detail": ""}
    stored = {"archived_at": timezone.now(), "next_archive_at": None, **UNCLAIMED}
    # Listed while the claim holds, so that no file of a later claim is among them.
    directory = ResultDirectory.of(task)
    leftovers = directory.leftovers({getattr(task, name).name for name in RESULT_FILES})
    with transaction.atomic(using=task._state.db):
        if not _write(task, **cleared, **stored):
            raise _ClaimLost
        detail = EventText("archived", bytes=task.video_bytes, sha256=task.video_sha256)
        task.note(TaskEvent.What.ARCHIVED, cause=Cause.ARCHIVE, detail=detail)
        after_commit(
            lambda: task_archived.report(sender=GenerationTask, task=task), using=task._state.db, what="task_archived"
        )
    for name in leftovers:
        delete_file(directory.storage, name)


def _clean_up_after_erasure(task: GenerationTask) -> None:
    """Delete the files of a row that was erased meanwhile, also those stored just before."""
    if GenerationTask.objects.using(task._state.db).filter(pk=task.pk).exists():
        return
    for column in RESULT_FILES:
        if name := getattr(task, column).name:
            delete_file(getattr(task, column).storage, name)
    ResultDirectory.of(task).delete()


def _try_again(task: GenerationTask, exc: Exception) -> None:
    """Give the claim back and schedule the next attempt, if any. Writes nothing when the claim is lost."""
    attempts = task.archive_attempts + 1
    detail = str(exc) if isinstance(exc, (ArchiveError, ProviderError)) else f"{type(exc).__name__}: {exc}"
    is_lost = getattr(exc, "link_dead", False) and attempts >= GIVE_UP and _link_is_over(task)
    logger.warning("archive failed task=%s attempt=%d error=%s", task.pk, attempts, type(exc).__name__)
    if is_lost and task.video:
        _keep_former(task, detail)
        return
    policy = backoff.STORAGE if getattr(exc, "storage_failed", False) else backoff.ARCHIVE
    with transaction.atomic(using=task._state.db):
        next_archive_at = None if is_lost else timezone.now() + policy.delay(attempts)
        if not _write(task, archive_attempts=attempts, next_archive_at=next_archive_at, **UNCLAIMED):
            return
        if not (is_lost or attempts < 4 or attempts.bit_count() == 1):
            return  # a timeline of bounded length: 1, 2, 3, 4, 8, 16, …
        task.note(TaskEvent.What.ARCHIVE_FAILED, cause=Cause.ARCHIVE, detail=detail)
        never_linked = not task.video_url
        if is_lost:
            task.flag(Attention.NO_VIDEO if never_linked else Attention.LOST_MEDIA, cause=Cause.ARCHIVE, detail=detail)
        elif attempts >= 3 and task.attention != Attention.MISMATCH:
            task.flag(Attention.NO_VIDEO if never_linked else Attention.ARCHIVE, cause=Cause.ARCHIVE, detail=detail)


def _keep_former(task: GenerationTask, detail: str) -> None:
    """Keep the stored file of a doubtful video that was to be downloaded again and cannot be."""
    try:
        _flag_mismatch(task, EventText("stored_file_kept", reason=detail))
        _complete(task)
    except _ClaimLost:
        logger.info("archive claim lost task=%s", task.pk)
