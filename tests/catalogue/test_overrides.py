"""What a site may add to the catalogue, and what it is told when it wrote something else."""

from decimal import Decimal

import pytest

from seedance.catalogue import CatalogueError, check_overrides, load

from .asking import HOSTS

NEW = {"like": "2.5", "title": "Seedance 3.0", "ids": {"ark": "doubao-seedance-3-0-270101"}}


def test_override_of_an_id_reaches_the_emulator_too():
    catalogue = load({"2.5": {"ids": {"ark": "doubao-seedance-2-5-270101"}}})

    assert catalogue.find("doubao-seedance-2-5-270101", HOSTS["ark"]).family == "2.5"
    assert catalogue.find("doubao-seedance-2-5-270101", HOSTS["emulator"]).family == "2.5"


def test_override_changes_one_key_of_a_table_and_leaves_the_others():
    row = load({"1.5 pro": {"duration": {"max": 20}}}).row("1.5 pro", HOSTS["ark"])

    assert (row.limits.duration.minimum, row.limits.duration.maximum) == (4, 20)


def test_override_leaves_the_built_in_catalogue_alone():
    load({"1.5 pro": {"duration": {"max": 20}}})

    assert load().row("1.5 pro", HOSTS["ark"]).limits.duration.maximum == 12


def test_override_adds_a_family_that_resembles_another():
    row = load({"3.0": NEW}).find("doubao-seedance-3-0-270101", HOSTS["ark"])

    assert row.title == "Seedance 3.0"
    assert row.limits.duration.maximum == 30


def test_new_family_does_not_inherit_prices_or_ids():
    row = load({"3.0": NEW}).row("3.0", HOSTS["byteplus"])

    assert row.prices == ()
    assert row.name == ""


def test_override_takes_prices_as_decimals():
    prices = {"ark": [{"price": Decimal("12.5"), "audio": True}]}

    row = load({"1.5 pro": {"prices": prices}}).row("1.5 pro", HOSTS["ark"])

    assert [(rate.price, rate.currency) for rate in row.prices] == [(Decimal("12.5"), "CNY")]


def test_override_dates_its_facts():
    row = load({"1.5 pro": {"verified": "2027-01-31"}}).row("1.5 pro", HOSTS["ark"])

    assert row.verified.isoformat() == "2027-01-31"


def test_same_overrides_are_read_once():
    assert load({"3.0": NEW}) is load({"3.0": dict(NEW)})


