"""Going on where a video ended: its last frame, its model and its parameters, as far as the rules take them."""

import io

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from PIL import Image

from seedance.exceptions import TransitionError
from seedance.media import stills
from seedance.models import GenerationTask, TaskEvent
from tests.conftest import SAMPLE_MODEL, SAMPLE_PROMPT, content_of
from tests.films import film

NEWEST = "dreamina-seedance-2-5-260628"
CLIP = film(["navy"] * 20 + ["teal"])


@pytest.fixture
def stored(make_task):
    """Returns a function that makes a finished task whose video is stored."""

    def make(**columns):
        return make_task(status="succeeded", video=ContentFile(CLIP, name="boat.mp4"), **columns)

    return make


def continue_from(task, **overrides):
    return GenerationTask.objects.continue_from(task, **overrides)


def test_continuation_has_model_parameters_and_prompt_of_the_old_task(stored, user):
    old = stored(duration=7, ratio="9:16", resolution="480p", seed=3)

    new = continue_from(old, owner=user)

    assert (new.status, new.owner, new.model_name, new.prompt) == ("new", user, SAMPLE_MODEL, SAMPLE_PROMPT)
    assert (
        new.parameters.get("duration"),
        new.parameters.get("ratio"),
        new.parameters.get("resolution"),
        new.parameters.get("seed"),
    ) == (7, "9:16", "480p", 3)


def test_continuation_begins_with_the_last_picture_of_the_video(stored):
    new = continue_from(stored())

    item = new.media.get()
    assert (item.role, item.content_type) == ("first_frame", "image/png")
    assert content_of(item.file) == stills.last_frame_of(io.BytesIO(CLIP))


def test_continuation_begins_with_the_frame_of_the_provider_where_it_is_stored(stored, png):
    old = stored(return_last_frame=True, last_frame=png)

    new = continue_from(old)

    assert content_of(new.media.get().file) == content_of(old.last_frame)
    assert new.parameters.get("return_last_frame") is True


def test_continuation_does_not_share_its_file_with_the_old_task(stored, png, django_capture_on_commit_callbacks):
    old = stored(last_frame=png)
    new = continue_from(old)

    with django_capture_on_commit_callbacks(execute=True):
        old.erase()

    assert content_of(new.media.get().file)


def test_continuation_takes_what_is_given_instead(stored):
    new = continue_from(stored(duration=7, metadata={"order": 1}), prompt="It sails on.", duration=4, metadata={"n": 2})

    assert (new.prompt, new.parameters.get("duration"), new.metadata) == ("It sails on.", 4, {"n": 2})


def test_continuation_does_not_take_metadata_over(stored):
    assert continue_from(stored(metadata={"order": 1})).metadata == {}


def test_continuation_has_a_length_of_its_own_in_either_unit(stored):
    old = stored(model_name="doubao-seedance-1-0-pro-250528", duration=7)

    new = continue_from(old, frames=57)

    assert (new.parameters.get("duration"), new.parameters.get("frames")) == (None, 57)


def test_continuation_lets_flags_in_its_prompt_win_over_the_old_parameters(stored):
    new = continue_from(stored(duration=7, seed=1), prompt="It sails on. --duration 4")

    assert (new.prompt, new.parameters.get("duration"), new.parameters.get("seed")) == ("It sails on.", 4, 1)


def test_continuation_can_be_submitted_at_once(stored):
    assert continue_from(stored(), submit=True).status == "pending"


def test_continuation_names_the_old_task_in_its_timeline(stored, user):
    old = stored()

    new = continue_from(old, owner=user, cause="test")

    note = new.events.get(what=TaskEvent.What.NOTE)
    assert (note.detail, note.cause, note.actor) == (f"Continues the video of {old.pk}.", "test", user.get_username())
    assert new.retry_of is None


@pytest.mark.parametrize(
    ("columns", "name", "value"),
    [
        pytest.param({"model_name": NEWEST, "ratio": "16:9"}, "ratio", "adaptive", id="the picture sets the ratio"),
        pytest.param({"model_name": NEWEST, "ratio": "adaptive"}, "ratio", "adaptive", id="adaptive already"),
        pytest.param({"model_name": "ep-20260101-abcde", "ratio": "16:9"}, "ratio", "adaptive", id="endpoint"),
        pytest.param({"model_name": "seedance-1-5-pro-251215", "ratio": "16:9"}, "ratio", "16:9", id="any ratio goes"),
        pytest.param({"model_name": NEWEST, "tools": [{"type": "web_search"}]}, "tools", None, id="search is for text"),
    ],
)
def test_continuation_asks_the_rules_what_goes_with_a_first_frame(stored, settings, columns, name, value):
    settings.SEEDANCE = {"PROVIDERS": {"default": {"PRESET": "byteplus", "API_KEY": "k"}}}

    new = continue_from(stored(**columns))

    assert new.parameters.get(name) == value


def test_continuation_tells_what_is_not_as_before(stored, settings):
    settings.SEEDANCE = {"PROVIDERS": {"default": {"PRESET": "byteplus", "API_KEY": "k"}}}
    old = stored(model_name=NEWEST, ratio="16:9", duration=5)

    new = continue_from(old)

    assert new.events.get(what=TaskEvent.What.NOTE).detail.endswith("Not as before: ratio.")


@pytest.mark.parametrize(
    ("overrides", "field"),
    [
        pytest.param({"duration": 99}, "duration", id="a value nobody takes"),
        pytest.param({"colour": "red"}, "colour", id="an unknown name"),
        pytest.param({"model_name": "no-such-model"}, "model", id="an unknown model"),
        pytest.param({"media": [{"role": "first_frame", "url": "https://x.org/a.png"}]}, "media[1].role", id="two"),
        pytest.param({"provider": "nowhere"}, "provider", id="an unknown provider"),
    ],
)
def test_continuation_is_judged_like_any_other_request(stored, overrides, field):
    old = stored()

    with pytest.raises(ValidationError) as caught:
        continue_from(old, **overrides)

    assert field in caught.value.message_dict
    assert GenerationTask.objects.count() == 1


@pytest.mark.parametrize("status", ["new", "running", "failed", "succeeded"])
def test_continuation_takes_a_stored_video(make_task, status):
    with pytest.raises(TransitionError, match="whose video is stored"):
        continue_from(make_task(status=status))


def test_continuation_without_the_media_extra_says_what_helps(stored, monkeypatch):
    monkeypatch.setattr(stills, "av", None)

    with pytest.raises(TransitionError, match=r"return_last_frame.*“media”"):
        continue_from(stored())


def test_continuation_of_a_video_that_the_storage_has_lost_is_refused(stored):
    old = stored()
    old.video.storage.delete(old.video.name)

    with pytest.raises(TransitionError, match="no longer"):
        continue_from(old)


def test_frame_is_as_large_as_the_video(stored):
    new = continue_from(stored())

    with new.media.get().file.open() as file, Image.open(file) as image:
        assert image.size == (640, 360)
