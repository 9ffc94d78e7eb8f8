"""Storages that are slow, that fail, or that outlive their worker: no stored file is lost or fetched twice."""

import datetime as dt
import threading
import time
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage
from django.utils import timezone

from seedance import lifecycle, tasks
from seedance.lifecycle import archiving
from seedance.models import GenerationTask
from seedance.models.results import RESULT_FILES

from ..conftest import content_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


class Killed(BaseException):
    """A worker ends here, whatever it was about to do."""


class Storage(FileSystemStorage):
    """A storage in a directory that calls a function before or after it saves."""

    def __init__(self, location):
        super().__init__(location)
        self.before = self.after = lambda name: None

    def save(self, name, content, max_length=None):
        self.before(name)
        saved = super().save(name, content, max_length)
        self.after(name)
        return saved


@pytest.fixture
def storage(tmp_path, monkeypatch):
    """The storage of all result files."""
    storage = Storage(tmp_path / "results")
    for column in RESULT_FILES:
        monkeypatch.setattr(GenerationTask._meta.get_field(column), "storage", storage)
    monkeypatch.setattr(archiving, "SAVE_PAUSES", (0, 0))
    return storage


@pytest.fixture
def finished(provider, sent, polled, storage):
    """A task whose video and last frame wait at the provider."""
    task = sent(return_last_frame=True)
    provider.finish()
    return polled(task)


def claim_and_archive(task):
    return lifecycle.archive(lifecycle.claim_archivable(task.pk))


def make_due(task):
    """The claim has lapsed, or the pause is over."""
    rows = GenerationTask.objects.filter(pk=task.pk)
    rows.update(next_archive_at=timezone.now(), lease_until=timezone.now() - dt.timedelta(seconds=1))


def stored(storage):
    """Names of all files in the storage."""
    root = Path(storage.location)
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def named(task):
    """Names of the files that the row names."""
    row = GenerationTask.objects.get(pk=task.pk)
    return sorted(name for column in RESULT_FILES if (name := getattr(row, column).name))


def downloads(provider, suffix):
    return sum(heard.path.startswith("/files/") and heard.path.endswith(suffix) for heard in provider.requests)


def failing_at(number, error):
    """Raises at the save of this number, counted from 1, and at no other."""
    saves = iter(range(1, 100))

    def strike(_name):
        if next(saves) == number:
            raise error

    return strike


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(("save", "videos", "frames"), [(1, 2, 1), (2, 1, 1), (3, 1, 2)], ids=RESULT_FILES)
def test_worker_killed_while_it_stores_costs_no_file_and_no_needless_download(
    provider, finished, storage, moment, save, videos, frames
):
    setattr(storage, moment, failing_at(save, Killed()))
    with pytest.raises(Killed):
        claim_and_archive(finished)
    storage.before = storage.after = lambda name: None
    make_due(finished)

    assert claim_and_archive(finished)

    assert len(named(finished)) == 3
    assert stored(storage) == named(finished)
    assert (downloads(provider, ".mp4"), downloads(provider, ".png")) == (videos, frames)


@pytest.mark.parametrize("save", [1, 2, 3], ids=RESULT_FILES)
def test_save_that_fails_once_is_repeated_without_a_download(provider, finished, storage, save):
    storage.before = failing_at(save, OSError("try again"))

    assert claim_and_archive(finished)

    assert stored(storage) == named(finished)
    assert (downloads(provider, ".mp4"), downloads(provider, ".png")) == (1, 1)


def test_storage_that_is_down_for_long_costs_one_download(provider, finished, storage):
    def down(_name):
        raise OSError("down")

    storage.before = down
    for _number in range(6):
        claim_and_archive(finished)
        make_due(finished)
    storage.before = lambda name: None

    assert claim_and_archive(finished)

    assert downloads(provider, ".mp4") == 2


