"""A hint that names a value leads to no other refusal of the same field: nobody is sent round in a circle."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedance.catalogue import only_errors
from seedance.catalogue.inputs import MEDIA_ROLES, Inputs
from seedance.catalogue.loading import load
from seedance.catalogue.parameters import PARAMETERS
from seedance.catalogue.rules import check

from .asking import HOSTS, medium, upload, violations

pytestmark = pytest.mark.slow

_VALUES = {
    "duration": [-1, 0, 1, 4, 5, 12, 13, 31, "5", True],
    "ratio": ["16:9", "adaptive", "5:4", 7],
    "resolution": ["480p", "720p", "1080p", "4k", "8k", 720],
    "frames": [28, 29, 121, 500, "29"],
    "seed": [-2, 0, 2**31, "1"],
    "camera_fixed": [True, "true"],
    "watermark": [True, 1],
    "generate_audio": [False, "false"],
    "return_last_frame": [True, "yes"],
    "draft": [True, False, 1],
    "service_tier": ["default", "flex", "turbo", 1],
    "priority": [0, 10, "0"],
    "execution_expires_after": [0, 3600, "3600"],
    "safety_identifier": ["a", 7],
    "tools": [[], [{"type": "web_search"}], "web_search"],
    "output_format": ["mp4", "mov", "gif", 4],
    "omni_reference_task_type": ["auto", "reference", "edit", "extend", "remix", 1],
    "framespersecond": [24],
}
_NAMES = sorted({row.name for host in HOSTS.values() for row in load().models_for(host)})
_ODD_NAMES = ["", "sora-2", "seedance-2-5", "doubao-seedance-2-0", "seedance-1-5-pro", "doubao-seedance-2-0-mini"]
_ROLES = [*MEDIA_ROLES, "", "hero"]


@st.composite
def asked(draw):
    """A request such as somebody may write who has read another host's pages, and its host."""
    host = draw(st.sampled_from(list(HOSTS.values())))
    names = st.one_of(
        st.sampled_from([row.name for row in load().models_for(host)]), st.sampled_from(_NAMES + _ODD_NAMES)
    )
    roles = draw(st.lists(st.sampled_from(_ROLES), max_size=3))
    media = [draw(st.sampled_from([medium, upload]))(role) if role in MEDIA_ROLES else medium(role) for role in roles]
    chosen = draw(st.lists(st.sampled_from(list(_VALUES)), max_size=4, unique=True))
    parameters = {name: draw(st.sampled_from(_VALUES[name])) for name in chosen}
    prompt = draw(st.sampled_from(["A paper boat.", "", "  "]))
    return host, Inputs(draw(names), prompt, tuple(media), parameters, draw(st.sampled_from(["", "", "", "cgt-1"])))


def followed(inputs, field, value):
    """The request with a hint's value in its field."""
    if field == "model":
        return replace(inputs, model_name=value)
    if field == "prompt":
        return replace(inputs, prompt=value)
    if field == "draft_task_id":
        return replace(inputs, draft_task_id=value or "")
    if field == "media":
        return replace(inputs, media=value)
    if match := re.fullmatch(r"media\[(\d+)\]\.role", field):
        media = list(inputs.media)
        media[int(match[1])] = replace(media[int(match[1])], role=value)
        return replace(inputs, media=tuple(media))
    return replace(inputs, parameters={**inputs.parameters, field: value})


def refusals(inputs, host, field):
    """(field, code) of every refusal of a field; the parts of ``media`` are one."""
    root = re.split(r"[.\[]", field)[0]
    found = only_errors(check(inputs, host, load()))
    return {(violation.field, violation.code) for violation in found if re.split(r"[.\[]", violation.field)[0] == root}


@given(asked())
@settings(max_examples=600, deadline=None)
def test_hint_that_is_followed_leads_to_no_other_refusal_of_the_field(case):
    host, inputs = case

    for violation in only_errors(check(inputs, host, load())):
        before = refusals(inputs, host, violation.field)
        for value in violation.suggestions:
            after = refusals(followed(inputs, violation.field, value), host, violation.field)
            assert after <= before - {(violation.field, violation.code)}, (str(violation), value)


@given(asked())
@settings(max_examples=200, deadline=None)
def test_hint_that_says_what_to_write_has_the_value_as_data(case):
    host, inputs = case

    told = [
        violation
        for violation in only_errors(check(inputs, host, load()))
        if str(violation.hint).startswith("Write one of")
    ]

    assert all(violation.suggestions for violation in told)


@pytest.mark.parametrize("family", ["1.5 pro", "1.0 pro"])
@pytest.mark.parametrize("preset", ["cometapi-videos", "emulator-videos"])
def test_nobody_is_told_to_make_a_reference_of_a_first_frame_for_a_model_without_references(preset, family):
    found = violations(family, preset, media=[upload("first_frame")])

    assert [(violation.field, violation.code) for violation in found if violation.is_error] == [
        ("media[0].role", "not_carried")
    ]
    assert "reference_image" not in str(found[-1])


def test_first_frame_becomes_a_reference_where_the_model_takes_one():
    found = violations("2.0", "cometapi-videos", media=[upload("first_frame")])

    assert found[0].suggestions == ("reference_image",)
    assert "Write reference_image" in str(found[0].hint)


def test_every_parameter_of_the_property_is_one():
    assert set(PARAMETERS) < set(_VALUES)
