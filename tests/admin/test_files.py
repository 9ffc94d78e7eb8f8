"""Stored files: who may see them, and how a player reads them."""

import pytest
from django.core.files.base import ContentFile

from .conftest import VIDEO_BYTES, page

SIZE = len(VIDEO_BYTES)


def test_video_is_streamed_whole(operator, stored_task):
    response = operator.get(page("video", stored_task.pk))

    assert response.status_code == 200
    assert response.getvalue() == VIDEO_BYTES
    assert response["Content-Type"] == "video/mp4"
    assert response["Accept-Ranges"] == "bytes"
    assert response["Content-Length"] == str(SIZE)
    assert response["Content-Disposition"].startswith("inline")


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=1000-", 1000, SIZE - 1),
        ("bytes=-5", SIZE - 5, SIZE - 1),
        ("bytes=-99999", 0, SIZE - 1),
        ("bytes=0-99999", 0, SIZE - 1),
    ],
)
def test_video_is_served_in_part(operator, stored_task, asked, first, last):
    response = operator.get(page("video", stored_task.pk), headers={"range": asked})

    assert response.status_code == 206
    assert response["Content-Range"] == f"bytes {first}-{last}/{SIZE}"
    assert response.getvalue() == VIDEO_BYTES[first : last + 1]


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", "bytes=5000-6000", "bytes=-0"])
def test_range_outside_of_the_file_is_refused(operator, stored_task, asked):
    response = operator.get(page("video", stored_task.pk), headers={"range": asked})

    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize(
    "asked", ["bytes=5-1", "bytes=-", "items=0-1", "bytes=0-1,5-6", "bytes=٣-", "bytes=" + "9" * 5000]
)
def test_range_that_makes_no_sense_is_ignored(operator, stored_task, asked):
    response = operator.get(page("video", stored_task.pk), headers={"range": asked})

    assert response.status_code == 200
    assert response.getvalue() == VIDEO_BYTES


@pytest.mark.parametrize(
    ("condition", "status", "length"),
    [('"5e884898"', 206, 2), ('"other"', 200, SIZE), ('W/"5e884898"', 200, SIZE)],
)
def test_range_holds_only_for_the_same_bytes(operator, stored_task, condition, status, length):
    headers = {"range": "bytes=0-1", "if-range": condition}

    response = operator.get(page("video", stored_task.pk), headers=headers)

    assert (response.status_code, len(response.getvalue())) == (status, length)


def test_video_known_to_the_browser_is_not_sent_again(operator, stored_task):
    response = operator.get(page("video", stored_task.pk), headers={"if-none-match": '"5e884898"'})

    assert response.status_code == 304
    assert response["ETag"] == '"5e884898"'


def test_head_returns_only_the_size(operator, stored_task):
    response = operator.head(page("video", stored_task.pk), headers={"range": "bytes=0-1"})

    assert (response.status_code, response.content, response["Content-Length"]) == (200, b"", str(SIZE))


def test_empty_file_has_no_range(operator, stored_task):
    stored_task.video.save("empty.mp4", ContentFile(b""), save=False)
    stored_task.save(update_fields=["video"])

    response = operator.get(page("video", stored_task.pk), headers={"range": "bytes=0-"})

    assert response.status_code == 416


def test_download_asks_the_browser_to_save(operator, stored_task):
    response = operator.get(page("video", stored_task.pk) + "?download")
    response.close()

    assert response["Content-Disposition"].startswith("attachment")


def test_file_that_could_carry_scripts_is_only_ever_saved(operator, make_task):
    task = make_task()
    item = task.media.create(role="first_frame", file=ContentFile(b"<svg/>", name="x.svg"))

    response = operator.get(page("media", task.pk, item.pk))
    response.close()

    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment")
    assert response["X-Content-Type-Options"] == "nosniff"


def test_upload_of_another_task_is_not_found(operator, make_task):
    item = make_task().media.create(role="first_frame", file=ContentFile(b"x", name="x.png"))

    assert operator.get(page("media", make_task().pk, item.pk)).status_code == 404


@pytest.mark.parametrize("name", ["video", "poster", "last_frame"])
def test_missing_file_is_not_found(operator, make_task, name):
    assert operator.get(page(name, make_task().pk)).status_code == 404


def test_file_the_storage_has_lost_is_not_found(operator, stored_task):
    stored_task.video.storage.delete(stored_task.video.name)

    assert operator.get(page("video", stored_task.pk)).status_code == 404


def test_video_is_refused_without_permission(staff_with, stored_task):
    assert staff_with().get(page("video", stored_task.pk)).status_code == 403


def test_video_is_closed_to_anonymous_visitors(client, stored_task):
    assert client.get(page("video", stored_task.pk)).status_code == 302
