"""A prompt is there where one is needed, and is only text."""

import pytest

from .asking import advised, found, medium

FRAME = [medium("first_frame")]


@pytest.mark.parametrize("prompt", ["", "   ", "\n", "--hd true"])
def test_prompt_is_required_when_nothing_else_is_given(prompt):
    assert found(prompt=prompt) == [("prompt", "prompt_required")]


def test_prompt_is_required_beside_audio():
    assert found("2.5", prompt="", media=[medium("reference_audio")]) == [("prompt", "prompt_required")]


@pytest.mark.parametrize("role", ["first_frame", "reference_image", "reference_video"])
def test_prompt_is_optional_beside_image_or_video(role):
    assert found("2.0", prompt="", media=[medium(role)]) == []


def test_blank_prompt_is_refused_beside_media():
    assert found(prompt="  ", media=FRAME) == [("prompt", "prompt_blank")]


def test_videos_dialect_always_needs_a_prompt():
    assert ("prompt", "prompt_required") in found(
        "2.0", "cometapi-videos", prompt="", media=[medium("reference_image")]
    )


@pytest.mark.parametrize("prompt", ["A boat --duration 30", "--wm true A boat", "A boat --ratio"])
def test_flag_left_in_the_prompt_is_refused(prompt):
    assert found(prompt=prompt) == [("prompt", "inline_flag")]


def test_unknown_flag_in_the_prompt_is_text():
    assert found(prompt="A boat --hd true") == []


@pytest.mark.parametrize("prompt", ["word " * 1001, "船" * 501], ids=["words", "characters"])
def test_long_prompt_is_a_warning(prompt):
    assert advised(prompt=prompt) == [("prompt", "prompt_long")]


@pytest.mark.parametrize("prompt", ["word " * 1000, "船" * 500], ids=["words", "characters"])
def test_prompt_of_the_advised_length_is_fine(prompt):
    assert advised(prompt=prompt) == []


def test_final_video_of_a_draft_has_no_prompt_of_its_own():
    assert found(prompt="A boat", draft_task="cgt-1") == [("prompt", "inherited")]
