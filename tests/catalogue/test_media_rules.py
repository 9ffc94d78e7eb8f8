"""Media go together, are not too many, and can be fetched and used."""

import pytest

from seedance.catalogue import MediaInput

from .asking import advised, found, medium, upload

FIRST, LAST = medium("first_frame"), medium("last_frame")
IMAGE, VIDEO, AUDIO = medium("reference_image"), medium("reference_video"), medium("reference_audio")
PIXEL = "data:image/png;base64,iVBORw0KGgo="


@pytest.mark.parametrize(
    ("family", "media"),
    [
        ("1.0 pro", [FIRST]),
        ("1.0 pro", [FIRST, LAST]),
        ("1.0 pro fast", [FIRST]),
        ("1.0 lite i2v", [IMAGE] * 4),
        ("1.5 pro", [LAST, FIRST]),
        ("2.0", [IMAGE] * 9),
        ("2.0", [VIDEO] * 3),
        ("2.0 mini", [IMAGE, AUDIO, AUDIO, AUDIO]),
        ("2.0 fast", [VIDEO, AUDIO]),
        ("2.0", [IMAGE, VIDEO, AUDIO]),
        ("2.5", [IMAGE] * 30 + [VIDEO] * 10 + [AUDIO] * 10),
        ("2.5", [AUDIO]),
    ],
)
def test_media_that_the_model_takes_are_accepted(family, media):
    assert found(family, media=media) == []


@pytest.mark.parametrize(
    ("family", "media", "violation"),
    [
        ("1.0 lite t2v", [FIRST], ("media", "mode_not_supported")),
        ("1.0 lite i2v", [], ("media", "mode_not_supported")),
        ("1.0 pro fast", [FIRST, LAST], ("media", "mode_not_supported")),
        ("1.5 pro", [IMAGE], ("media", "mode_not_supported")),
        ("1.0 lite i2v", [IMAGE] * 5, ("media", "too_many_media")),
        ("1.0 lite i2v", [VIDEO], ("media", "too_many_media")),
        ("2.0", [IMAGE] * 10, ("media", "too_many_media")),
        ("2.0", [VIDEO] * 4, ("media", "too_many_media")),
        ("2.0", [IMAGE, *[AUDIO] * 4], ("media", "too_many_media")),
        ("2.5", [IMAGE] * 31, ("media", "too_many_media")),
        ("2.0", [AUDIO], ("media", "audio_alone")),
        ("2.0", [FIRST, IMAGE], ("media", "roles_mixed")),
        ("2.0", [FIRST, VIDEO], ("media", "roles_mixed")),
        ("1.5 pro", [LAST], ("media", "first_frame_missing")),
        ("1.5 pro", [FIRST, FIRST], ("media[1].role", "role_repeated")),
        ("1.5 pro", [FIRST, LAST, LAST], ("media[2].role", "role_repeated")),
        ("1.5 pro", [MediaInput("", "https://a.example.com/")], ("media[0].role", "role_missing")),
        ("1.5 pro", [FIRST, MediaInput("end_frame", "https://a.example.com/")], ("media[1].role", "role_unknown")),
    ],
)
def test_media_that_the_model_does_not_take_are_refused(family, media, violation):
    assert found(family, media=media) == [violation]


@pytest.mark.parametrize(
    ("role", "url"),
    [
        ("first_frame", "http://cdn.example.com/a.png"),
        ("first_frame", "https://cdn.example.com:8443/a%20b.png?x=1&y=%E8%88%B9#z"),
        ("first_frame", PIXEL),
        ("first_frame", "asset://asset-20260224200602-qn7wr"),
        ("reference_video", "asset://asset-1"),
        ("reference_audio", "data:audio/mp3;base64,SUQz"),
        ("reference_audio", "data:audio/wav;base64,UklGRg=="),
    ],
)
def test_address_the_provider_can_fetch_is_accepted(role, url):
    assert ("media[0].url", "url_scheme") not in found("2.5", media=[medium(role, url)])
    assert [place for place, _code in found("2.5", media=[medium(role, url)])] == []


