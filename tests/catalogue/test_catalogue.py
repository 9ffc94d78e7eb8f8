"""The facts are complete, and a model is found by the name its host gives it."""

import tomllib
from pathlib import Path

import pytest

from seedance.catalogue import loading
from seedance.catalogue.host import Host
from seedance.catalogue.loading import load
from seedance.catalogue.parameters import PARAMETERS

from .asking import HOSTS

FAMILIES = load().families
FACTS = tomllib.loads(Path(loading.__file__).with_name("models.toml").read_text("utf-8"))
LISTED = [(preset, row) for preset, host in HOSTS.items() for row in load().models_for(host)]
LISTED_IDS = [f"{preset}: {row.family}" for preset, row in LISTED]
every_listed_row = pytest.mark.parametrize(("preset", "row"), LISTED, ids=LISTED_IDS)


@pytest.mark.parametrize("family", FAMILIES)
def test_family_has_an_id_or_an_explicit_absence_for_every_preset(family):
    ids = load().row(family, HOSTS["ark"]).ids

    assert set(ids) == {"ark", "byteplus", "cometapi", "cometapi-videos", "emulator"}


@every_listed_row
def test_row_has_a_size_for_every_resolution_and_ratio(preset, row):
    missing = [
        (resolution, ratio)
        for resolution in row.limits.resolutions
        for ratio in row.limits.ratios
        if row.size(resolution, ratio) is None
    ]

    assert missing == []


@every_listed_row
def test_row_has_a_default_ratio_on_offer_in_every_mode(preset, row):
    wrong = [mode for mode in row.capabilities.modes if row.defaults.ratio[mode] not in row.ratios(mode)]

    assert wrong == []


@every_listed_row
def test_row_has_defaults_within_its_limits(preset, row):
    assert row.limits.duration.minimum <= row.defaults.duration <= row.limits.duration.maximum
    assert row.defaults.resolution in row.limits.resolutions


@every_listed_row
def test_row_names_only_parameters_there_are(preset, row):
    named = {*row.capabilities.parameters, *row.capabilities.ignored, *row.capabilities.undocumented}

    assert named <= set(PARAMETERS)


@every_listed_row
def test_row_can_say_what_sound_is_by_default_when_it_makes_sound(preset, row):
    assert (row.defaults.generate_audio is not None) == ("generate_audio" in row.capabilities.parameters)


@every_listed_row
def test_row_has_limits_for_clips_when_it_takes_clips(preset, row):
    takes_clips = row.limits.references.videos + row.limits.references.audios > 0

    assert (row.limits.clips is not None) == takes_clips


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("preset", ["ark", "byteplus", "cometapi"])
def test_family_has_a_price_list_or_an_explicitly_empty_one(family, preset):
    prices = FACTS["families"][family]["prices"]

    assert isinstance(prices[preset], list)


@pytest.mark.parametrize(
    ("family", "preset"),
    [(family, preset) for family in FAMILIES for preset in ("ark", "byteplus") if "lite" not in family],
)
def test_price_list_has_one_price_for_every_resolution(family, preset):
    row = load().row(family, HOSTS[preset])
    unpriced = [
        resolution
        for resolution in row.limits.resolutions
        if not any(not rate.resolutions or resolution in rate.resolutions for rate in row.prices)
    ]

    assert unpriced == []


@every_listed_row
def test_find_returns_the_row_of_its_name(preset, row):
    assert load().find(row.name, HOSTS[preset]) is row


@pytest.mark.parametrize(
    ("preset", "name"),
    [
        ("ark", "dreamina-seedance-2-0-260128"),
        ("ark", "doubao-seedance-2-0"),
        ("ark", "Doubao-Seedance-2-0-260128"),
        ("cometapi", "doubao-seedance-2-0-mini-260615"),
        ("cometapi-videos", "doubao-seedance-2-0-260128"),
        ("ark", ""),
        ("cometapi", ""),
    ],
)
def test_find_knows_no_name_of_another_host(preset, name):
    assert load().find(name, HOSTS[preset]) is None


def test_emulator_understands_the_ids_of_both_ark_hosts():
    catalogue, emulator = load(), HOSTS["emulator"]

    ark = catalogue.find("doubao-seedance-1-5-pro-251215", emulator)
    byteplus = catalogue.find("seedance-1-5-pro-251215", emulator)

    assert ark is byteplus is catalogue.row("1.5 pro", emulator)


def test_emulator_in_the_videos_dialect_understands_the_undated_names():
    row = load().find("seedance-2-5", HOSTS["emulator-videos"])

    assert row is not None
    assert row.family == "2.5"


def test_models_for_ark_come_best_first():
    names = [row.family for row in load().models_for(HOSTS["ark"])]

    assert names == list(FAMILIES)
    assert names[0] == "2.5"


def test_models_for_cometapi_leave_out_what_it_does_not_list():
    names = [row.family for row in load().models_for(HOSTS["cometapi-videos"])]

    assert names == ["2.5", "2.0", "2.0 fast", "1.5 pro", "1.0 pro"]


def test_models_for_an_unknown_host_are_none():
    assert load().models_for(Host("elsewhere")) == []


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("doubao-seedance-2-0-fast-270101", "2.0 fast"),
        ("dreamina-seedance-2-5-270101", "2.5"),
        ("doubao-seedance-2-0-turbo-270101", "2.0"),
        ("doubao-seedance-2.0", "2.0"),
        ("doubao-seedance-1-0-lite-250428", "1.0 lite t2v"),
        ("doubao-seedance-1-0-pro-fast-270101", "1.0 pro fast"),
        ("doubao-seedance-3-0-270101", "2.5"),
        ("seedance-1-5-pro-251215", "1.5 pro"),
        ("ep-20260101000000-abcde", "2.5"),
    ],
)
def test_nearest_finds_the_family_a_name_resembles(name, family):
    assert load().nearest(name).family == family


@pytest.mark.parametrize("name", ["sora-2", "", "doubao-seedream-4-0-250828"])
def test_nearest_finds_nothing_for_other_models(name):
    assert load().nearest(name) is None


def test_cometapi_is_stricter_than_ark():
    catalogue = load()

    assert catalogue.row("1.0 pro", HOSTS["ark"]).limits.duration.maximum == 12
    assert catalogue.row("1.0 pro", HOSTS["cometapi"]).limits.duration.maximum == 10
    assert catalogue.row("1.0 pro", HOSTS["cometapi-videos"]).limits.duration.minimum == 2
    assert "1080p" not in catalogue.row("2.5", HOSTS["cometapi"]).limits.resolutions


def test_videos_dialect_knows_no_adaptive_ratio():
    row = load().row("2.0", HOSTS["cometapi-videos"])

    assert "adaptive" not in row.ratios("t2v")
    assert row.defaults.ratio["t2v"] == "16:9"


@pytest.mark.parametrize(
    ("family", "resolution", "ratio", "size"),
    [
        ("1.0 pro", "1080p", "16:9", (1920, 1088)),
        ("1.5 pro", "480p", "16:9", (864, 496)),
        ("2.0", "4K", "21:9", (4398, 1886)),
        ("2.5", "480p", "9:16", (480, 854)),
        ("2.5", "4k", "16:9", None),
        ("2.0", "720p", "adaptive", None),
        ("2.0 fast", "1080p", "16:9", None),
    ],
)
def test_size_of_resolution_and_ratio(family, resolution, ratio, size):
    assert load().row(family, HOSTS["ark"]).size(resolution, ratio) == size


def test_built_in_catalogue_is_read_once():
    assert load() is load({})
