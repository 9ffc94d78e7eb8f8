"""Tokens agree with every count the provider reported; money is exact, or said to be unknown."""

import datetime
from decimal import Decimal

import pytest

from seedance.catalogue import charge, estimate, load

from .asking import HOSTS, medium, model_id, request, upload


def estimated(family="1.5 pro", preset="ark", **given):
    return estimate(request(family, preset, **given), HOSTS[preset], load())


def charged(family="1.5 pro", preset="ark", **facts):
    return charge(model_id(family, preset), HOSTS[preset], load(), **{"total_tokens": 1_000_000, **facts})


@pytest.mark.parametrize(
    ("family", "resolution", "duration", "video", "tokens"),
    [
        ("1.0 pro", "480p", 5, None, 49005),
        ("1.0 pro", "1080p", 5, None, 246840),
        ("1.5 pro", "720p", 5, None, 108900),
        ("2.0", "720p", 5, None, 108900),
        ("2.0 fast", "480p", 4, None, 40594),
        ("2.5", "480p", 4, None, 38830),
        ("2.5", "480p", 30, None, 288625),
        ("2.5", "1080p", 4, None, 196425),
        ("2.5", "720p", 30, 30.0, 1296900),
    ],
)
def test_tokens_agree_with_what_the_provider_reported(family, resolution, duration, video, tokens):
    media = [upload("reference_video", duration=video)] if video else []

    answer = estimated(family, resolution=resolution, duration=duration, ratio="16:9", media=media)

    assert answer.tokens == tokens


def test_frames_are_counted_as_they_are():
    assert estimated("1.0 pro", resolution="480p", frames=121).tokens == 49005


@pytest.mark.parametrize(
    ("preset", "given", "amount", "currency"),
    [
        ("ark", {"generate_audio": True}, "1.7424", "CNY"),
        ("ark", {"generate_audio": False}, "0.8712", "CNY"),
        ("ark", {"generate_audio": True, "service_tier": "flex"}, "0.8712", "CNY"),
        ("byteplus", {}, "0.2614", "USD"),
        ("byteplus", {"generate_audio": False, "service_tier": "flex"}, "0.0653", "USD"),
        ("emulator", {}, "0.2614", "USD"),
    ],
)
def test_estimate_of_five_seconds_at_720p(preset, given, amount, currency):
    answer = estimated(preset=preset, duration=5, ratio="16:9", **given)

    assert (answer.amount, answer.currency, answer.basis) == (Decimal(amount), currency, "tokens")


def test_estimate_counts_the_default_duration():
    assert estimated(ratio="16:9").tokens == 108900


def test_estimate_with_a_given_video_has_its_own_price():
    answer = estimated("2.0", duration=5, ratio="16:9", media=[upload("reference_video", duration=5.0)])

    assert answer.tokens == 1280 * 720 * 241 // 1024
    assert answer.amount == (answer.tokens * Decimal(28) / 1_000_000).quantize(Decimal("0.0001"))
    assert answer.notes == ()


@pytest.mark.parametrize(
    ("family", "resolution", "published"),
    [
        ("2.0 mini", "480p", "0.19"),
        ("2.0 mini", "720p", "0.41"),
        ("2.0 fast", "480p", "0.30"),
        ("2.0 fast", "720p", "0.64"),
        ("2.0", "480p", "0.39"),
        ("2.0", "720p", "0.84"),
        ("2.0", "1080p", "2.06"),
        ("2.0", "4k", "4.20"),
    ],
)
def test_estimate_with_a_given_video_is_the_published_lower_bound(family, resolution, published):
    media = [upload("reference_video", duration=2.0)]

    answer = estimated(family, "byteplus", resolution=resolution, duration=5, ratio="16:9", media=media)

    assert answer.amount.quantize(Decimal("0.01")) == Decimal(published)


@pytest.mark.parametrize(
    ("family", "preset", "resolution", "seconds", "tokens", "amount"),
    [
        ("2.5", "byteplus", "720p", 30, 1_080_000, "6.9120"),
        ("2.5", "byteplus", "720p", 15, 540_000, "3.4560"),
        ("2.0", "ark", "1080p", 15, 1_215_000, "37.6650"),
        ("2.0", "byteplus", "720p", 5, 194_400, "0.8359"),
    ],
)
def test_estimate_with_a_given_video_is_never_below_the_providers_minimum(
    family, preset, resolution, seconds, tokens, amount
):
    media = [upload("reference_video", duration=2.0)]

    answer = estimated(family, preset, resolution=resolution, duration=seconds, ratio="16:9", media=media)

    assert (answer.tokens, answer.amount) == (tokens, Decimal(amount))
    assert "minimum" in str(answer.notes[0])


