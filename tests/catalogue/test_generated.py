"""Requests made from the catalogue itself: what a row offers is accepted, and one step beside it is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedance.catalogue import PARAMETERS, Inputs, MediaInput, check, estimate, load, only_errors
from seedance.catalogue.defaults import explicit

from .asking import HOSTS, medium, upload

pytestmark = pytest.mark.slow

ROWS = [(host, row) for host in HOSTS.values() for row in load().models_for(host)]

_ALWAYS = {
    "watermark": st.booleans(),
    "return_last_frame": st.booleans(),
    "execution_expires_after": st.integers(3600, 259_200),
    "safety_identifier": st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=64),
    "seed": st.integers(-1, 2**31 - 1),
    "camera_fixed": st.booleans(),
    "generate_audio": st.booleans(),
    "priority": st.integers(0, 9),
}


def _media_of(host, row, mode):
    make = upload if host.dialect == "openai_video" else medium
    limits = row.limits.references
    frames = {"t2v": [], "i2v": ["first_frame"], "flf2v": ["first_frame", "last_frame"]}
    if mode in frames:
        return st.just(tuple(make(role) for role in frames[mode]))
    images = st.lists(st.just(make("reference_image")), min_size=1, max_size=limits.images)
    if host.dialect == "openai_video":
        return images.map(tuple)
    videos = st.lists(st.just(make("reference_video")), max_size=limits.videos)
    audios = st.lists(st.just(make("reference_audio")), max_size=limits.audios)
    return st.tuples(images, videos, audios).map(lambda lists: tuple(item for each in lists for item in each))


@st.composite
def accepted(draw):
    """A request that keeps to everything its row says, with its host and row."""
    host, row = draw(st.sampled_from(ROWS))
    carried = {"t2v", "r2v"} if host.dialect == "openai_video" else set(row.capabilities.modes)
    mode = draw(st.sampled_from([mode for mode in row.capabilities.modes if mode in carried] or ["i2v"]))
    values = {name: value for name, value in _ALWAYS.items() if row.takes(name, mode) and name in host.carried}
    values["duration"] = st.integers(row.limits.duration.minimum, row.limits.duration.maximum)
    values["ratio"] = st.sampled_from(row.ratios(mode))
    values["resolution"] = st.sampled_from(row.resolutions(mode))
    if "service_tier" in host.carried:
        values["service_tier"] = st.sampled_from(row.capabilities.service_tiers)
    parameters = draw(st.fixed_dictionaries({}, optional=values))
    media = draw(_media_of(host, row, mode))
    return host, row, Inputs(row.name, "A paper boat.", media, parameters)


@given(accepted())
@settings(max_examples=300)
def test_what_a_row_offers_is_accepted(case):
    host, _row, inputs = case

    assert only_errors(check(inputs, host, load())) == []


@given(accepted())
def test_what_is_sent_in_addition_is_accepted_too(case):
    host, _row, inputs = case
    added = explicit(inputs, host, load())

    whole = Inputs(inputs.model_name, inputs.prompt, inputs.media, {**inputs.parameters, **added})

    assert only_errors(check(whole, host, load())) == []
    assert explicit(whole, host, load()) == {}


@given(accepted())
def test_estimate_agrees_with_itself_when_the_defaults_are_said(case):
    host, _row, inputs = case
    added = explicit(inputs, host, load())

    whole = Inputs(inputs.model_name, inputs.prompt, inputs.media, {**inputs.parameters, **added})

    assert estimate(whole, host, load()) == estimate(inputs, host, load())


def _changed(inputs, **parameters):
    return Inputs(inputs.model_name, inputs.prompt, inputs.media, {**inputs.parameters, **parameters})


STEPS_ASIDE = {
    "longer": ("duration", lambda row, inputs: _changed(inputs, duration=row.limits.duration.maximum + 1)),
    "shorter": ("duration", lambda row, inputs: _changed(inputs, duration=row.limits.duration.minimum - 1)),
    "quoted": ("duration", lambda row, inputs: _changed(inputs, duration=str(row.defaults.duration))),
    "other ratio": ("ratio", lambda row, inputs: _changed(inputs, ratio="5:4")),
    "other resolution": ("resolution", lambda row, inputs: _changed(inputs, resolution="8k")),
    "unknown field": ("framespersecond", lambda row, inputs: _changed(inputs, framespersecond=24)),
    "no model": ("model", lambda row, inputs: Inputs("", inputs.prompt, inputs.media, inputs.parameters)),
    "two first frames": (
        "media",
        lambda row, inputs: Inputs(
            inputs.model_name, inputs.prompt, (medium("first_frame"), medium("first_frame")), inputs.parameters
        ),
    ),
    "frames and references": (
        "media",
        lambda row, inputs: Inputs(
            inputs.model_name, inputs.prompt, (medium("first_frame"), medium("reference_image")), inputs.parameters
        ),
    ),
    "one image too many": (
        "media",
        lambda row, inputs: Inputs(
            inputs.model_name,
            inputs.prompt,
            (medium("reference_image"),) * (row.limits.references.images + 1),
            inputs.parameters,
        ),
    ),
}


@pytest.mark.parametrize("step", STEPS_ASIDE)
@given(case=accepted())
@settings(max_examples=40)
def test_one_step_beside_it_is_refused(step, case):
    host, row, inputs = case
    field, aside = STEPS_ASIDE[step]

    violations = only_errors(check(aside(row, inputs), host, load()))

    assert any(violation.field.startswith(field) for violation in violations)


FRAME_ROWS = [(host, row) for host, row in ROWS if "frames" in row.capabilities.parameters and "frames" in host.carried]


@given(st.sampled_from(FRAME_ROWS), st.integers(0, 400))
def test_frames_are_taken_in_steps_of_four(pair, frames):
    host, row = pair
    media = (medium("first_frame"),) * ("i2v" in row.capabilities.modes)

    violations = only_errors(check(Inputs(row.name, "A boat.", media, {"frames": frames}), host, load()))

    assert (violations == []) == (frames in PARAMETERS["frames"].range)


JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.lists(st.integers(), max_size=2)
)


@given(
    host=st.sampled_from(list(HOSTS.values())),
    name=st.one_of(st.sampled_from([row.name for _host, row in ROWS]), st.text(max_size=30)),
    prompt=st.text(max_size=40),
    media=st.lists(
        st.builds(
            MediaInput,
            role=st.one_of(st.sampled_from(["first_frame", "last_frame", "reference_video"]), st.text(max_size=8)),
            url=st.one_of(st.sampled_from(["", "https://", "data:image/png;base64,AAAA"]), st.text(max_size=20)),
        ),
        max_size=3,
    ),
    parameters=st.dictionaries(st.one_of(st.sampled_from(list(PARAMETERS)), st.text(max_size=8)), JUNK, max_size=4),
    draft=st.sampled_from(["", "cgt-1", "not an id"]),
)
@settings(max_examples=300)
def test_any_request_is_judged_in_sentences(host, name, prompt, media, parameters, draft):
    inputs = Inputs(name, prompt, tuple(media), parameters, draft)

    sentences = [str(violation) for violation in check(inputs, host, load())]

    assert all(sentence.strip().endswith((".", "…")) for sentence in sentences)
    assert estimate(inputs, host, load()).basis
