"""The unified dialect against the emulator: forms out, relay words in."""

import base64
import datetime as dt
import inspect
import io

import pytest
from PIL import Image

from seedance.emulator.multipart import read_form
from seedance.exceptions import (
    ArchiveError,
    NotFoundError,
    ProtocolError,
    ProviderError,
    RequestError,
    ServerError,
    TransportError,
)
from seedance.provider.ark import SeedanceClient
from seedance.provider.download import download
from seedance.provider.types import Client, ContentPart, TaskRequest
from seedance.provider.videos import VideosClient

from ..conftest import SAMPLE_PROMPT
from .conftest import KEY

MODEL = "doubao-seedance-2-0"


def request(*parts, **parameters):
    return TaskRequest(MODEL, (ContentPart("text", SAMPLE_PROMPT), *parts), parameters)


def data_uri(form="PNG"):
    buffer = io.BytesIO()
    Image.new("RGB", (400, 400), "teal").save(buffer, form)
    return f"data:image/{form.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def form_of(provider):
    return read_form(provider.requests[-1])


# -- what leaves -------------------------------------------------------------------------------------------------------


def test_create_sends_a_form_with_the_documented_fields(videos, provider):
    videos.create_task(request(duration=5, ratio="9:16", resolution="480p"))

    assert form_of(provider).fields == {
        "model": MODEL,
        "prompt": SAMPLE_PROMPT,
        "seconds": "5",
        "size": "9:16",
        "resolution": "480p",
    }


def test_create_leaves_unset_fields_out(videos, provider):
    videos.create_task(request(duration=None))

    assert form_of(provider).fields == {"model": MODEL, "prompt": SAMPLE_PROMPT}


def test_create_prefers_an_exact_size_to_the_ratio(videos, provider):
    videos.create_task(request(size="1280x720", ratio="16:9"))

    assert form_of(provider).fields["size"] == "1280x720"


def test_create_merges_extra_last(videos, provider):
    videos.create_task(TaskRequest(MODEL, (ContentPart("text", "boat"),), {"duration": 5}, extra={"seconds": 6}))

    assert form_of(provider).fields["seconds"] == "6"


def test_create_sends_reference_images_as_files_in_order(videos, provider):
    videos.create_task(
        request(
            ContentPart("image_url", data_uri("PNG"), "reference_image"),
            ContentPart("image_url", data_uri("JPEG"), "reference_image"),
            ContentPart("image_url", data_uri("WEBP")),
        )
    )

    files = form_of(provider).files
    assert {file.field_name for file in files} == {"input_reference"}
    assert [(file.name, file.content_type) for file in files] == [
        ("reference-1.png", "image/png"),
        ("reference-2.jpg", "image/jpeg"),
        ("reference-3.webp", "image/webp"),
    ]


def test_create_sends_an_image_byte_for_byte(videos, provider):
    uri = data_uri()

    videos.create_task(request(ContentPart("image_url", uri, "reference_image")))

    assert form_of(provider).files[0].data == base64.b64decode(uri.partition(",")[2])


def test_create_keeps_text_as_it_is(videos, provider):
    prompt = '纸船 🚤 "quoted"\r\n--not a boundary'

    videos.create_task(TaskRequest(MODEL, (ContentPart("text", prompt),)))

    assert prompt.encode() in provider.requests[-1].body


def test_create_states_an_exact_length_and_is_not_chunked(videos, provider):
    videos.create_task(request(), reference="019ab")

    heard = provider.requests[-1]
    assert heard.headers["Content-Length"] == str(len(heard.body))
    assert "Transfer-Encoding" not in heard.headers
    assert heard.headers["X-Client-Request-Id"] == "019ab"
    assert heard.headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "wish",
    [
        pytest.param(request(seed=7), id="seed"),
        pytest.param(request(generate_audio=False), id="audio"),
        pytest.param(request(ContentPart("image_url", "https://h/a.png", "reference_image")), id="address"),
        pytest.param(request(ContentPart("image_url", "asset://7", "reference_image")), id="asset"),
        pytest.param(request(ContentPart("image_url", "data:image/gif;base64,R0lG", "reference_image")), id="GIF"),
        pytest.param(request(ContentPart("image_url", "data:image/png;base64,?", "reference_image")), id="no base64"),
        pytest.param(request(ContentPart("image_url", data_uri(), "first_frame")), id="first frame"),
        pytest.param(request(ContentPart("video_url", "https://h/a.mp4", "reference_video")), id="video"),
        pytest.param(TaskRequest(MODEL, (ContentPart("draft_task", "cgt-1"),)), id="draft"),
    ],
)
def test_create_refuses_what_the_form_cannot_say_before_sending(videos, provider, wish):
    with pytest.raises(RequestError) as caught:
        videos.create_task(wish)

    assert caught.value.code == "unsupported"
    assert not provider.requests


# -- what comes back ---------------------------------------------------------------------------------------------------


