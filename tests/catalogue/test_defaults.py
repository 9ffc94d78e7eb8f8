"""What is sent although nobody asked for it."""

import pytest

from seedance.catalogue import load
from seedance.catalogue.defaults import explicit

from .asking import HOSTS, medium, request


def chosen(family="1.5 pro", preset="ark", **given):
    return explicit(request(family, preset, **given), HOSTS[preset], load())


def test_duration_and_sound_are_said_on_ark():
    assert chosen() == {"duration": 5, "generate_audio": True}


@pytest.mark.parametrize("preset", ["ark", "byteplus", "emulator"])
def test_flagship_is_not_left_to_choose_its_length(preset):
    assert chosen("2.5", preset)["duration"] == 5


def test_edit_is_given_the_duration_it_needs():
    media = [medium("reference_video")]

    assert chosen("2.5", media=media, omni_reference_task_type="edit")["duration"] == -1


@pytest.mark.parametrize("preset", ["cometapi", "cometapi-videos", "emulator-videos"])
def test_sound_is_not_said_where_no_page_has_it(preset):
    assert chosen(preset=preset) == {"duration": 5}


def test_sound_is_not_said_to_a_model_without():
    assert chosen("1.0 pro") == {"duration": 5}


def test_what_was_given_is_left_alone():
    assert chosen(duration=7, generate_audio=False) == {}


def test_frames_stand_in_for_a_duration():
    assert chosen("1.0 pro", frames=121) == {}


def test_final_video_of_a_draft_inherits_both():
    assert chosen(prompt="", draft_task="cgt-20260902164158-rqwgv") == {}


def test_endpoint_is_given_a_duration_and_no_sound():
    assert chosen(name="ep-20260101000000-abcde") == {"duration": 5}


def test_unknown_model_is_given_nothing():
    assert chosen(name="sora-2") == {}
