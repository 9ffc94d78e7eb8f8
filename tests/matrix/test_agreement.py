"""Our rules against the provider's own validation, over real HTTP: what we let through is never refused there.

The emulator is a second reading of the provider's pages, so where both agree neither was misread alone.
"""

import pytest
from hypothesis import HealthCheck, given, settings

from seedance.exceptions import ProviderError
from seedance.lifecycle import get_client
from seedance.provider.types import ContentPart, TaskRequest

from .wishes import ADDRESSES, PROMPT, Wish, lawful, plausible

#: The rows of one test gather in its transaction; nothing carries over from one example to the next.
matrix = settings(
    max_examples=250,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.slow
@matrix
@given(request=lawful())
def test_lawful_wish_is_let_through_and_taken(ask, request):
    verdict = ask(request)

    assert verdict.refusals == ()
    assert verdict.status == "queued", verdict.error


@pytest.mark.slow
@matrix
@given(request=plausible())
def test_plausible_wish_is_refused_by_us_or_taken_there(ask, request):
    verdict = ask(request)

    assert verdict.agrees, verdict.error


# -- Edges, by hand ----------------------------------------------------------------------------------------------------

MODELS = {
    "2.5": "doubao-seedance-2-5-260628",
    "2.0": "doubao-seedance-2-0-260128",
    "2.0 fast": "doubao-seedance-2-0-fast-260128",
    "1.5 pro": "doubao-seedance-1-5-pro-251215",
    "1.0 pro": "doubao-seedance-1-0-pro-250528",
    "1.0 pro fast": "doubao-seedance-1-0-pro-fast-251015",
    "1.0 lite t2v": "doubao-seedance-1-0-lite-t2v-250428",
    "1.0 lite i2v": "doubao-seedance-1-0-lite-i2v-250428",
}
FIRST, LAST, IMAGE, VIDEO, AUDIO = "first_frame", "last_frame", "reference_image", "reference_video", "reference_audio"

LET_THROUGH = [
    ("2.5", [], {"duration": 30}),
    ("2.5", [], {"duration": 4, "resolution": "1080p"}),
    ("2.5", [FIRST], {"ratio": "adaptive"}),
    ("2.5", [FIRST, LAST], {}),
    ("2.5", [AUDIO], {}),
    ("2.5", [IMAGE] * 30 + [VIDEO] * 10 + [AUDIO] * 10, {}),
    ("2.5", [VIDEO], {"omni_reference_task_type": "edit"}),
    ("2.5", [VIDEO], {"omni_reference_task_type": "extend", "ratio": "adaptive", "duration": 30}),
    ("2.5", [IMAGE], {"omni_reference_task_type": "reference", "ratio": "21:9"}),
    ("2.5", [], {"output_format": "mov"}),
    ("2.5", [], {"draft": True}),
    ("2.0", [], {"resolution": "4k"}),
    ("2.0", [], {"resolution": "4K"}),
    ("2.0", [], {"duration": 15, "priority": 9}),
    ("2.0", [IMAGE] * 9 + [VIDEO] * 3 + [AUDIO] * 3, {}),
    ("2.0", [FIRST], {"ratio": "9:16"}),
    ("2.0", [], {"tools": [{"type": "web_search"}]}),
    ("2.0 fast", [IMAGE, AUDIO], {"resolution": "720p"}),
    ("1.5 pro", [], {"duration": 12, "ratio": "adaptive"}),
    ("1.5 pro", [], {"duration": -1}),
    ("1.5 pro", [FIRST, LAST], {"camera_fixed": True, "seed": 2**31 - 1}),
    ("1.5 pro", [], {"draft": True, "resolution": "480p"}),
    ("1.5 pro", [], {"service_tier": "flex"}),
    ("1.0 pro", [], {"duration": 2}),
    ("1.0 pro", [], {"duration": 12}),
    ("1.0 pro", [], {"frames": 29}),
    ("1.0 pro", [FIRST], {"frames": 289, "ratio": "adaptive"}),
    ("1.0 pro fast", [FIRST], {"resolution": "1080p"}),
    ("1.0 lite i2v", [IMAGE] * 4, {"resolution": "720p"}),
    ("1.0 lite i2v", [FIRST, LAST], {"resolution": "1080p", "camera_fixed": True}),
]

REFUSED_BY_BOTH = [
    ("2.5", [], {"duration": 31}),
    ("2.5", [], {"duration": 3}),
    ("2.5", [], {"duration": 0}),
    ("2.5", [FIRST], {"ratio": "16:9"}),
    ("2.5", [FIRST, LAST], {"ratio": "1:1"}),
    ("2.5", [VIDEO], {"omni_reference_task_type": "edit", "ratio": "16:9"}),
    ("2.5", [VIDEO], {"omni_reference_task_type": "edit", "duration": 5}),
    ("2.5", [VIDEO], {"omni_reference_task_type": "extend", "ratio": "16:9"}),
    ("2.5", [IMAGE], {"omni_reference_task_type": "edit"}),
    ("2.5", [], {"omni_reference_task_type": "remix"}),
    ("2.5", [], {"output_format": "gif"}),
    ("2.5", [], {"resolution": "4k"}),
    ("2.5", [], {"draft": True, "resolution": "720p"}),
    ("2.5", [], {"draft": True, "return_last_frame": True}),
    ("2.5", [], {"camera_fixed": True}),
    ("2.0", [AUDIO], {}),
    ("2.0", [], {"duration": 16}),
    ("2.0", [], {"draft": True}),
    ("2.0", [], {"output_format": "mov"}),
    ("2.0 fast", [], {"resolution": "1080p"}),
    ("1.5 pro", [], {"duration": 13}),
    ("1.5 pro", [IMAGE], {}),
    ("1.5 pro", [VIDEO], {}),
    ("1.5 pro", [], {"draft": True, "service_tier": "flex"}),
    ("1.5 pro", [], {"resolution": "4k"}),
    ("1.5 pro", [], {"ratio": "5:4"}),
    ("1.5 pro", [], {"duration": "5"}),
    ("1.5 pro", [], {"duration": 5.0}),
    ("1.5 pro", [], {"duration": True}),
    ("1.5 pro", [], {"watermark": "true"}),
    ("1.5 pro", [], {"tools": "web_search"}),
    ("1.5 pro", [], {"execution_expires_after": 3599}),
    ("1.5 pro", [], {"execution_expires_after": 259_201}),
    ("1.5 pro", [LAST], {}),
    ("1.5 pro", [FIRST, FIRST], {}),
    ("1.5 pro", [LAST, LAST], {}),
    ("1.5 pro", [FIRST, IMAGE], {}),
    ("2.0", [FIRST, VIDEO], {}),
    ("2.0", [LAST, AUDIO], {}),
    ("1.0 pro", [], {"duration": 1}),
    ("1.0 pro", [], {"duration": -1}),
    ("1.0 pro", [], {"frames": 30}),
    ("1.0 pro", [], {"frames": 25}),
    ("1.0 pro", [], {"frames": 293}),
    ("1.0 pro", [], {"ratio": "adaptive"}),
    ("1.0 pro fast", [FIRST, LAST], {}),
    ("1.0 lite t2v", [FIRST], {}),
    ("1.0 lite i2v", [], {}),
    ("1.0 lite i2v", [IMAGE], {"resolution": "1080p"}),
    ("1.0 lite i2v", [IMAGE], {"camera_fixed": True}),
    ("1.0 lite i2v", [IMAGE, VIDEO], {}),
]

#: What the provider takes, and bills, though it was surely not meant.
BILLED_IN_VAIN = [
    ("2.5", [IMAGE] * 31, {}),
    ("2.0", [VIDEO] * 4 + [IMAGE], {}),
    ("1.0 lite i2v", [IMAGE] * 5, {}),
    ("1.5 pro", [], {"service_tier": "turbo"}),
    ("2.0", [], {"service_tier": "flex"}),
    ("1.5 pro", [], {"framespersecond": 60}),
    ("1.5 pro", [], {"hd": True}),
    ("1.5 pro", [], {"dur": 5}),
    ("1.5 pro", [], {"frames": 29}),
    ("1.5 pro", [], {"priority": 5}),
    ("2.0", [], {"priority": 10}),
    ("1.5 pro", [], {"tools": [{"type": "web_search"}]}),
    ("2.0", [IMAGE], {"tools": [{"type": "web_search"}]}),
    ("1.5 pro", [], {"omni_reference_task_type": "edit"}),
    ("1.0 pro", [], {"generate_audio": True}),
    ("1.0 pro", [], {"frames": 29, "duration": 5}),
    ("1.5 pro", [], {"seed": -2}),
    ("1.5 pro", [], {"safety_identifier": "x" * 65}),
]


def edges(cases):
    ids = [f"{family}: {'+'.join(roles[:3])} {parameters}" for family, roles, parameters in cases]
    return pytest.mark.parametrize(("family", "roles", "parameters"), cases, ids=ids)


def bare_request(family, roles, parameters):
    """The same wish as somebody would send it who has no rules."""
    media = [ContentPart(f"{role_kind(role)}_url", ADDRESSES[role_kind(role)], role) for role in roles]
    return TaskRequest(MODELS[family], (ContentPart("text", PROMPT), *media), parameters)


def role_kind(role):
    return {"reference_video": "video", "reference_audio": "audio"}.get(role, "image")


@edges(LET_THROUGH)
def test_edge_within_the_limits_is_taken(ask, family, roles, parameters):
    verdict = ask(Wish("emulator", MODELS[family], PROMPT, tuple(roles), parameters))

    assert (verdict.refusals, verdict.status) == ((), "queued")


@edges(REFUSED_BY_BOTH)
def test_edge_beyond_the_limits_is_refused_here_and_there(ask, places, family, roles, parameters):
    verdict = ask(Wish("emulator", MODELS[family], PROMPT, tuple(roles), parameters))

    assert verdict.refusals
    assert places.requests == []
    with pytest.raises(ProviderError):
        get_client("emulator").create_task(bare_request(family, roles, parameters))


@edges(BILLED_IN_VAIN)
def test_edge_that_would_be_billed_in_vain_is_refused_here(ask, places, family, roles, parameters):
    verdict = ask(Wish("emulator", MODELS[family], PROMPT, tuple(roles), parameters))

    assert verdict.refusals
    assert get_client("emulator").create_task(bare_request(family, roles, parameters)) in places.tasks