@pytest.mark.parametrize(
    ("role", "url", "code"),
    [
        ("first_frame", "ftp://cdn.example.com/a.png", "url_scheme"),
        ("first_frame", "/media/a.png", "url_scheme"),
        ("first_frame", "file:///etc/passwd", "url_scheme"),
        ("reference_video", "data:video/mp4;base64,AAAA", "url_scheme"),
        ("first_frame", "https://", "url_invalid"),
        ("first_frame", "https:///a.png", "url_invalid"),
        ("first_frame", "https://cdn.example.com/a b.png", "url_invalid"),
        ("first_frame", "https://cdn.example.com/船.png", "url_invalid"),
        ("first_frame", "https://[::1/a.png", "url_invalid"),
        ("first_frame", "https://cdn.example.com:port/a.png", "url_invalid"),
        ("first_frame", "asset://", "url_invalid"),
        ("first_frame", "asset://a b", "url_invalid"),
        ("first_frame", "data:image/PNG;base64,iVBORw0KGgo=", "url_data"),
        ("first_frame", "data:image/svg+xml;base64,AAAA", "url_data"),
        ("first_frame", "data:audio/mp3;base64,AAAA", "url_data"),
        ("first_frame", "data:image/png,AAAA", "url_data"),
        ("reference_audio", "data:audio/ogg;base64,AAAA", "url_data"),
        ("first_frame", "data:image/png;base64,", "url_invalid"),
        ("first_frame", "data:image/png;base64,AAA", "url_invalid"),
        ("first_frame", "data:image/png;base64,AA*A", "url_invalid"),
    ],
)
def test_address_the_provider_cannot_read_is_refused(role, url, code):
    assert ("media[0].url", code) in found("2.5", prompt="A boat", media=[medium(role, url)])


@pytest.mark.parametrize("url", ["HTTPS://CDN.EXAMPLE.COM/A.PNG", "Http://cdn.example.com/a.png"])
def test_scheme_of_an_address_has_no_case(url):
    assert found("2.5", prompt="A boat", media=[medium("first_frame", url)]) == []


def test_written_image_may_be_as_large_as_an_uploaded_one():
    url = "data:image/png;base64," + "A" * 40_000_004

    assert found(media=[medium("first_frame", url)]) == [("media[0].url", "file_size")]


def test_body_with_too_much_written_into_it_is_refused():
    url = "data:image/png;base64," + "A" * 36_000_000

    assert ("media", "body_too_large") in found("2.0", media=[medium("reference_image", url)] * 2)


def test_large_uploads_are_a_warning():
    media = [upload("reference_image", bytes=25_000_000)] * 2

    assert found("2.0", media=media) == []
    assert advised("2.0", media=media) == [("media", "body_too_large")]


@pytest.mark.parametrize(
    "host",
    [
        "localhost:8000",
        "127.0.0.1",
        "[::1]",
        "10.0.0.7",
        "192.168.1.2",
        "169.254.169.254",
        "studio",
        "nas.local",
        "db.lan",
    ],
)
def test_private_address_is_a_warning(host):
    media = [medium("first_frame", f"http://{host}/a.png")]

    assert found(media=media) == []
    assert advised(media=media) == [("media[0].url", "private_address")]


def test_emulator_can_fetch_from_this_machine():
    assert advised(preset="emulator", media=[medium("first_frame", "http://127.0.0.1:8000/a.png")]) == []


@pytest.mark.parametrize("host", ["cdn.example.com", "8.8.8.8", "[2606:4700::1111]"])
def test_public_address_is_no_warning(host):
    assert advised(media=[medium("first_frame", f"https://{host}/a.png")]) == []


@pytest.mark.parametrize(
    ("role", "facts"),
    [
        ("first_frame", {}),
        ("first_frame", {"mime": "image/heic"}),
        ("first_frame", {"mime": "image/jpg"}),
        ("first_frame", {"bytes": 29_999_999}),
        ("first_frame", {"width": 300, "height": 300}),
        ("first_frame", {"width": 6000, "height": 2400}),
        ("first_frame", {"width": None, "height": None}),
        ("reference_video", {"mime": "video/quicktime"}),
        ("reference_video", {"bytes": 200_000_000}),
        ("reference_video", {"width": 640, "height": 640}),
        ("reference_video", {"duration": 30.2}),
        ("reference_video", {"duration": 2.0, "frames_per_second": 60.0}),
        ("reference_video", {"duration": None, "frames_per_second": None, "width": None, "height": None}),
        ("reference_audio", {"mime": "audio/x-wav", "bytes": 15_000_000, "duration": 30.0}),
    ],
)
def test_file_within_the_limits_is_accepted(role, facts):
    assert found("2.5", media=[upload(role, **facts)]) == []


