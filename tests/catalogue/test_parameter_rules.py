"""Parameters are known, of the right type, and such as the model takes in its mode."""

import pytest

from seedance.catalogue import only_errors
from seedance.catalogue.inputs import Inputs
from seedance.catalogue.loading import load
from seedance.catalogue.parameters import PARAMETERS
from seedance.catalogue.rules import check

from .asking import HOSTS, advised, found, medium, model_id, violations

FIRST, LAST = medium("first_frame"), medium("last_frame")
IMAGE, VIDEO, AUDIO = medium("reference_image"), medium("reference_video"), medium("reference_audio")
SEARCH = [{"type": "web_search"}]


def given(family, media=(), preset="ark", **parameters):
    return {"family": family, "preset": preset, "media": media, **parameters}


@pytest.mark.parametrize(
    "request_",
    [
        given("1.0 pro", duration=2),
        given("1.0 pro", duration=12),
        given("1.5 pro", duration=-1),
        given("2.0", duration=13),
        given("2.5", duration=30),
        given("2.5", duration=-1),
        given("1.0 pro", frames=29),
        given("1.0 pro", frames=289),
        given("1.0 pro", [FIRST], ratio="adaptive"),
        given("1.5 pro", ratio="adaptive"),
        given("2.5", [FIRST], ratio="adaptive"),
        given("2.5", [IMAGE], ratio="21:9"),
        given("2.0", [FIRST], ratio="1:1"),
        given("1.0 lite i2v", [IMAGE], ratio="3:4", resolution="720p"),
        given("1.0 lite i2v", [FIRST], resolution="1080p", camera_fixed=True),
        given("2.0", resolution="4k"),
        given("2.0", resolution="4K"),
        given("2.5", resolution="1080p"),
        given("1.5 pro", seed=-1),
        given("1.5 pro", seed=2147483647),
        given("1.5 pro", camera_fixed=True, watermark=False, return_last_frame=True),
        given("1.5 pro", generate_audio=False, service_tier="flex"),
        given("2.0", service_tier="default", priority=9),
        given("1.5 pro", draft=True),
        given("1.5 pro", draft=True, resolution="480p", return_last_frame=False, service_tier="default"),
        given("1.5 pro", draft=False, resolution="1080p", return_last_frame=True),
        given("2.0", execution_expires_after=3600),
        given("2.0", execution_expires_after=259200, safety_identifier="u" * 64),
        given("2.0", tools=SEARCH),
        given("2.5", output_format="mov"),
        given("2.5", [VIDEO], omni_reference_task_type="edit", duration=-1, ratio="adaptive"),
        given("2.5", [VIDEO], omni_reference_task_type="extend", duration=10),
        given("2.5", [AUDIO], omni_reference_task_type="reference"),
        given("2.5", omni_reference_task_type="auto"),
        given("1.5 pro", duration=None, frames=None, tools=None),
        given("1.0 pro", preset="cometapi", duration=10),
        given("2.0", preset="cometapi-videos", duration=15, ratio="9:16", resolution="1080p"),
    ],
    ids=str,
)
def test_parameters_the_model_takes_are_accepted(request_):
    assert found(**request_) == []


