"""Rate limits and caps. All are off until configured."""

import pytest


def codes(*responses):
    return [response.status_code for response in responses]


def test_creates_per_minute_are_counted_per_model(emulator, ark):
    emulator.configure(create_per_minute=1)

    first, second = ark.create(), ark.create()
    other = ark.create(model="doubao-seedance-2-0-260128")

    assert codes(first, second, other) == [200, 429, 200]
    assert second.json()["error"]["code"] == "ModelAccountRpmRateLimitExceeded"


def test_create_limit_lifts_after_a_minute(emulator, ark):
    emulator.configure(create_per_minute=1)
    ark.create()

    emulator.clock.advance(60)

    assert ark.create().status_code == 200


def test_limits_are_counted_per_key(emulator, ark):
    emulator.configure(create_per_minute=1)
    ark.create()

    ark.session.headers["Authorization"] = "Bearer other"

    assert ark.create().status_code == 200


@pytest.mark.parametrize("operation", ["get", "list", "delete"])
def test_other_operations_are_limited_per_second(emulator, ark, operation):
    emulator.configure(**{f"{operation}_per_second": 1})
    task_id = ark.new()
    ask = {"get": lambda: ark.get(task_id), "list": ark.list, "delete": lambda: ark.delete("cgt-unknown")}[operation]

    first, second = ask(), ask()
    emulator.clock.advance(1)
    third = ask()

    assert first.status_code == third.status_code != 429
    assert second.status_code == 429


def test_running_limit_keeps_tasks_queued(emulator, ark):
    emulator.configure(max_running=1)
    first = ark.new()
    emulator.clock.advance(1)
    second = ark.new()

    emulator.clock.advance(30)
    during = [ark.show(each)["status"] for each in (first, second)]
    emulator.clock.advance(40)
    after = [ark.show(each)["status"] for each in (first, second)]

    assert during == ["running", "queued"]
    assert after == ["succeeded", "running"]


def test_free_slot_goes_to_the_higher_priority(emulator, ark):
    emulator.configure(max_running=1)
    model = "doubao-seedance-2-0-260128"
    ark.new(model=model)
    low, high = ark.new(model=model, priority=1), ark.new(model=model, priority=9)

    emulator.clock.advance(75)

    assert (ark.show(low)["status"], ark.show(high)["status"]) == ("queued", "running")


def test_cancelled_task_does_not_take_a_slot(emulator, ark):
    emulator.configure(max_running=1)
    _first, second, third = ark.new(), ark.new(), ark.new()
    emulator.clock.advance(20)
    ark.delete(second)

    emulator.clock.advance(60)

    assert ark.show(second)["status"] == "cancelled"
    assert ark.show(third)["status"] == "running"


def test_queued_cap_refuses_further_creates(emulator, ark):
    emulator.configure(max_queued=1)

    first, second = ark.create(), ark.create()
    emulator.clock.advance(10)
    third = ark.create()

    assert codes(first, second, third) == [200, 429, 200]
    assert second.json()["error"]["code"] == "QuotaExceeded"
    assert len(emulator.creates) == 2


def test_unified_dialect_is_limited_too(emulator, videos):
    emulator.configure(create_per_minute=1)

    assert codes(videos.create(), videos.create()) == [200, 429]
