"""A model is one of the host's, or the answer names the one that was meant."""

import pytest

from seedance.catalogue import load

from .asking import HOSTS, advised, found, violations


@pytest.mark.parametrize("preset", list(HOSTS))
def test_every_listed_model_is_accepted(preset):
    names = [row.name for row in load().models_for(HOSTS[preset])]

    refused = [name for name in names if "model" in dict(found(preset=preset, name=name))]

    assert refused == []


@pytest.mark.parametrize(
    ("preset", "name", "code"),
    [
        ("ark", "", "model_required"),
        ("ark", "  ", "model_required"),
        ("ark", "seedance-1-5-pro-251215", "model_of_other_host"),
        ("byteplus", "doubao-seedance-1-5-pro-251215", "model_of_other_host"),
        ("cometapi", "dreamina-seedance-2-0-260128", "model_of_other_host"),
        ("cometapi-videos", "doubao-seedance-1-5-pro-251215", "model_of_other_host"),
        ("ark", "doubao-seedance-1-5-pro", "model_undated"),
        ("byteplus", "seedance-1-5-pro", "model_undated"),
        ("ark", "seedance-2-5", "model_undated"),
        ("emulator-videos", "doubao-seedance-2-0-mini-260615", "model_not_offered"),
        ("emulator-videos", "doubao-seedance-2-0-mini", "model_not_offered"),
        ("cometapi", "dreamina-seedance-2-0-mini-260615", "model_not_offered"),
        ("ark", "sora-2", "unknown_model"),
        ("ark", "doubao-seedance-9", "unknown_model"),
        ("ark", "doubao-seedance-1-5-pro-251215 ", "unknown_model"),
        ("cometapi-videos", "ep-20260101000000-abcde", "unknown_model"),
    ],
)
def test_name_that_is_not_the_hosts_is_refused(preset, name, code):
    assert ("model", code) in found(preset=preset, name=name)


@pytest.mark.parametrize(
    ("preset", "name", "hint"),
    [
        ("ark", "seedance-1-5-pro-251215", "Write doubao-seedance-1-5-pro-251215."),
        ("ark", "doubao-seedance-1-5-pro", "Write doubao-seedance-1-5-pro-251215."),
        ("byteplus", "doubao-seedance-2-0", "Write dreamina-seedance-2-0-260128."),
        ("cometapi-videos", "doubao-seedance-2-5-260628", "Write seedance-2-5."),
    ],
)
def test_cure_names_the_id_to_write(preset, name, hint):
    assert str(violations(preset=preset, name=name)[0].hint) == hint


def test_unknown_model_lists_what_one_may_pick():
    message = str(violations(name="sora-2")[0].message)

    assert message.startswith("There is no model sora-2; this provider offers doubao-seedance-2-5-260628, doubao-")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("ep-20260101000000-abcde", "endpoint_id"),
        ("doubao-seedance-1-5-pro-270101", "model_unlisted"),
        ("doubao-seedance-4-0-270101", "model_unlisted"),
    ],
)
def test_name_the_catalogue_cannot_know_is_a_warning(name, code):
    assert found(name=name) == []
    assert ("model", code) in advised(name=name)


def test_rules_of_the_nearest_model_only_advise():
    given = {
        "name": "doubao-seedance-1-5-pro-270101",
        "duration": 60,
        "frames": 121,
        "resolution": "8k",
        "ratio": "5:4",
    }

    assert found(**given) == [("frames", "frames_and_duration")]
    assert advised(**given) == [
        ("model", "model_unlisted"),
        ("duration", "out_of_range"),
        ("ratio", "not_offered"),
        ("resolution", "not_offered"),
        ("frames", "not_supported"),
    ]


def test_types_are_strict_for_any_model():
    assert ("duration", "wrong_type") in found(name="ep-20260101000000-abcde", duration="5")


@pytest.mark.parametrize("preset", ["cometapi", "cometapi-videos"])
@pytest.mark.parametrize(
    "name",
    ["seedance-2-0", "doubao-seedance-2-0-mini", "doubao-seedance-2-0-mini-260615", "seedance-1-5-pro"],
)
def test_vendor_spelling_passes_on_a_relay_with_a_warning(preset, name):
    assert found(preset=preset, name=name) == []
    assert ("model", "model_unlisted") in advised(preset=preset, name=name)


@pytest.mark.parametrize(
    "name", ["seedance-2-5", "seedance-2-5-260628", "doubao-seedance-2-0", "doubao-seedance-2-0-fast"]
)
def test_other_ids_of_the_relay_are_ids_of_the_same_model_with_a_warning(name):
    assert load().find(name, HOSTS["cometapi"]) is not None
    assert found(preset="cometapi", name=name) == []
    assert ("model", "model_unlisted") in advised(preset="cometapi", name=name)


@pytest.mark.parametrize("family", ["2.5", "2.0", "2.0 fast", "1.0 pro"])
def test_id_that_no_page_of_the_relay_has_is_a_warning(family):
    assert ("model", "model_unlisted") in advised(family, "cometapi")


def test_id_of_the_relays_own_page_comes_first_and_without_a_warning():
    assert load().models_for(HOSTS["cometapi"])[0].name == "doubao-seedance-1-5-pro-251215"
    assert violations("1.5 pro", "cometapi") == []


def test_size_that_only_an_article_of_the_relay_has_is_a_warning():
    assert found("2.0", "cometapi-videos", resolution="4k") == []
    assert ("resolution", "undocumented_here") in advised("2.0", "cometapi-videos", resolution="4k")


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("doubao-seedance-2-0-260128-0818", "Seedance 2.0"),
        ("doubao-seedance-2-0-fast-260128-0818", "Seedance 2.0 fast"),
    ],
)
def test_id_with_something_behind_its_date_is_not_refused(name, title):
    assert found(name=name) == []
    assert f"the rules of {title} are" in str(violations(name=name)[0].message)


def test_ark_id_that_cometapi_does_not_list_keeps_its_own_rules():
    name = "doubao-seedance-2-0-mini-260615"

    assert found(preset="cometapi", name=name, duration=60) == [("duration", "out_of_range")]
    assert ("model", "model_unlisted") in advised(preset="cometapi", name=name)


def test_retiring_model_is_a_warning():
    warnings = [violation.code for violation in violations("1.5 pro") if not violation.is_error]

    assert warnings == ["model_retiring"]


@pytest.mark.parametrize("preset", ["cometapi", "cometapi-videos", "emulator"])
def test_model_that_retires_on_ark_is_current_elsewhere(preset):
    assert violations("1.5 pro", preset) == []


def test_model_of_another_host_is_still_held_against_its_rules():
    assert ("duration", "out_of_range") in found(name="seedance-1-5-pro-251215", duration=13)