@pytest.mark.parametrize(
    ("request_", "violation"),
    [
        (given("1.0 pro", duration=1), ("duration", "out_of_range")),
        (given("1.0 pro", duration=13), ("duration", "out_of_range")),
        (given("1.0 pro", duration=-1), ("duration", "out_of_range")),
        (given("1.5 pro", duration=3), ("duration", "out_of_range")),
        (given("1.5 pro", duration=0), ("duration", "out_of_range")),
        (given("2.0", duration=16), ("duration", "out_of_range")),
        (given("2.5", duration=31), ("duration", "out_of_range")),
        (given("1.0 pro", preset="cometapi", duration=11), ("duration", "out_of_range")),
        (given("1.5 pro", preset="cometapi-videos", duration=-1), ("duration", "out_of_range")),
        (given("1.0 pro", ratio="adaptive"), ("ratio", "not_offered")),
        (given("1.5 pro", ratio="5:4"), ("ratio", "not_offered")),
        (given("1.0 lite i2v", [IMAGE], ratio="adaptive"), ("ratio", "not_offered")),
        (given("1.5 pro", preset="cometapi-videos", ratio="adaptive"), ("ratio", "not_offered")),
        (given("2.5", [FIRST], ratio="16:9"), ("ratio", "ratio_follows_input")),
        (given("2.5", [FIRST, LAST], ratio="1:1"), ("ratio", "ratio_follows_input")),
        (given("1.5 pro", resolution="4k"), ("resolution", "not_offered")),
        (given("1.5 pro", resolution="720P"), ("resolution", "not_offered")),
        (given("2.0 fast", resolution="1080p"), ("resolution", "not_offered")),
        (given("2.5", resolution="4k"), ("resolution", "not_offered")),
        (given("2.5", preset="cometapi", resolution="1080p"), ("resolution", "not_offered")),
        (given("2.5", preset="cometapi-videos", resolution="1080p"), ("resolution", "not_offered")),
        (given("1.0 lite i2v", [IMAGE], resolution="1080p"), ("resolution", "not_offered")),
        (given("1.0 pro", frames=30), ("frames", "out_of_range")),
        (given("1.0 pro", frames=25), ("frames", "out_of_range")),
        (given("1.0 pro", frames=293), ("frames", "out_of_range")),
        (given("1.0 pro", frames=121, duration=5), ("frames", "frames_and_duration")),
        (given("1.5 pro", frames=121), ("frames", "not_supported")),
        (given("1.5 pro", seed=-2), ("seed", "out_of_range")),
        (given("1.5 pro", seed=2147483648), ("seed", "out_of_range")),
        (given("2.0", seed=2147483648), ("seed", "out_of_range")),
        (given("2.0", camera_fixed=False), ("camera_fixed", "not_supported")),
        (given("1.0 lite i2v", [IMAGE], camera_fixed=True), ("camera_fixed", "not_supported")),
        (given("1.0 pro", generate_audio=False), ("generate_audio", "not_supported")),
        (given("2.0", draft=True), ("draft", "not_supported")),
        (given("1.5 pro", draft=True, resolution="720p"), ("resolution", "draft_resolution")),
        (given("1.5 pro", draft=True, return_last_frame=True), ("return_last_frame", "draft_last_frame")),
        (given("1.5 pro", draft=True, service_tier="flex"), ("service_tier", "draft_flex")),
        (given("2.0", service_tier="flex"), ("service_tier", "not_offered")),
        (given("1.5 pro", service_tier="express"), ("service_tier", "unknown_value")),
        (given("1.5 pro", priority=1), ("priority", "not_supported")),
        (given("2.0", priority=10), ("priority", "out_of_range")),
        (given("2.0", priority=-1), ("priority", "out_of_range")),
        (given("2.0", execution_expires_after=3599), ("execution_expires_after", "out_of_range")),
        (given("2.0", execution_expires_after=259201), ("execution_expires_after", "out_of_range")),
        (given("2.0", safety_identifier=""), ("safety_identifier", "safety_identifier_invalid")),
        (given("2.0", safety_identifier="u" * 65), ("safety_identifier", "safety_identifier_invalid")),
        (given("2.0", safety_identifier="船"), ("safety_identifier", "safety_identifier_invalid")),
        (given("2.0", tools=[]), ("tools", "unknown_value")),
        (given("2.0", tools=[{"type": "code"}]), ("tools", "unknown_value")),
        (given("2.0", tools=SEARCH * 2), ("tools", "unknown_value")),
        (given("2.0", [IMAGE], tools=SEARCH), ("tools", "tools_with_media")),
        (given("1.5 pro", tools=SEARCH), ("tools", "not_supported")),
        (given("2.5", output_format="webm"), ("output_format", "not_offered")),
        (given("2.0", output_format="mp4"), ("output_format", "not_supported")),
        (given("2.0", omni_reference_task_type="auto"), ("omni_reference_task_type", "not_supported")),
        (given("2.5", omni_reference_task_type="remix"), ("omni_reference_task_type", "not_offered")),
        (given("2.5", [IMAGE], omni_reference_task_type="edit"), ("omni_reference_task_type", "task_type_needs_video")),
        (given("2.5", omni_reference_task_type="extend"), ("omni_reference_task_type", "task_type_needs_video")),
        (
            given("2.5", [FIRST], omni_reference_task_type="reference"),
            ("omni_reference_task_type", "task_type_needs_reference"),
        ),
        (given("2.5", [VIDEO], omni_reference_task_type="edit", duration=5), ("duration", "edit_duration")),
        (given("2.5", [VIDEO], omni_reference_task_type="edit", ratio="16:9"), ("ratio", "ratio_follows_input")),
        (given("2.5", [VIDEO], omni_reference_task_type="extend", ratio="16:9"), ("ratio", "ratio_follows_input")),
    ],
    ids=str,
)
def test_parameter_the_model_does_not_take_is_refused(request_, violation):
    assert found(**request_) == [violation]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("duration", "5"),
        ("duration", True),
        ("duration", 5.0),
        ("ratio", 169),
        ("resolution", 720),
        ("seed", 4.2),
        ("watermark", "true"),
        ("generate_audio", 0),
        ("return_last_frame", []),
        ("draft", "false"),
        ("service_tier", True),
        ("priority", False),
        ("execution_expires_after", "3600"),
        ("safety_identifier", 7),
        ("tools", {"type": "web_search"}),
        ("output_format", b"mp4"),
        ("omni_reference_task_type", 1),
    ],
)
def test_value_of_another_type_is_refused(name, value):
    assert found("2.5", **{name: value}) == [(name, "wrong_type")]


