"""The wire, held against the vendor's own client."""

import warnings

import pytest

# The vendor's client warns about its own insides; that is not ours to fix.
pytestmark = pytest.mark.filterwarnings("ignore")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import volcenginesdkarkruntime

from .conftest import MODEL, PROMPT  # noqa: E402


@pytest.fixture
def tasks(emulator):
    client = volcenginesdkarkruntime.Ark(base_url=emulator.ark_url, api_key="k", timeout=10, max_retries=0)
    yield client.content_generation.tasks
    client.close()


@pytest.fixture
def create(tasks):
    def make(**fields):
        return tasks.create(model=MODEL, content=[{"type": "text", "text": PROMPT}], **fields).id

    return make


def test_sdk_creates(emulator, create):
    task_id = create(duration=4)

    (entry,) = emulator.creates
    assert (entry.id, entry.prompt, entry.parameters) == (task_id, PROMPT, {"duration": 4})


def test_sdk_sends_nulls_for_what_is_unset(emulator, create):
    create()

    assert emulator.requests[0].json["seed"] is None


def test_sdk_reads_a_finished_task(emulator, tasks, create):
    task_id = create(duration=4, resolution="480p", ratio="16:9")
    emulator.finish()

    task = tasks.get(task_id=task_id)

    assert (task.status, task.resolution, task.ratio, task.duration) == ("succeeded", "480p", "16:9", 4)
    assert task.usage.completion_tokens == 40594
    assert task.content.video_url.startswith(emulator.url)


def test_sdk_reads_a_failed_task(emulator, tasks, create):
    task_id = create()
    emulator.fail(task_id, "OutputVideoSensitiveContentDetected", "No.")

    task = tasks.get(task_id=task_id)

    assert task.error.code == "OutputVideoSensitiveContentDetected"


def test_sdk_lists(tasks, create):
    first, second, _third = create(), create(), create()

    page = tasks.list(page_num=1, page_size=10, task_ids=[first, second], status="queued")

    assert page.total == 2
    assert {item.id for item in page.items} == {first, second}


def test_sdk_cancels(emulator, tasks, create):
    task_id = create()

    tasks.delete(task_id=task_id)

    assert emulator.tasks[task_id].status == "cancelled"


def test_sdk_understands_a_refusal(tasks):
    with pytest.raises(volcenginesdkarkruntime._exceptions.ArkBadRequestError) as caught:
        tasks.create(model=MODEL, content=[{"type": "text", "text": PROMPT}], duration=99)

    assert caught.value.code == "InvalidParameter"
    assert caught.value.param == "duration"


def test_sdk_understands_an_unknown_task(tasks):
    with pytest.raises(volcenginesdkarkruntime._exceptions.ArkNotFoundError):
        tasks.get(task_id="cgt-unknown")


def test_sdk_understands_a_wrong_key(emulator, tasks):
    emulator.configure(api_keys=["another"])

    with pytest.raises(volcenginesdkarkruntime._exceptions.ArkAuthenticationError):
        tasks.get(task_id="cgt-unknown")