@pytest.mark.parametrize(
    ("role", "facts", "code"),
    [
        ("first_frame", {"mime": "image/svg+xml"}, "file_format"),
        ("first_frame", {"mime": "video/mp4"}, "file_format"),
        ("first_frame", {"mime": ""}, "file_format"),
        ("first_frame", {"bytes": 30_000_000}, "file_size"),
        ("first_frame", {"bytes": 0}, "file_size"),
        ("first_frame", {"width": 299, "height": 300}, "file_sides"),
        ("first_frame", {"width": 6001, "height": 4000}, "file_sides"),
        ("first_frame", {"width": 1000, "height": 399}, "file_aspect"),
        ("first_frame", {"width": 399, "height": 1000}, "file_aspect"),
        ("reference_video", {"mime": "video/webm"}, "file_format"),
        ("reference_video", {"bytes": 200_000_001}, "file_size"),
        ("reference_video", {"width": 600, "height": 600}, "file_pixels"),
        ("reference_video", {"width": 4096, "height": 2160}, "file_pixels"),
        ("reference_video", {"frames_per_second": 23.9}, "file_frame_rate"),
        ("reference_video", {"frames_per_second": 61.0}, "file_frame_rate"),
        ("reference_video", {"duration": 1.9}, "file_length"),
        ("reference_video", {"duration": 30.3}, "file_length"),
        ("reference_audio", {"mime": "audio/ogg"}, "file_format"),
        ("reference_audio", {"bytes": 15_000_001}, "file_size"),
        ("reference_audio", {"duration": 31.0}, "file_length"),
    ],
)
def test_file_outside_the_limits_is_refused(role, facts, code):
    assert found("2.5", media=[upload(role, **facts)]) == [("media[0].file", code)]


def test_older_models_take_fewer_image_formats():
    assert found("1.0 pro", media=[upload("first_frame", mime="image/heic")]) == [("media[0].file", "file_format")]
    assert found("1.5 pro", media=[upload("first_frame", mime="image/heic")]) == []


def test_clips_of_the_2_0_family_are_shorter():
    assert found("2.0", media=[upload("reference_video", duration=15.3)]) == [("media[0].file", "file_length")]
    assert found("2.0", media=[upload("reference_video", duration=15.2)]) == []


def test_clips_are_too_long_together():
    media = [upload("reference_video", duration=8.0), upload("reference_video", duration=8.0)]

    assert found("2.0", media=media) == [("media", "clips_too_long")]


def test_clips_of_two_kinds_are_counted_apart():
    assert (
        found("2.0", media=[upload("reference_video", duration=10.0), upload("reference_audio", duration=10.0)]) == []
    )


def test_edit_needs_a_longer_video():
    media = [upload("reference_video", duration=3.0)]

    assert found("2.5", media=media, omni_reference_task_type="edit") == [("media[0].file", "file_length")]
    assert found("2.5", media=media, omni_reference_task_type="extend") == []


def test_cometapi_may_drop_reference_media():
    assert found("2.0", "cometapi", media=[IMAGE]) == []
    assert ("media[0].role", "may_not_be_forwarded") in advised("2.0", "cometapi", media=[IMAGE])


def test_cometapi_documents_frames():
    assert advised("1.5 pro", "cometapi", media=[FIRST, LAST]) == []


def test_videos_dialect_takes_uploaded_reference_images():
    assert found("2.0", "cometapi-videos", media=[upload("reference_image", mime="image/webp")]) == []


@pytest.mark.parametrize(
    ("family", "media", "violation"),
    [
        ("2.0", [upload("first_frame")], ("media[0].role", "not_carried")),
        ("2.0", [upload("reference_video")], ("media[0].role", "not_carried")),
        ("2.0", [IMAGE], ("media[0].url", "not_carried")),
        ("2.0", [upload("reference_image", mime="image/gif")], ("media[0].file", "file_format")),
        ("1.5 pro", [upload("reference_image")], ("media", "mode_not_supported")),
    ],
)
def test_videos_dialect_takes_nothing_else(family, media, violation):
    assert violation in found(family, "cometapi-videos", media=media)


def test_final_video_of_a_draft_has_no_media_of_its_own():
    assert found(prompt="", media=[FIRST], draft_task="cgt-1") == [("media", "inherited")]