def test_storage_that_is_down_is_asked_less_and_less_and_fills_no_timeline(finished, storage, monkeypatch):
    monkeypatch.setattr(archiving, "SAVE_PAUSES", ())

    def down(_name):
        raise OSError("down")

    storage.before = down
    for _number in range(20):
        claim_and_archive(finished)
        pause = GenerationTask.objects.get(pk=finished.pk).next_archive_at - timezone.now()
        make_due(finished)

    assert pause > dt.timedelta(minutes=59)
    assert finished.events.filter(what="archive_failed").count() == 6
    assert finished.events.filter(what="attention").count() == 1


def test_link_is_not_downloaded_from_until_its_host_refuses(provider, finished, monkeypatch):
    monkeypatch.setattr(archiving, "MAX_DOWNLOADS", 3)
    provider.fault("truncated_mp4", on="download", times=None)
    for _number in range(8):
        claim_and_archive(finished)
        make_due(finished)

    # One try of a broken download is a few requests: it is taken up again where it broke off.
    assert GenerationTask.objects.get(pk=finished.pk).link_downloads == 3


def test_last_frame_that_fails_does_not_lose_the_stored_video(provider, finished, storage):
    GenerationTask.objects.update(last_frame_url=provider.url + "/files/nothing.png")
    provider.fail_next(500, on="get", times=None)

    claim_and_archive(finished)
    row = GenerationTask.objects.get(pk=finished.pk)

    assert (row.archived_at, row.video.name in stored(storage)) == (None, True)
    assert len(row.video_sha256) == 64


def test_link_that_dies_after_the_video_was_stored_loses_nothing(provider, finished, storage):
    storage.before = failing_at(3, Killed())
    with pytest.raises(Killed):
        claim_and_archive(finished)
    storage.before = lambda name: None
    provider.clock.advance(30 * 86_400)
    GenerationTask.objects.update(video_url_expires_at=timezone.now() - dt.timedelta(days=1))

    for _number in range(archiving.GIVE_UP):
        make_due(finished)
        if claim_and_archive(finished):
            break

    row = GenerationTask.objects.get(pk=finished.pk)
    assert (row.archived_at is not None, row.attention) == (True, "mismatch")
    assert storage.exists(row.video.name)
    assert downloads(provider, ".mp4") == 1


@pytest.fixture
def slow(storage, monkeypatch):
    """Saving takes far longer than a claim holds; returns an event that is set once it has begun."""
    monkeypatch.setattr(archiving, "CLAIM", 0.4)
    began = threading.Event()

    def wait(name):
        began.set()
        time.sleep(1.0 if name.endswith(".mp4") else 0)

    storage.before = wait
    return began


def in_thread(verb, *arguments):
    """Run something side by side, on a database connection of its own."""
    answers = []

    def run():
        try:
            answers.append(verb(*arguments))
        finally:
            tasks.connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()

    def answer():
        thread.join(20)
        return answers[0]

    return answer


def test_claim_holds_while_the_storage_is_slow(finished, storage, slow, monkeypatch):
    monkeypatch.setattr(archiving, "HEARTBEAT", 0.1)
    first = in_thread(claim_and_archive, finished)
    assert slow.wait(5)
    time.sleep(0.7)

    other = lifecycle.claim_archivable(finished.pk)

    assert (other, first()) == (None, True)
    assert stored(storage) == named(finished)


def test_two_workers_at_one_video_leave_exactly_the_files_that_the_row_names(finished, storage, slow, monkeypatch):
    monkeypatch.setattr(archiving, "HEARTBEAT", 100)  # the first worker's machine is frozen, its claim lapses
    first = in_thread(claim_and_archive, finished)
    assert slow.wait(5)
    time.sleep(0.5)
    monkeypatch.setattr(archiving, "CLAIM", 60.0)

    second = in_thread(claim_and_archive, finished)

    assert (first(), second()) == (False, True)
    assert len(named(finished)) == 3
    assert stored(storage) == named(finished)


