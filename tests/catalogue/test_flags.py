"""Inline flags become parameters and the other way round."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedance.catalogue.flags import MAX_UNKNOWN, lift, lower


@pytest.mark.parametrize(
    ("prompt", "rest", "parameters"),
    [
        ("A boat. --duration 5 --ratio 16:9", "A boat.", {"duration": 5, "ratio": "16:9"}),
        ("A boat. --dur -1 --rt adaptive", "A boat.", {"duration": -1, "ratio": "adaptive"}),
        ("A boat --rs 1080P", "A boat", {"resolution": "1080p"}),
        ("A boat --resolution 4K", "A boat", {"resolution": "4k"}),
        ("--seed 42 A boat", "A boat", {"seed": 42}),
        ("A boat --cf true\n--wm FALSE", "A boat", {"camera_fixed": True, "watermark": False}),
        ("A boat --camerafixed false --watermark true", "A boat", {"camera_fixed": False, "watermark": True}),
        ("A  boat --frames 121  sails", "A  boat  sails", {"frames": 121}),
        ("A boat --duration=7", "A boat", {"duration": 7}),
        ("A boat --Duration 7", "A boat", {"duration": 7}),
        ("line one --dur 5\nline two", "line one\nline two", {"duration": 5}),
        ("A boat --fps 24", "A boat", {}),
        ("A boat --dur 5 --duration 5", "A boat", {"duration": 5}),
        ("A well--duration 5 boat", "A well--duration 5 boat", {}),
        ("A boat -- a small one", "A boat -- a small one", {}),
        ("  A boat  ", "A boat", {}),
        ("", "", {}),
    ],
)
def test_flag_becomes_a_parameter(prompt, rest, parameters):
    lifted = lift(prompt)

    assert (lifted.prompt, lifted.parameters, lifted.violations) == (rest, parameters, [])


@pytest.mark.parametrize(
    ("prompt", "field"),
    [
        ("A boat --duration five", "duration"),
        ("A boat --dur 5s", "duration"),
        ("A boat --dur 5.0", "duration"),
        ("A boat --ratio", "ratio"),
        ("A boat --ratio --wm true", "ratio"),
        ("A boat --ratio 16x9", "ratio"),
        ("A boat --rs HD", "resolution"),
        ("A boat --cf yes", "camera_fixed"),
        ("A boat --seed 9999999999999", "seed"),
        ("A boat --duration ٥", "duration"),
        ("A boat --fps many", "prompt"),
        ("A boat --dur5", "duration"),
        ("A boat --duration: 5", "duration"),
        ("A boat --ratio-wide 16:9", "ratio"),
    ],
)
def test_unreadable_flag_is_an_error_on_its_field(prompt, field):
    violation = lift(prompt).violations[0]

    assert (violation.field, violation.code, violation.severity) == (field, "unreadable_flag", "error")


def test_unreadable_flag_says_what_to_write():
    assert str(lift("A boat --dur five").violations[0]) == (
        "The flag --dur in the prompt cannot be five. Write for example --dur 5, or remove the flag."
    )


def test_unknown_flag_stays_and_is_a_warning():
    lifted = lift("A boat --hd true --duration 5")

    assert lifted.prompt == "A boat --hd true"
    assert [(violation.field, violation.code, violation.severity) for violation in lifted.violations] == [
        ("prompt", "unknown_flag", "warning")
    ]


def test_flag_given_twice_with_different_values_is_an_error():
    lifted = lift("A boat --dur 5 --duration 10")

    assert [(violation.field, violation.code) for violation in lifted.violations] == [("duration", "conflicting_flags")]


def test_other_frame_rate_is_dropped_with_a_warning():
    lifted = lift("A boat --framespersecond 30")

    assert lifted.prompt == "A boat"
    assert [(violation.code, violation.severity) for violation in lifted.violations] == [
        ("frame_rate_fixed", "warning")
    ]


@pytest.mark.parametrize("filler", [" ", "--a ", "--duration ", "- "], ids=["spaces", "unknown", "empty", "dashes"])
def test_long_prompt_is_read_without_backtracking(filler):
    prompt = f"A boat{filler * 50_000}--seed 42"

    assert lift(prompt).parameters["seed"] == 42


def test_lower_writes_the_sample_of_the_provider():
    assert lower({"ratio": "16:9", "duration": 5}) == ("--duration 5 --ratio 16:9", {})


def test_lower_leaves_what_has_no_inline_form():
    suffix, rest = lower({"draft": True, "seed": None, "watermark": False, "camera_fixed": True})

    assert suffix == "--camerafixed true --watermark false"
    assert rest == {"draft": True}


def test_lower_of_nothing_is_nothing():
    assert lower({}) == ("", {})


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "duration": st.integers(-1, 30),
            "ratio": st.sampled_from(["16:9", "9:16", "adaptive"]),
            "resolution": st.sampled_from(["480p", "4k"]),
            "frames": st.integers(29, 289),
            "seed": st.integers(-1, 2**31 - 1),
            "camera_fixed": st.booleans(),
            "watermark": st.booleans(),
        },
    )
)
def test_what_was_lowered_is_lifted_again(parameters):
    suffix, rest = lower(parameters)

    lifted = lift(f"A boat. {suffix}")

    assert (lifted.prompt, lifted.parameters, lifted.violations, rest) == ("A boat.", parameters, [], {})


@given(st.text(alphabet=st.sampled_from("-ab 5\nduration=:"), max_size=60))
def test_lifting_twice_changes_nothing_more(prompt):
    once = lift(prompt)

    again = lift(once.prompt)

    assert again.prompt == once.prompt


@pytest.mark.parametrize("word", ["--a ", "--dur x ", "--dur 5 ", "--a--b", "-- ", "--dur    "])
def test_prompt_full_of_flags_is_read_in_one_pass_and_told_of_once(word):
    assert len(lift(word * 100_000).violations) <= 2


def test_only_the_first_unknown_words_are_told_of():
    prompt = " ".join(f"--{first}{second}" for first in "xyz" for second in "abcdefgh")

    assert len(lift(f"{prompt} --dur x").violations) == MAX_UNKNOWN + 1