@pytest.mark.parametrize(("name", "value"), [("frames", "121"), ("camera_fixed", 1)])
def test_value_of_another_type_is_refused_by_older_models_too(name, value):
    assert found("1.0 pro", **{name: value}) == [(name, "wrong_type")]


def test_type_is_not_asked_for_where_no_value_would_do():
    assert found("2.5", frames="121") == [("frames", "not_supported")]


def test_example_is_one_that_this_request_can_have():
    assert str(violations("1.5 pro", draft=True, resolution=720)[-1].hint) == 'Write a value such as "480p".'


def test_number_in_quotes_is_told_apart():
    assert str(violations("2.5", duration="5")[0]) == (
        "duration must be a whole number; '5' is text. Write a value such as 5."
    )


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("callback", "Remove it."),
        ("generate_audios", "Write generate_audio, or remove it."),
        ("Ratio", "Write ratio, or remove it."),
    ],
)
def test_unknown_field_is_refused_with_what_was_meant(name, hint):
    violation = only_errors(violations(**{name: 1}))[0]

    assert (violation.field, violation.code, str(violation.hint)) == (name, "unknown_field", hint)


def test_unknown_field_is_told_the_known_ones():
    message = str(only_errors(violations(colour=1))[0].message)

    assert all(name in message for name in PARAMETERS)


def test_every_problem_is_named_at_once_and_in_order():
    assert found("2.5", prompt=" ", media=[LAST], ratio="5:4", duration=99, colour=1, seed="x") == [
        ("prompt", "prompt_blank"),
        ("media", "first_frame_missing"),
        ("duration", "out_of_range"),
        ("ratio", "not_offered"),
        ("seed", "wrong_type"),
        ("colour", "unknown_field"),
    ]


@pytest.mark.parametrize(
    ("request_", "violation"),
    [
        (given("2.0", seed=7), ("seed", "may_be_ignored")),
        (given("2.0", preset="byteplus", tools=SEARCH), ("tools", "undocumented_here")),
        (given("2.5", preset="byteplus", output_format="mov"), ("output_format", "undocumented_here")),
        (given("2.5", draft=True), ("draft", "unconfirmed")),
        (given("2.5", [VIDEO]), ("omni_reference_task_type", "task_type_unstated")),
        (given("1.5 pro", preset="cometapi", generate_audio=False), ("generate_audio", "may_not_be_forwarded")),
        (given("1.5 pro", preset="cometapi", return_last_frame=True), ("return_last_frame", "may_not_be_forwarded")),
    ],
    ids=str,
)
def test_what_may_not_work_is_a_warning(request_, violation):
    assert found(**request_) == []
    assert advised(**request_) == [violation]


