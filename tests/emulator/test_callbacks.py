"""Pushes to the callback address, orderly and otherwise."""

import threading

import pytest

from seedance.emulator import Emulator

from .conftest import ArkClient


@pytest.fixture
def pushed(emulator, ark, receiver):
    """Let one task with a callback live its whole life; returns its id."""

    def live(prompt="A cat", **fields):
        task_id = ark.new(prompt, callback_url=receiver.url, **fields)
        emulator.clock.advance(100)
        assert emulator.wait_for_callbacks()
        return task_id

    return live


def test_every_status_is_pushed_in_order(receiver, pushed):
    pushed()

    assert receiver.statuses == ["queued", "running", "succeeded"]
    assert receiver.targets[0] == "/callback?token=x"


def test_push_equals_the_query_answer(ark, receiver, pushed):
    task_id = pushed()

    assert receiver.bodies[-1] == ark.show(task_id)


def test_failure_is_pushed(receiver, pushed):
    pushed("A cat [[fail:InternalServiceError]]")

    assert receiver.statuses == ["queued", "running", "failed"]


def test_cancelling_is_not_pushed(emulator, ark, receiver):
    task_id = ark.new(callback_url=receiver.url)

    ark.delete(task_id)
    emulator.wait_for_callbacks()

    assert receiver.statuses == ["queued"]


def test_comet_flavour_pushes_too(emulator, volc, receiver):
    volc.new(callback_url=receiver.url)

    emulator.clock.advance(100)
    emulator.wait_for_callbacks()

    assert receiver.statuses == ["queued", "running", "succeeded"]


def test_final_push_is_repeated_until_acknowledged(emulator, receiver, pushed):
    receiver.answers = [204, 204, 500, 500]
    pushed()

    emulator.clock.advance(1)
    emulator.wait_for_callbacks()
    emulator.clock.advance(1)
    emulator.wait_for_callbacks()

    assert receiver.statuses == ["queued", "running", "succeeded", "succeeded", "succeeded"]
    assert [each.attempt for each in emulator.callbacks][2:] == [1, 2, 3]


def test_final_push_is_repeated_three_times_at_most(emulator, receiver, pushed):
    emulator.configure(callback_retry_seconds=0, callback_retries=3)
    receiver.answers = [204, 204] + [500] * 10
    pushed()

    # Repeats without a pause are due at once, but each only after the one before it has been refused.
    rounds = [(emulator.clock.advance(0), emulator.wait_for_callbacks()) for _ in range(6)]

    assert len(rounds) == 6
    assert receiver.statuses.count("succeeded") == 4


def test_earlier_pushes_are_not_repeated(emulator, receiver, pushed):
    receiver.answers = [500, 500]
    pushed()

    emulator.clock.advance(5)
    emulator.wait_for_callbacks()

    assert receiver.statuses == ["queued", "running", "succeeded"]


def test_address_elsewhere_is_never_called(emulator, ark):
    ark.new(callback_url="http://192.0.2.1/callback")

    emulator.wait_for_callbacks()

    assert [each.outcome for each in emulator.callbacks] == ["not loopback"]


def test_address_where_nobody_listens_is_noted(emulator, ark):
    ark.new(callback_url="http://127.0.0.1:9/callback")

    emulator.wait_for_callbacks()

    assert [each.outcome for each in emulator.callbacks] == ["ConnectionRefusedError"]


def test_silent_receiver_times_out(emulator, ark, receiver):
    emulator.configure(callback_ack_seconds=0.05)
    receiver.on_arrival = lambda: emulator.wait_for_callbacks(1)

    ark.new(callback_url=receiver.url)
    emulator.wait_for_callbacks()

    assert [each.outcome for each in emulator.callbacks] == ["TimeoutError"]


@pytest.mark.parametrize(
    ("fault", "statuses"),
    [
        ("callback_dropped", []),
        ("callback_doubled", ["queued", "queued", "running", "running", "succeeded", "succeeded"]),
        ("callback_reordered", ["queued", "succeeded", "running"]),
        ("callback_forged", ["queued", "running", "succeeded", "succeeded"]),
    ],
)
@pytest.mark.parametrize("way", ["armed", "marked"])
def test_callbacks_can_go_wrong(emulator, receiver, pushed, fault, statuses, way):
    prompt = {"armed": "A cat", "marked": f"A cat [[fault:{fault}]]"}[way]
    {"armed": lambda: emulator.fault(fault), "marked": lambda: None}[way]()

    pushed(prompt)

    assert receiver.statuses == statuses


def test_forged_push_lies_about_the_link(receiver, pushed):
    pushed("A cat [[fault:callback_forged]]")

    assert receiver.bodies[2]["content"]["video_url"] == "http://127.0.0.1:9/forged.mp4"


def test_late_pushes_wait_for_the_clock(emulator, ark, receiver):
    ark.new("A cat [[fault:callback_late seconds=30]]", callback_url=receiver.url)
    emulator.clock.advance(29)
    emulator.wait_for_callbacks()
    before = receiver.statuses

    emulator.clock.advance(1)
    emulator.wait_for_callbacks()

    assert (before, receiver.statuses) == ([], ["queued"])


def test_early_push_arrives_before_the_answer(emulator, ark, receiver):
    answered = []
    seen_unanswered = []
    receiver.on_arrival = lambda: seen_unanswered.append(not answered)

    answered.append(ark.new("A cat [[fault:callback_early]]", callback_url=receiver.url))

    assert seen_unanswered == [True]
    assert receiver.bodies[0]["id"] == answered[0]


def test_lost_create_answer_still_pushes(emulator, receiver, ark):
    emulator.fault("lost_response_after_accept")

    with pytest.raises(OSError):
        ark.create(callback_url=receiver.url)
    emulator.wait_for_callbacks()

    assert receiver.statuses == ["queued"]


def test_real_time_pushes_although_nobody_asks(receiver):
    arrived = threading.Semaphore(0)
    receiver.on_arrival = arrived.release

    with Emulator(queue_seconds=0.01, run_seconds=0.01) as emulator:
        client = ArkClient(emulator.ark_url)
        client.new(callback_url=receiver.url)
        client.session.close()
        in_time = [arrived.acquire(timeout=10) for _ in range(3)]

    assert in_time == [True, True, True]
    assert receiver.statuses == ["queued", "running", "succeeded"]


def test_reset_silences_pushes_still_waiting(emulator, ark, receiver):
    ark.new("A cat [[fault:callback_late seconds=5]]", callback_url=receiver.url)
    emulator.wait_for_callbacks()

    emulator.reset()
    emulator.clock.advance(1000)

    assert emulator.wait_for_callbacks()
    assert receiver.statuses == []