@pytest.mark.parametrize("given", [2.0, 3.0, 3.9])
def test_short_given_videos_of_any_length_come_to_the_same_minimum(given):
    media = [upload("reference_video", duration=given)]

    assert estimated("2.0", "byteplus", duration=5, ratio="16:9", media=media).tokens == 194_400


def test_minimum_of_a_given_video_that_nobody_measured_is_said():
    answer = estimated("2.0", duration=5, ratio="16:9", media=[medium("reference_video")])

    assert answer.amount is None
    assert "At least 194400 tokens are billed." in [str(note) for note in answer.notes]


def test_length_left_to_the_model_is_unknown_with_a_given_video_too():
    answer = estimated("2.5", duration=-1, ratio="adaptive", media=[upload("reference_video", duration=2.0)])

    assert (answer.tokens, answer.amount) == (None, None)


OFFER = {"price": "10", "video_input": False, "discount": "0.25", "until": "2026-12-31"}


def offered(day, **line):
    catalogue = load({"2.0 fast": {"prices": {"ark": [{**OFFER, **line}]}}})
    asked = request("2.0 fast", resolution="720p", duration=5, ratio="16:9")
    return estimate(asked, HOSTS["ark"], catalogue, today=datetime.date.fromisoformat(day))


@pytest.mark.parametrize(("day", "amount"), [("2026-12-31", "0.8168"), ("2027-01-01", "1.0890")])
def test_discount_counts_until_its_last_day(day, amount):
    assert offered(day).amount == Decimal(amount)


def test_discount_is_told_with_its_end_and_the_list_price():
    note = str(offered("2026-12-01").notes[0])

    assert note == "Discounted by 25 % until 2026-12-31; the list price is 10."


def test_discount_without_an_end_is_told_and_not_counted():
    catalogue = load({"2.0 fast": {"prices": {"ark": [{"price": "10", "discount": "0.25"}]}}})
    asked = request("2.0 fast", resolution="720p", duration=5, ratio="16:9")

    answer = estimate(asked, HOSTS["ark"], catalogue)

    assert answer.amount == Decimal("1.0890")
    assert "25 %" in str(answer.notes[0])


def test_price_of_the_estimate_outlives_the_discount():
    agreed = offered("2026-12-31").price
    later = load({"2.0 fast": {"prices": {"ark": [{"price": "99"}]}}})

    answer = charge(model_id("2.0 fast"), HOSTS["ark"], later, total_tokens=1_000_000, resolution="720p", agreed=agreed)

    assert answer.amount == Decimal("7.50")


def test_price_of_the_estimate_does_not_hold_for_another_resolution():
    agreed = estimated("2.0", "ark", resolution="720p", duration=5, ratio="16:9").price

    assert charged("2.0", "ark", resolution="1080p", agreed=agreed).amount == Decimal(51)


@pytest.mark.parametrize("family", ["2.0 fast", "2.0 mini"])
def test_offer_of_unknown_end_on_ark_is_mentioned_and_not_counted(family):
    answer = estimated(family, "ark", resolution="720p", duration=5, ratio="16:9")

    assert answer.amount == (answer.tokens * {"2.0 fast": Decimal(37), "2.0 mini": Decimal(23)}[family] / 1_000_000)
    assert "its end is not known" in str(answer.notes[-1])


def test_lite_has_a_weak_price_on_byteplus():
    answer = charged("1.0 lite t2v", "byteplus")

    assert (answer.amount, answer.currency) == (Decimal("1.80"), "USD")
    assert "not confirmed" in str(answer.notes[0])


@pytest.mark.parametrize("name", ["seedance-2-5", "seedance-2-5-260628"])
def test_both_of_cometapis_ids_of_one_model_have_its_price(name):
    answer = estimated(preset="cometapi-videos", name=name, duration=5, resolution="480p", ratio="16:9")

    assert (answer.amount, answer.currency) == (Decimal("0.5150"), "USD")


@pytest.mark.parametrize(("resolution", "amount"), [("480p", "0.5150"), ("720p", "1.1550")])
def test_cometapi_charges_by_the_second(resolution, amount):
    answer = estimated("2.5", "cometapi-videos", duration=5, resolution=resolution)

    assert (answer.amount, answer.currency, answer.basis) == (Decimal(amount), "USD", "seconds")


def test_unpublished_price_is_unknown_and_the_tokens_are_not():
    answer = estimated("1.5 pro", "cometapi", ratio="16:9")

    assert (answer.tokens, answer.amount, answer.basis) == (108900, None, "unknown")
    assert [str(note) for note in answer.notes] == ["No price is published for this."]


