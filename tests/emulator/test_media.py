"""The rendered files, looked at with PyAV and Pillow."""

import io
from types import SimpleNamespace

import av
import pytest
import requests
from PIL import Image

from seedance.emulator.render import fit_lines

pytestmark = pytest.mark.slow

#: The cheapest film there is.
SHORT = {"model": "doubao-seedance-1-0-pro-250528", "resolution": "480p", "duration": 2}


def inspect(data):
    with av.open(io.BytesIO(data)) as container:
        video = container.streams.video[0]
        return SimpleNamespace(
            codec=video.codec_context.name,
            pixel_format=video.codec_context.pix_fmt,
            size=(video.width, video.height),
            rate=float(video.average_rate),
            frames=video.frames,
            seconds=container.duration / av.time_base,
            audio=[stream.codec_context.name for stream in container.streams.audio],
        )


@pytest.fixture
def film(emulator, finished):
    emulator.configure(render=True)

    def shoot(prompt="A paper boat", **fields):
        return requests.get(finished(prompt, **fields)["content"]["video_url"], timeout=60).content

    return shoot


@pytest.mark.parametrize(
    ("model", "fields", "size"),
    [
        ("doubao-seedance-1-5-pro-251215", {"duration": 4, "resolution": "480p", "ratio": "16:9"}, (864, 496)),
        ("doubao-seedance-1-0-pro-250528", {"duration": 2, "resolution": "480p", "ratio": "4:3"}, (736, 544)),
        ("doubao-seedance-2-0-260128", {"duration": 4, "resolution": "720p", "ratio": "3:4"}, (834, 1112)),
        ("doubao-seedance-2-0-260128", {"duration": 4, "resolution": "720p", "ratio": "21:9"}, (1470, 630)),
        ("doubao-seedance-2-5-260628", {"duration": 5, "resolution": "480p", "ratio": "9:16"}, (480, 854)),
        ("doubao-seedance-1-0-pro-250528", {"duration": 2, "resolution": "1080p", "ratio": "21:9"}, (2176, 928)),
    ],
    ids=["1.5", "1.0", "2.0 upright", "2.0 wide", "2.5", "1.0 large"],
)
def test_film_is_what_was_asked_for(film, model, fields, size):
    found = inspect(film(model=model, generate_audio=False, **fields))

    assert (found.codec, found.pixel_format, found.size, found.rate) == ("h264", "yuv420p", size, 24.0)
    assert found.seconds == pytest.approx(fields["duration"])
    assert found.frames == 24 * fields["duration"]
    assert found.audio == []


def test_film_of_a_number_of_frames(film):
    found = inspect(film(model="doubao-seedance-1-0-pro-250528", resolution="480p", frames=29))

    assert found.frames == 29


def test_film_has_a_silent_track_when_audio_is_asked_for(film):
    found = inspect(film(resolution="480p", duration=4, generate_audio=True))

    assert found.audio == ["aac"]
    assert found.seconds == pytest.approx(4)


def test_film_can_start_before_it_is_whole(film):
    data = film(**SHORT)

    assert data.index(b"moov") < data.index(b"mdat")


def test_film_can_be_a_mov(film):
    found = inspect(film(model="doubao-seedance-2-5-260628", resolution="480p", duration=4, output_format="mov"))

    assert (found.codec, found.pixel_format, found.audio) == ("h264", "yuv444p", ["pcm_s16le"])


def test_film_moves(film):
    with av.open(io.BytesIO(film(**SHORT))) as container:
        pictures = [frame.to_image() for frame in container.decode(video=0)]

    assert pictures[0].tobytes() != pictures[-1].tobytes()


def test_film_depends_on_the_prompt(film):
    assert film("A cat", **SHORT) != film("A dog", **SHORT)


def test_film_is_drawn_once(film):
    first, second = film("A cat", **SHORT), film("A cat", **SHORT)

    assert first == second


def test_film_takes_any_script(film):
    found = inspect(film("黎明时分，一只纸船在平静的湖面上漂流 🚣 مرحبا", **SHORT))

    assert found.seconds == pytest.approx(2)


def test_last_frame_is_drawn_without_watermark(emulator, finished):
    emulator.configure(render=True)
    plain = finished("A cat", resolution="480p", ratio="1:1", return_last_frame=True)
    marked = finished("A cat", resolution="480p", ratio="1:1", return_last_frame=True, watermark=True)

    first, second = (requests.get(each["content"]["last_frame_url"], timeout=30).content for each in (plain, marked))

    assert Image.open(io.BytesIO(first)).size == (640, 640)
    assert first == second


def test_bundled_clip_plays(emulator, finished):
    data = requests.get(finished()["content"]["video_url"], timeout=10).content

    assert inspect(data).codec == "h264"
    assert len(data) < 20_000


def test_long_words_are_cut_to_fit():
    font, lines = fit_lines("w" * 200 + " end", 300, 20, 12, 4)

    assert len(lines) <= 4
    assert max(font.getlength(line) for line in lines) <= 300