def test_second_worker_that_fails_does_not_take_the_file_of_the_first(finished, storage, slow, monkeypatch):
    monkeypatch.setattr(archiving, "HEARTBEAT", 100)
    first = lifecycle.claim_archivable(finished.pk)
    time.sleep(0.5)
    second = lifecycle.claim_archivable(finished.pk)
    storage.before = lambda name: None
    lifecycle.archive(second)
    storage.before = failing_at(1, OSError("down"))

    lifecycle.archive(first)

    row = GenerationTask.objects.get(pk=finished.pk)
    assert (row.next_archive_at, row.archive_attempts) == (None, 0)
    assert stored(storage) == named(finished)


def test_erasing_a_task_while_its_video_is_stored_leaves_no_file(finished, storage, slow, monkeypatch):
    monkeypatch.setattr(archiving, "HEARTBEAT", 0.1)
    work = in_thread(claim_and_archive, finished)
    assert slow.wait(5)

    finished.erase()

    assert work() is False
    assert stored(storage) == []


def test_erasing_a_task_deletes_files_stored_since_it_was_read(finished, storage):
    storage.before = failing_at(3, Killed())
    with pytest.raises(Killed):
        claim_and_archive(finished)
    assert not finished.video
    assert stored(storage)

    finished.erase()

    assert stored(storage) == []


def test_erasing_a_task_deletes_what_a_killed_worker_left(finished, storage):
    storage.after = failing_at(1, Killed())
    with pytest.raises(Killed):
        claim_and_archive(finished)

    GenerationTask.objects.get(pk=finished.pk).erase()

    assert stored(storage) == []


def test_poster_that_could_not_be_stored_is_made_from_the_stored_video(provider, finished, storage):
    storage.before = failing_at(2, Killed())
    with pytest.raises(Killed):
        claim_and_archive(finished)
    storage.before = lambda name: None
    make_due(finished)

    claim_and_archive(finished)

    assert content_of(GenerationTask.objects.get(pk=finished.pk).poster)[:3] == b"\xff\xd8\xff"
    assert downloads(provider, ".mp4") == 1


BROKEN = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + b"\xff" * 500


@pytest.fixture
def kept_broken(provider, finished, storage):
    """A task whose video always arrived broken, and was kept so."""
    provider.fail_next(200, on="download", body=BROKEN, headers={"Content-Type": "video/mp4"})
    GenerationTask.objects.update(archive_attempts=2, last_frame_url="")
    assert claim_and_archive(finished)
    return GenerationTask.objects.get(pk=finished.pk)


def test_broken_video_is_replaced_by_a_whole_one_without_a_second_payment(provider, kept_broken, storage):
    GenerationTask.objects.archive_again(cause="test")

    assert claim_and_archive(kept_broken)

    row = GenerationTask.objects.get(pk=kept_broken.pk)
    assert (row.attention, len(provider.creates)) == ("", 1)
    assert storage.size(row.video.name) == row.video_bytes > len(BROKEN)
    assert stored(storage) == named(kept_broken)


def test_broken_video_that_cannot_be_had_better_stays_stored(provider, kept_broken, storage):
    provider.clock.advance(30 * 86_400)
    GenerationTask.objects.update(video_url_expires_at=timezone.now() - dt.timedelta(days=1))
    provider.fail_next(403, on="download", times=None)
    GenerationTask.objects.archive_again(cause="test")

    for _number in range(archiving.GIVE_UP):
        make_due(kept_broken)
        claim_and_archive(kept_broken)

    row = GenerationTask.objects.get(pk=kept_broken.pk)
    assert (row.archived_at is not None, row.attention) == (True, "mismatch")
    assert content_of(row.video) == BROKEN
    assert list(GenerationTask.objects.archivable()) == []


def test_video_that_never_gets_a_link_is_given_up_after_a_day(provider, finished):
    GenerationTask.objects.update(
        video_url="", video_url_expires_at=None, archive_attempts=4, finished_at=timezone.now() - dt.timedelta(days=2)
    )
    provider.clock.advance(30 * 86_400)

    claim_and_archive(finished)

    row = GenerationTask.objects.get(pk=finished.pk)
    assert (row.next_archive_at, row.attention) == (None, "no_video")
