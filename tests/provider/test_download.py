"""Bring a file over real HTTP: bounded, without a key, only from where it may come."""

import hashlib
import itertools
import tracemalloc

import pytest

from seedance.exceptions import ArchiveError
from seedance.media.container import check_video
from seedance.provider import download as module
from seedance.provider.download import CHUNK, download, is_private_host

MEGABYTE = 1024 * 1024


def fetch(url, **options):
    """Everything a download gave: its bytes, size and digest."""
    with download(url, **{"max_bytes": 50 * MEGABYTE, "seconds": 5, "provider_url": url} | options) as got:
        return got.file.read(), got.bytes, got.sha256


@pytest.fixture
def video_url(ark, provider, sample):
    """The signed link to a finished video."""
    provider.configure(render=False)
    task_id = ark.create_task(sample)
    provider.finish()
    return ark.get_task(task_id).video_url


# -- a file that comes whole -------------------------------------------------------------------------------------------


def test_download_yields_the_whole_video(video_url):
    data, size, digest = fetch(video_url)

    assert (len(data), hashlib.sha256(data).hexdigest()) == (size, digest)
    assert data[4:8] == b"ftyp"


def test_download_sends_no_credential(video_url, provider):
    fetch(video_url)

    assert "Authorization" not in provider.requests[-1].headers
    assert "Cookie" not in provider.requests[-1].headers


def test_download_takes_no_credential_from_a_netrc_file(video_url, provider, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login mallory password other\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    fetch(video_url)

    assert "Authorization" not in provider.requests[-1].headers


def test_download_accepts_a_file_of_unknown_length(host):
    host.raw = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1000

    assert fetch(host.url)[1] == 1000


def test_download_calls_on_chunk(host):
    host.answer(b"x" * (3 * CHUNK))
    beats = []

    fetch(host.url, on_chunk=lambda: beats.append(1))

    assert len(beats) >= 3


def test_download_leaves_no_file_behind(host):
    host.answer(b"x")

    with download(host.url, max_bytes=10, seconds=5, provider_url=host.url) as got:
        file = got.file

    assert file.closed


def test_download_holds_little_of_a_large_file_in_memory(host):
    host.answer(bytes(40 * MEGABYTE))
    tracemalloc.start()

    with download(host.url, max_bytes=50 * MEGABYTE, seconds=30, provider_url=host.url):
        pass

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # The host's own copy was made before counting began.
    assert peak < 4 * MEGABYTE


# -- a file that does not ----------------------------------------------------------------------------------------------


def test_download_refuses_a_declared_length_beyond_the_cap(host):
    host.answer(b"x" * 101)

    with pytest.raises(ArchiveError, match=r"101 bytes.*MAX_VIDEO_BYTES"):
        fetch(host.url, max_bytes=100)


def test_download_refuses_an_undeclared_length_beyond_the_cap(host):
    host.raw = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 101

    with pytest.raises(ArchiveError, match="MAX_VIDEO_BYTES"):
        fetch(host.url, max_bytes=100)


def test_download_accepts_a_file_exactly_at_the_cap(host):
    host.answer(b"x" * 100)

    assert fetch(host.url, max_bytes=100)[1] == 100


def test_download_that_broke_off_is_taken_up_where_it_ended(video_url, provider):
    whole, _, digest = fetch(video_url)
    provider.fault("truncated_mp4")

    resumed, _, digest_of_resumed = fetch(video_url)

    assert (resumed, digest_of_resumed) == (whole, digest)
    assert provider.requests[-1].headers["Range"].startswith("bytes=")


def test_download_that_broke_off_begins_anew_where_the_host_knows_no_ranges(host):
    host.raw = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"

    with pytest.raises(ArchiveError, match=r"broke off|5 of 9"):
        fetch(host.url)


def test_download_asks_only_listed_hosts(video_url):
    with pytest.raises(ArchiveError, match="DOWNLOAD_HOSTS"):
        fetch(video_url, hosts=[".example.com"])


def test_download_asks_a_listed_host(video_url):
    assert fetch(video_url, hosts=["127.0.0.1"])[1] > 0


def test_download_notices_a_cut_file(video_url, provider):
    provider.fault("truncated_mp4", times=None)

    with pytest.raises(ArchiveError) as caught:
        fetch(video_url)

    assert caught.value.link_dead is False


def test_download_refuses_an_empty_file(host):
    host.answer(b"")

    with pytest.raises(ArchiveError, match="empty"):
        fetch(host.url)


def test_download_of_a_page_is_no_video(video_url, provider):
    provider.fault("html_for_mp4", content_type="video/mp4")

    with (
        download(video_url, max_bytes=MEGABYTE, seconds=5, provider_url=video_url) as got,
        pytest.raises(ArchiveError, match="not a video"),
    ):
        check_video(got.file, got.bytes)


@pytest.mark.parametrize(("fault", "options"), [("slow_headers", {"seconds": 3}), ("slow_body", {"seconds": 4})])
def test_download_ends_at_its_deadline(video_url, provider, fault, options):
    provider.fault(fault, on="download", **options)

    with pytest.raises(ArchiveError):
        fetch(video_url, seconds=0.3)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_download_knows_a_dead_link(video_url, provider, status):
    provider.fail_next(status, on="download")

    with pytest.raises(ArchiveError, match=f"HTTP {status}") as caught:
        fetch(video_url)

    assert caught.value.link_dead is True


@pytest.mark.parametrize("status", [206, 400, 429, 500, 503])
def test_download_may_try_again_where_the_link_is_not_to_blame(video_url, provider, status):
    provider.fail_next(status, on="download")

    with pytest.raises(ArchiveError, match=f"HTTP {status}") as caught:
        fetch(video_url)

    assert caught.value.link_dead is False


def test_download_finds_an_expired_link_dead(video_url, provider):
    provider.clock.advance(2 * 86_400)

    with pytest.raises(ArchiveError) as caught:
        fetch(video_url)

    assert caught.value.link_dead is True


def test_download_without_a_connection_may_be_tried_again(closed_port):
    with pytest.raises(ArchiveError, match="broke off") as caught:
        fetch(f"http://127.0.0.1:{closed_port}/a.mp4?X-Tos-Signature=secret")

    assert caught.value.link_dead is False
    assert "secret" not in str(caught.value)


# -- where it may come from --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://host/a.mp4",
        "file:///etc/passwd",
        "//host/a.mp4",
        "http:///a.mp4",
        "http://user:password@host/a.mp4",
        "http://:password@host/a.mp4",
        "http://[::1/a.mp4",
        "http://" + "a" * 70 + ".example/a.mp4",
    ],
)
def test_download_refuses_what_is_no_plain_address(url):
    with pytest.raises(ArchiveError, match="plain") as caught:
        fetch(url, provider_url="")

    assert caught.value.link_dead is True