def test_create_returns_the_task_id(videos, provider):
    task_id = videos.create_task(request())

    assert task_id.startswith("task_")
    assert list(provider.tasks) == [task_id]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("html_502", ServerError),
        ("redirect_301", RequestError),
        ("html_200", ProtocolError),
        ("truncated_json", ProtocolError),
        ("missing_id", ProtocolError),
        ("empty_id", ProtocolError),
        ("invalid_request_500", RequestError),
        ("connection_reset", TransportError),
        ("lost_response_after_accept", TransportError),
    ],
)
def test_create_is_sent_once_under_a_fault(videos, provider, fault, error):
    provider.fault(fault, times=None)

    with pytest.raises(ProviderError) as caught:
        videos.create_task(request())

    assert type(caught.value) is error
    assert len(provider.requests) == 1


def test_create_at_a_closed_port_was_not_sent(closed_port):
    client = VideosClient(f"http://127.0.0.1:{closed_port}/v1", KEY)

    with pytest.raises(TransportError) as caught:
        client.create_task(request())

    assert caught.value.sent is False


def test_create_of_a_length_out_of_range_is_refused(videos):
    with pytest.raises(RequestError) as caught:
        videos.create_task(request(duration=99))

    assert caught.value.code == "InvalidParameter"


@pytest.mark.parametrize("upper_case", [False, True], ids=["lower", "upper"])
def test_get_follows_a_task_through_its_statuses(videos, provider, upper_case):
    provider.configure(videos_upper_case=upper_case)
    task_id = videos.create_task(request())

    seen = [videos.get_task(task_id).status]
    provider.clock.advance(6)
    seen.append(videos.get_task(task_id).status)
    provider.finish()
    seen.append(videos.get_task(task_id).status)

    assert seen == ["queued", "running", "succeeded"]


@pytest.mark.parametrize("envelope", [False, True], ids=["plain", "relay"])
def test_get_finds_the_link(videos, provider, envelope):
    provider.configure(relay_envelope=envelope)
    task_id = videos.create_task(request())
    provider.finish()

    remote = videos.get_task(task_id)

    assert (remote.provider_task_id, remote.status) == (task_id, "succeeded")
    assert remote.video_url.startswith(f"{provider.url}/files/")
    assert remote.updated_at is not None


def test_get_shows_a_failure_in_the_relay_s_words(videos, provider):
    provider.configure(relay_envelope=True)
    task_id = videos.create_task(request())
    provider.fail(message="too dark")

    remote = videos.get_task(task_id)

    assert (remote.status, remote.video_url) == ("failed", "")
    assert "too dark" in remote.error_message


def test_get_of_an_unknown_task_is_not_found(videos):
    with pytest.raises(NotFoundError):
        videos.get_task("task_" + "x" * 32)


def test_get_of_a_task_that_is_still_on_its_way_in_is_not_found(videos, provider):
    provider.configure(initialising_seconds=10)
    task_id = videos.create_task(request())

    with pytest.raises(NotFoundError):
        videos.get_task(task_id)


def test_link_is_fetched_without_a_key(videos, provider):
    provider.configure(render=False)
    task_id = videos.create_task(request())
    provider.finish()

    with download(videos.get_task(task_id).video_url, max_bytes=10**7, seconds=5, provider_url=provider.url) as got:
        beginning = got.file.read(8)

    assert beginning.endswith(b"ftyp")


def test_own_link_is_the_host_s_own_address_and_wants_the_key(videos, provider):
    task_id = videos.create_task(request())
    provider.finish()

    url = videos.own_link(task_id).url

    assert url == f"{provider.videos_url}/videos/{task_id}/content"
    with pytest.raises(ArchiveError), download(url, max_bytes=10**7, seconds=5, provider_url=provider.url):
        pass


def test_own_link_leads_to_the_video_with_its_key(videos, provider):
    task_id = videos.create_task(request())
    provider.finish()
    link = videos.own_link(task_id)

    with download(link.url, max_bytes=10**7, seconds=5, provider_url=provider.url, auth=link.auth) as got:
        assert got.file.read(8).endswith(b"ftyp")


def test_own_link_keeps_an_odd_id_in_its_place(videos, provider):
    assert videos.own_link("../x").url == f"{provider.videos_url}/videos/..%2Fx/content"


def test_ark_dialect_has_no_links_of_its_own(ark):
    assert ark.own_link("cgt-1") is None


@pytest.mark.parametrize(
    "verb",
    [
        lambda client: client.list_tasks(["a"]),
        lambda client: client.recent_tasks(since=dt.datetime.now(dt.UTC)),
        lambda client: client.delete_task("a"),
    ],
    ids=["list", "recent", "delete"],
)
def test_verbs_that_the_host_lacks_are_refused_without_asking(videos, provider, verb):
    with pytest.raises(RequestError, match="This host cannot"):
        verb(videos)

    assert not provider.requests


@pytest.mark.parametrize("verb", ["create_task", "get_task", "list_tasks", "recent_tasks", "delete_task"])
@pytest.mark.parametrize("dialect", [SeedanceClient, VideosClient])
def test_dialects_share_their_verbs(dialect, verb):
    assert inspect.signature(getattr(dialect, verb)) == inspect.signature(getattr(Client, verb))
