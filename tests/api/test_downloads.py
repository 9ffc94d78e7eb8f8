"""Fetching the finished files."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, InMemoryStorage
from django.utils import timezone

from seedance.models import GenerationTask

from .conftest import TASKS, VIDEO_BYTES

pytestmark = pytest.mark.django_db


class SignedStorage(FileSystemStorage):
    """Keeps files elsewhere and gives them out through signed links, as object storage does."""

    def path(self, name):
        raise NotImplementedError

    def url(self, name):
        return f"https://bucket.example.com/{name}?signature=" + "s" * 3000


@pytest.fixture
def address(stored_task):
    return f"{TASKS}{stored_task.pk}/video/"


def content(response):
    return b"".join(response.streaming_content)


def test_video_is_served_whole(api_client, address, stored_task):
    response = api_client.get(address)

    assert (response.status_code, content(response)) == (200, VIDEO_BYTES)
    assert response["Content-Type"] == "video/mp4"
    assert response["Accept-Ranges"] == "bytes"
    assert response["Content-Disposition"] == f'inline; filename="seedance-{stored_task.pk}.mp4"'


def test_video_can_be_saved_under_its_name(api_client, address):
    response = api_client.get(address, {"download": "true"})

    assert response["Content-Disposition"].startswith("attachment; ")
    content(response)


def test_video_is_served_to_players(api_client, address):
    response = api_client.get(address, headers={"Accept": "video/mp4"})

    assert (response.status_code, content(response)) == (200, VIDEO_BYTES)


def test_video_answers_head_without_a_body(api_client, address):
    response = api_client.head(address)

    assert (response.status_code, response.content) == (200, b"")
    assert response["Content-Length"] == str(len(VIDEO_BYTES))


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [("bytes=0-99", 0, 100), ("bytes=100-", 100, None), ("bytes=-50", -50, None), ("bytes=0-999999", 0, None)],
)
def test_video_is_served_in_part(api_client, address, asked, first, end):
    response = api_client.get(address, headers={"Range": asked})

    assert (response.status_code, content(response)) == (206, VIDEO_BYTES[first:end])


def test_video_refuses_a_range_beyond_its_end(api_client, address):
    response = api_client.get(address, headers={"Range": "bytes=999999-"})

    assert (response.status_code, response["Content-Range"]) == (416, f"bytes */{len(VIDEO_BYTES)}")
    assert response.json()["code"] == "range_not_satisfiable"


def test_video_is_resumed_if_it_is_the_same(api_client, address, stored_task):
    headers = {"Range": "bytes=100-", "If-Range": f'"{stored_task.video_sha256}"'}

    response = api_client.get(address, headers=headers)

    assert (response.status_code, content(response)) == (206, VIDEO_BYTES[100:])


def test_video_is_not_resumed_if_it_is_another(api_client, address):
    response = api_client.get(address, headers={"Range": "bytes=100-", "If-Range": '"other"'})

    assert (response.status_code, content(response)) == (200, VIDEO_BYTES)


def test_video_etag_spares_a_second_download(api_client, address, stored_task):
    response = api_client.get(address, headers={"If-None-Match": f'"{stored_task.video_sha256}"'})

    assert response.status_code == 304


@pytest.mark.parametrize("status", ["pending", "running", "succeeded"])
def test_video_that_is_not_stored_yet_is_a_conflict_with_a_time_to_come_back(api_client, make_task, user, status):
    task = make_task(owner=user, status=status)

    response = api_client.get(f"{TASKS}{task.pk}/video/")

    assert (response.status_code, response.json()["code"]) == (409, "not_stored")
    assert response.json()["task"]["status"] == status
    assert int(response["Retry-After"]) >= 1


def test_video_of_a_task_that_nobody_submitted_has_no_time_to_come_back(api_client, make_task, user):
    response = api_client.get(f"{TASKS}{make_task(owner=user).pk}/video/")

    assert (response.status_code, response.json()["code"]) == (409, "not_stored")
    assert "Retry-After" not in response


@pytest.mark.parametrize(
    "columns",
    [
        {"status": "failed"},
        {"status": "cancelled"},
        {"status": "expired"},
        {"status": "succeeded", "attention": "lost_media", "next_archive_at": None},
    ],
    ids=["failed", "cancelled", "expired", "lost"],
)
def test_video_that_will_never_come_is_told_apart(api_client, make_task, user, columns):
    task = make_task(owner=user, **columns)

    response = api_client.get(f"{TASKS}{task.pk}/video/")

    assert (response.status_code, response.json()["code"]) == (409, "no_video")
    assert "Retry-After" not in response


def test_video_is_gone_after_retention(api_client, make_task, user):
    task = make_task(owner=user, status="succeeded", archived_at=timezone.now())

    response = api_client.get(f"{TASKS}{task.pk}/video/")

    assert (response.status_code, response.json()["code"]) == (410, "gone")


def test_video_whose_file_vanished_is_gone(api_client, address, stored_task):
    stored_task.video.storage.delete(stored_task.video.name)

    assert api_client.get(address).status_code == 410


def test_video_in_signed_storage_is_redirected_to(api_client, address, monkeypatch):
    monkeypatch.setattr(GenerationTask._meta.get_field("video"), "storage", SignedStorage())

    response = api_client.get(address)

    assert (response.status_code, response["Location"][:27]) == (302, "https://bucket.example.com/")
    assert "no-store" in response["Cache-Control"]


def test_video_in_a_storage_without_paths_is_streamed(api_client, address, stored_task, monkeypatch):
    storage = InMemoryStorage()
    storage.save(stored_task.video.name, ContentFile(VIDEO_BYTES))
    monkeypatch.setattr(GenerationTask._meta.get_field("video"), "storage", storage)

    response = api_client.get(address, headers={"Range": "bytes=5-9"})

    assert (response.status_code, content(response)) == (206, VIDEO_BYTES[5:10])


def test_last_frame_is_served(api_client, make_task, user):
    task = make_task(
        owner=user, status="succeeded", return_last_frame=True, last_frame=ContentFile(b"png", name="end.png")
    )

    response = api_client.get(f"{TASKS}{task.pk}/last_frame/")

    assert (response.status_code, response["Content-Type"], content(response)) == (200, "image/png", b"png")


def test_last_frame_is_shown_with_its_address(api_client, make_task, user):
    task = make_task(
        owner=user, status="succeeded", return_last_frame=True, last_frame=ContentFile(b"png", name="end.png")
    )

    shown = api_client.get(f"{TASKS}{task.pk}/").json()["last_frame"]

    assert (shown["stored"], shown["url"]) == (True, f"http://testserver{TASKS}{task.pk}/last_frame/")


@pytest.mark.parametrize(
    ("columns", "status"),
    [
        ({"return_last_frame": True}, 409),
        ({"return_last_frame": True, "archived_at": timezone.now(), "video": "boat.mp4"}, 409),
        ({"return_last_frame": True, "archived_at": timezone.now()}, 410),
        ({}, 404),
    ],
    ids=["not stored yet", "never came", "removed", "not asked for"],
)
def test_last_frame_that_is_not_there(api_client, make_task, user, columns, status):
    task = make_task(owner=user, status="succeeded", **columns)

    assert api_client.get(f"{TASKS}{task.pk}/last_frame/").status_code == status
