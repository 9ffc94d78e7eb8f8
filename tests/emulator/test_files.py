"""Signed result links."""

import pytest
import requests


def fetch(url, **headers):
    return requests.get(url, headers=headers, timeout=10)


@pytest.fixture
def link(finished):
    return finished()["content"]["video_url"]


def test_link_serves_the_file(link):
    response = fetch(link)

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "video/mp4"
    assert response.content[4:8] == b"ftyp"
    assert int(response.headers["Content-Length"]) == len(response.content)


def test_link_looks_signed(link):
    assert "X-Tos-Signature=" in link
    assert "X-Tos-Expires=86400" in link


def test_link_stays_the_same_between_queries(ark, finished):
    body = finished()

    assert ark.show(body["id"])["content"] == body["content"]


@pytest.mark.parametrize(
    ("asked", "said", "start", "stop"),
    [("bytes=0-9", "bytes 0-9/", 0, 10), ("bytes=10-", "bytes 10-", 10, None), ("bytes=-7", "", -7, None)],
    ids=["first ten", "from ten on", "last seven"],
)
def test_link_serves_ranges(link, asked, said, start, stop):
    whole = fetch(link).content

    response = fetch(link, Range=asked)

    assert response.status_code == 206
    assert response.content == whole[start:stop]
    assert response.headers["Content-Range"].startswith(said)


def test_range_outside_the_file(link):
    response = fetch(link, Range="bytes=99999999-")

    assert response.status_code == 416


def test_head_is_forbidden(link):
    assert requests.head(link, timeout=10).status_code == 403


def test_authorization_header_breaks_the_link(link):
    assert fetch(link, Authorization="Bearer key").status_code == 403


def test_link_expires_after_a_day(emulator, link):
    emulator.clock.advance(86_402)

    assert fetch(link).status_code == 403


@pytest.mark.parametrize(
    ("old", "new"),
    [("X-Tos-Expires=86400", "X-Tos-Expires=99999999"), ("X-Tos-Signature=", "X-Tos-Signature=0"), (".mp4", ".png")],
    ids=["longer life", "signature", "another file"],
)
def test_tampered_link_is_refused(link, old, new):
    assert fetch(link.replace(old, new)).status_code == 403


def test_link_of_nothing(emulator):
    assert fetch(f"{emulator.url}/files/cgt-unknown/00.mp4").status_code == 404


def test_second_generation_links_wear_out(emulator, finished):
    emulator.configure(download_cap=2)
    link = finished(model="doubao-seedance-2-0-260128")["content"]["video_url"]

    answers = [fetch(link).status_code, fetch(link).status_code, fetch(link).status_code]

    assert answers == [200, 200, 403]


def test_older_links_do_not_wear_out(emulator, link):
    emulator.configure(download_cap=1)

    assert [fetch(link).status_code, fetch(link).status_code] == [200, 200]


def test_link_outlives_the_record(ark, finished):
    body = finished()

    ark.delete(body["id"])

    assert fetch(body["content"]["video_url"]).status_code == 200


def test_last_frame_is_a_png_of_the_same_size(finished):
    body = finished(return_last_frame=True, resolution="480p", ratio="1:1")

    response = fetch(body["content"]["last_frame_url"])

    assert response.headers["Content-Type"] == "image/png"
    assert response.content[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(response.content[16:20], "big") == 640