def test_good_overrides_have_no_problems():
    assert check_overrides({"3.0": NEW, "2.0": {"on": {"ark": {"resolutions": ["480p", "720p"]}}}}) == []


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ([], 'SEEDANCE["MODELS"] must be a dict'),
        ({"2.5": 3}, 'SEEDANCE["MODELS"]["2.5"] must be a dict'),
        ({7: {}}, 'SEEDANCE["MODELS"][7]: write the family\'s name as a string'),
        ({"9": {}}, 'SEEDANCE["MODELS"]["9"] is no known family: write one of "2.5"'),
        ({"9": {"like": "2.5"}}, 'write "title" too'),
        (
            {"9": {"like": "8", "title": "X", "ids": {}}},
            '["9"]["like"] names "8", which is no known family: write one of "2.5"',
        ),
        ({"9": {"like": ["2.5"], "title": "X", "ids": {}}}, '["9"]["like"] must be a non-empty string'),
        ({"2.5": {"like": "2.0"}}, '["2.5"]["like"]: remove it'),
        ({"2.5": {"colour": "red"}}, '["2.5"]["colour"] is not a key of a model'),
        ({"2.5": {"title": ""}}, '["title"] must be a non-empty string'),
        ({"2.5": {"state": "new"}}, '["state"] must be one of current, retiring, historical'),
        ({"2.5": {"verified": "soon"}}, '["verified"] must be a date'),
        ({"2.5": {"ids": {"ark": None}}}, '["ids"]["ark"] must be the model\'s id'),
        ({"2.5": {"ids": {"ark": [1]}}}, "or a list of ids"),
        ({"2.5": {"video_floor": "five"}}, "must be a number of seconds as text"),
        (
            {"2.5": {"prices": {"ark": [{"price": "1", "discount": "25"}]}}},
            '["prices"]["ark"][0]["discount"] must be the part that is taken off',
        ),
        (
            {"2.5": {"prices": {"ark": [{"price": "1", "until": "soon"}]}}},
            '["prices"]["ark"][0]["until"] must be a date',
        ),
        ({"2.5": {"ids": {"comet": "x"}}}, '["ids"]["comet"] is not a key'),
        ({"2.5": {"ids": "x"}}, '["ids"] must be a dict'),
        ({"2.5": {"duration": {"min": "4"}}}, '["duration"]["min"] must be a whole number'),
        ({"2.5": {"duration": {"auto": 1}}}, '["duration"]["auto"] must be True or False'),
        ({"2.5": {"duration": {"min": 6}}}, "min <= default <= max"),
        ({"2.5": {"modes": ["t2v", "v2v"]}}, '["modes"] must be a list of t2v'),
        ({"2.5": {"parameters": "seed"}}, '["parameters"] must be a list of duration'),
        ({"2.5": {"ratios": [16]}}, '["ratios"] must be a list of strings'),
        ({"2.5": {"resolutions": ["480p"]}}, '["default_resolution"]: write one of 480p'),
        ({"2.5": {"ratios": ["5:4"]}}, '["sizes"]: write width and height of 480p at 5:4'),
        ({"1.0 lite t2v": {"modes": ["t2v", "r2v"]}}, '["ratio"]: write the default ratio of mode r2v'),
        ({"2.5": {"sizes": {"480p": {"16:9": [1]}}}}, '["sizes"] must be a built-in size table'),
        ({"2.5": {"sizes": "9.9"}}, '["sizes"]: write width and height'),
        ({"2.5": {"prices": {"ark": "70"}}}, '["prices"]["ark"] must be a list'),
        ({"2.5": {"prices": {"ark": [{"amount": "70"}]}}}, 'each have a "price"'),
        ({"2.5": {"prices": {"ark": [{"price": 0.1}]}}}, '["prices"]["ark"][0]["price"] must be an amount as a string'),
        (
            {"2.5": {"prices": {"ark": [{"price": "cheap"}]}}},
            '["prices"]["ark"][0]["price"] must be an amount as a string',
        ),
        (
            {"2.5": {"prices": {"ark": [{"price": "1", "tier": "flex"}]}}},
            '["prices"]["ark"][0]["tier"] is not a key of a model: write one of price',
        ),
        ({"2.5": {"on": {"ark": {"title": "X"}}}}, '["on"]["ark"]["title"] is not a key'),
        ({"2.5": {"on": {"ark": {"duration": {"max": 3}}}}}, '["on"]["ark"]["duration"]: write min'),
    ],
)
def test_bad_override_is_named_with_its_cure(overrides, sentence):
    violations = check_overrides(overrides)

    assert any(sentence in violation for violation in violations), violations


def test_load_refuses_bad_overrides():
    with pytest.raises(CatalogueError, match="colour"):
        load({"2.5": {"colour": "red"}})


def test_site_may_name_several_ids_of_one_model():
    catalogue = load({"2.5": {"ids": {"ark": ["doubao-seedance-2-5-270101", "doubao-seedance-2-5-260628"]}}})

    found = [catalogue.find(f"doubao-seedance-2-5-{date}", HOSTS["ark"]) for date in (270101, 260628)]

    assert [row.name for row in found] == ["doubao-seedance-2-5-270101"] * 2


def test_site_may_end_the_minimum_of_given_videos():
    assert load({"2.0": {"video_floor": ""}}).row("2.0", HOSTS["ark"]).video_floor is None