@pytest.mark.parametrize(
    "host_name",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0.0.0.0",
        "localhost",
        "10.0.0.7",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "[::1]",
        "[::]",
        "[fe80::1]",
        "[fc00::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:10.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
    ],
)
def test_download_does_not_reach_our_own_network(host_name):
    with pytest.raises(ArchiveError, match="private network") as caught:
        fetch(f"http://{host_name}/a.mp4", provider_url="")

    assert caught.value.link_dead is True


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "64:ff9b::8.8.8.8"])
def test_public_addresses_are_not_private(address):
    assert is_private_host(address) is False


def test_download_goes_to_the_provider_s_own_private_address_under_another_name(host):
    host.answer(b"file")

    assert fetch(host.url, provider_url=host.url.replace("127.0.0.1", "localhost") + "/api/v3")[0] == b"file"


@pytest.mark.parametrize("provider_url", ["http://10.0.0.7:{port}", "http://127.0.0.1:1", "http://127.0.0.1", ""])
def test_private_provider_opens_no_private_address_but_its_own(host, provider_url):
    host.answer(b"secret of our own network")

    with pytest.raises(ArchiveError, match="private network") as caught:
        fetch(host.url, provider_url=provider_url.format(port=host.server_port))

    assert caught.value.link_dead is True
    assert not host.heard


def test_private_provider_cannot_redirect_into_the_rest_of_our_network(host, video_url, provider):
    before = len(provider.requests)
    host.answer(b"", f"Location: {video_url}", status="302 Found")

    with pytest.raises(ArchiveError, match="private network"):
        fetch(host.url)

    assert len(provider.requests) == before


def test_download_follows_a_relative_redirect(host):
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfile"
    moved = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"
    host.raw = lambda path: whole if path == "/there" else moved

    assert fetch(f"{host.url}/here")[0] == b"file"


def test_download_does_not_follow_redirects_without_end(host):
    numbers = itertools.count()
    host.raw = lambda _: f"HTTP/1.1 302 Found\r\nLocation: /{next(numbers)}\r\nContent-Length: 0\r\n\r\n".encode()

    with pytest.raises(ArchiveError, match="HTTP 302"):
        fetch(host.url)

    assert len(host.heard) == module.MAX_REDIRECTS + 1


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:1/x",
        "http://[::1]/x",
        "http://2130706433/x",
        "file:///etc/passwd",
        "http://u:p@h/",
        "http://[",
    ],
)
def test_download_checks_where_a_redirect_leads(host, monkeypatch, location):
    # The first address stands for a public host, which no test may speak to.
    real, public = module.is_private_host, iter([False])
    monkeypatch.setattr(module, "is_private_host", lambda name: next(public, None) is None and real(name))
    host.answer(b"", f"Location: {location}", status="302 Found")

    with pytest.raises(ArchiveError) as caught:
        fetch(host.url, provider_url="")

    assert caught.value.link_dead is True
    assert len(host.heard) == 1