def test_videos_dialect_is_not_asked_for_a_task_type():
    assert advised("2.5", "cometapi-videos", media=[VIDEO]) == []


@pytest.mark.parametrize("request_", [given("2.5", preset="byteplus", output_format="mp4"), given("2.5", draft=False)])
def test_saying_what_is_the_case_anyway_is_no_warning(request_):
    assert advised(**request_) == []


@pytest.mark.parametrize("name", ["duration", "ratio", "resolution"])
def test_inline_parameters_are_documented_on_cometapi(name):
    value = {"duration": 5, "ratio": "16:9", "resolution": "720p"}[name]

    assert advised(preset="cometapi", **{name: value}) == []


@pytest.mark.parametrize("preset", ["cometapi-videos", "emulator-videos"])
@pytest.mark.parametrize("name", [name for name in PARAMETERS if name not in {"duration", "ratio", "resolution"}])
def test_videos_dialect_has_no_place_for_other_parameters(preset, name):
    assert found("2.5", preset, **{name: "x"}) == [(name, "not_carried")]


FINAL = {"prompt": "", "draft_task": "cgt-20260902164158-rqwgv"}


@pytest.mark.parametrize(
    "request_",
    [
        given("1.5 pro"),
        given("1.5 pro", resolution="1080p", watermark=True, return_last_frame=True, service_tier="flex"),
        given("1.5 pro", execution_expires_after=3600, safety_identifier="u1"),
        given("2.5", resolution="1080p"),
    ],
    ids=str,
)
def test_final_video_of_a_draft_is_accepted(request_):
    assert found(**request_, **FINAL) == []


@pytest.mark.parametrize("name", ["generate_audio", "seed", "ratio", "duration", "camera_fixed", "frames", "draft"])
def test_final_video_of_a_draft_inherits(name):
    value = {"generate_audio": True, "seed": 1, "ratio": "16:9", "duration": 5, "camera_fixed": True, "frames": 121}

    assert found("1.5 pro", **FINAL, **{name: value.get(name, True)}) == [(name, "inherited")]


@pytest.mark.parametrize(
    ("request_", "violation"),
    [
        (given("2.0"), ("draft_task_id", "not_supported")),
        (given("1.5 pro", preset="cometapi-videos"), ("draft_task_id", "not_carried")),
        (given("1.5 pro", resolution="4k"), ("resolution", "not_offered")),
        (given("2.5", resolution="720p"), ("resolution", "not_offered")),
        (given("2.5"), ("resolution", "final_resolution")),
    ],
    ids=str,
)
def test_final_video_that_cannot_be_is_refused(request_, violation):
    assert violation in found(**request_, **FINAL)


@pytest.mark.parametrize("task_id", ["cgt 1", "船", "c" * 129])
def test_draft_is_named_by_a_task_id(task_id):
    assert found(prompt="", draft_task=task_id) == [("draft_task_id", "draft_task_id_invalid")]


def test_cometapi_may_drop_the_draft():
    assert ("draft_task_id", "may_not_be_forwarded") in advised(preset="cometapi", **FINAL)


def test_flagship_makes_no_drafts_on_cometapi():
    assert found("2.5", "cometapi", draft=True) == [("draft", "not_supported")]


def test_priority_does_not_go_with_flex():
    catalogue = load({"2.0": {"service_tiers": ["default", "flex"]}})
    inputs = Inputs(model_id("2.0"), "A boat", (), {"priority": 1, "service_tier": "flex"})

    assert [violation.code for violation in check(inputs, HOSTS["ark"], catalogue)] == ["priority_flex"]


@pytest.mark.parametrize(("preset", "expected"), [("ark", [("draft", "unconfirmed")]), ("byteplus", [])])
def test_draft_of_the_newest_model_is_confirmed_where_others_ship_it(preset, expected):
    assert advised("2.5", preset, draft=True, resolution="480p") == expected