def test_flex_price_of_1_0_on_byteplus_is_unknown():
    assert estimated("1.0 pro", "byteplus", service_tier="flex").amount is None


def test_length_left_to_the_model_makes_the_price_unknown():
    answer = estimated(duration=-1, ratio="16:9")

    assert (answer.tokens, answer.amount, answer.basis) == (None, None, "unknown")


def test_given_video_of_unknown_length_makes_the_price_unknown():
    answer = estimated("2.0", duration=5, ratio="16:9", media=[medium("reference_video")])

    assert (answer.tokens, answer.amount) == (None, None)


def test_adaptive_ratio_is_counted_with_the_largest_size():
    answer = estimated(duration=5, resolution="480p")

    assert answer.tokens == 864 * 496 * 121 // 1024
    assert answer.basis == "tokens_at_most"


def test_adaptive_ratio_follows_a_measured_image():
    answer = estimated(duration=5, media=[upload("first_frame", width=1000, height=1010)])

    assert answer.tokens == 960 * 960 * 121 // 1024
    assert answer.basis == "tokens"


def test_adaptive_ratio_follows_a_video_before_an_image():
    media = [upload("reference_image"), upload("reference_video", width=720, height=720)]

    answer = estimated("2.0", duration=5, resolution="480p", media=media)

    assert answer.tokens == 640 * 640 * 241 // 1024


@pytest.mark.parametrize(("sound", "share"), [(True, "0.6"), (False, "0.7")])
def test_draft_is_billed_for_fewer_tokens(sound, share):
    whole = 864 * 496 * 121 // 1024

    answer = estimated(draft=True, duration=5, ratio="16:9", generate_audio=sound)

    assert answer.tokens == int(whole * Decimal(share))


def test_final_video_of_a_draft_is_of_unknown_length():
    answer = estimated(prompt="", draft_task="cgt-1", resolution="1080p")

    assert (answer.tokens, answer.amount) == (None, None)


def test_price_from_a_single_source_is_marked():
    answer = estimated("1.0 lite t2v")

    assert answer.amount is not None
    assert len(answer.notes) == 1


@pytest.mark.parametrize("name", ["ep-20260101000000-abcde", "sora-2", "doubao-seedance-2-0-270101"])
def test_model_outside_the_catalogue_has_no_price(name):
    answer = estimated(name=name, duration=5, ratio="16:9")

    assert (answer.tokens, answer.amount, answer.price) == (None, None, None)


@pytest.mark.parametrize("odd", [{"duration": "5"}, {"duration": True}, {"ratio": 7}, {"resolution": "8k"}])
def test_estimate_of_a_malformed_request_is_unknown(odd):
    assert estimated(**odd).amount is None


@pytest.mark.parametrize(
    ("family", "preset", "facts", "amount"),
    [
        ("2.5", "ark", {"resolution": "720p"}, "70"),
        ("2.5", "ark", {"resolution": "720p", "has_video_input": True}, "42"),
        ("2.5", "byteplus", {"resolution": "1080p"}, "11.70"),
        ("2.0", "ark", {"resolution": "4k"}, "26"),
        ("2.0", "byteplus", {"resolution": "4k", "has_video_input": True}, "2.40"),
        ("1.5 pro", "ark", {"generate_audio": True}, "16"),
        ("1.5 pro", "ark", {"generate_audio": False, "service_tier": "flex"}, "4"),
        ("1.5 pro", "byteplus", {"generate_audio": True, "draft": True}, "2.40"),
        ("1.0 pro fast", "ark", {}, "4.2"),
        ("2.0", "cometapi", {"resolution": "1080p", "seconds": 5}, "1.683"),
    ],
)
def test_charge_of_a_million_tokens(family, preset, facts, amount):
    answer = charged(family, preset, **facts)

    assert (answer.amount, answer.basis) == (Decimal(amount), "usage")


@pytest.mark.parametrize(
    ("family", "preset", "facts"),
    [
        ("1.5 pro", "ark", {"generate_audio": None}),
        ("2.5", "ark", {"resolution": None}),
        ("2.5", "ark", {"resolution": "720p", "total_tokens": None}),
        ("2.5", "cometapi", {"resolution": "720p"}),
        ("1.0 pro", "byteplus", {"service_tier": "flex"}),
    ],
    ids=["sound", "resolution", "tokens", "seconds", "tier"],
)
def test_charge_is_unknown_when_what_decides_it_is(family, preset, facts):
    answer = charged(family, preset, **facts)

    assert (answer.amount, answer.basis) == (None, "unknown")


def test_charge_of_an_unknown_model_keeps_the_tokens():
    answer = charge("ep-1", HOSTS["ark"], load(), total_tokens=7)

    assert (answer.tokens, answer.amount) == (7, None)
