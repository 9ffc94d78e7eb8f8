"""The same verbs through CometAPI's unified dialect, and its Ark-shaped route."""

import pytest

from seedance import lifecycle
from seedance.models import GenerationTask

MODEL = "doubao-seedance-2-0"


@pytest.fixture
def videos(provider, settings):
    """The default provider speaks ``openai_video``."""
    settings.SEEDANCE = {
        "PROVIDERS": {
            "default": {"PRESET": "cometapi-videos", "API_KEY": "sk-of-a-test", "BASE_URL": provider.videos_url}
        }
    }
    return provider


@pytest.fixture
def volc(provider, settings):
    """The default provider is CometAPI's Ark-shaped route."""
    settings.SEEDANCE = {
        "PROVIDERS": {"default": {"PRESET": "cometapi", "API_KEY": "sk-of-a-test", "BASE_URL": provider.volc_url}}
    }
    return provider


def test_unified_dialect_makes_a_video(videos, sent, polled):
    task = sent(model_name=MODEL, ratio="16:9")
    videos.finish()
    task = polled(task)

    lifecycle.archive(lifecycle.claim_archivable())

    task.refresh_from_db()
    assert (task.status, bool(task.video)) == ("succeeded", True)


def test_unified_dialect_says_the_exact_size(videos, sent):
    sent(model_name=MODEL, ratio="16:9")

    assert b'name="size"\r\n\r\n864x496' in videos.requests[-1].body


@pytest.mark.parametrize(
    "setting", [{"videos_upper_case": True}, {"relay_envelope": True}], ids=lambda s: next(iter(s))
)
def test_relay_habits_are_read_correctly(videos, sent, polled, setting):
    videos.configure(**setting)
    task = sent(model_name=MODEL)
    videos.finish()

    task = polled(task)

    assert task.status == "succeeded"
    assert task.video_url


def test_task_that_still_initialises_is_not_lost(videos, sent, polled):
    videos.configure(initialising_seconds=60)
    task = polled(sent(model_name=MODEL))

    assert (task.status, task.attention) == ("queued", "")


def test_uploaded_reference_image_travels_as_a_file(videos, sent, png):
    sent(model_name=MODEL, media=[{"role": "reference_image", "file": png}])

    assert b'name="input_reference"; filename=' in videos.requests[-1].body


@pytest.mark.parametrize("status", [400, 500])
def test_known_fault_of_the_ark_shaped_route_fails_unbilled_with_advice(volc, sent, status):
    volc.fault("comet_parse_error", on="create", status=status)

    task = sent(duration=5)

    assert (task.status, task.error_charged, task.error_code) == ("failed", "no", "json_parse_error")
    assert len(volc.creates) == 0


def test_ark_shaped_route_makes_a_video(volc, sent, polled):
    task = sent()
    volc.finish()
    task = polled(task)

    lifecycle.archive(lifecycle.claim_archivable())

    task.refresh_from_db()
    assert (task.status, bool(task.video)) == ("succeeded", True)


def test_failure_on_a_relay_leaves_open_whether_it_was_billed(volc, sent, polled):
    task = sent()
    volc.fail(code="InternalServiceError", message="x")

    assert polled(task).error_charged == "unknown"


def test_nothing_is_sent_elsewhere_when_a_dialect_fails(volc, sent):
    volc.fail_next(500)

    sent()

    assert GenerationTask.objects.get().status == "unconfirmed"
    assert len([heard for heard in volc.requests if heard.method == "POST"]) == 1
