"""The main job, end to end: from a wish to a stored, playable video, over real HTTP and a real database."""

import av
import pytest

from seedance import tasks
from seedance.models import GenerationTask, Status

from .conftest import SAMPLE_MODEL, SAMPLE_PROMPT, run_to_the_end

pytestmark = pytest.mark.django_db


def test_sample_request_becomes_a_playable_video(provider):
    task = GenerationTask.objects.create_task(
        prompt=f"{SAMPLE_PROMPT} --duration 5 --ratio 16:9", model_name=SAMPLE_MODEL, submit=True
    )

    run_to_the_end(provider, task)

    assert task.status == Status.SUCCEEDED
    with task.video.open("rb") as file, av.open(file) as video:
        stream = video.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 1280, 720)
        assert float(video.duration / av.time_base) == pytest.approx(5, abs=0.1)


def test_sample_request_on_cometapi_is_the_documented_call(provider, settings):
    settings.SEEDANCE = {
        "PROVIDERS": {"default": {"PRESET": "cometapi", "API_KEY": "k", "BASE_URL": f"{provider.url}/volc/v3"}}
    }
    GenerationTask.objects.create_task(
        prompt=SAMPLE_PROMPT, model_name=SAMPLE_MODEL, duration=5, ratio="16:9", submit=True
    )

    tasks.send_pending()

    assert provider.requests[-1].json == {
        "model": SAMPLE_MODEL,
        "content": [{"type": "text", "text": f"{SAMPLE_PROMPT} --duration 5 --ratio 16:9"}],
    }
