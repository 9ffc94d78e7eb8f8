"""The pause before the next attempt: longer after every failure, up to a limit."""

import pytest

from seedance.lifecycle import backoff

POLICIES = {name: policy for name, policy in vars(backoff).items() if isinstance(policy, backoff.Backoff)}


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_pause_grows_from_the_base_to_the_maximum(policy):
    pauses = [policy.seconds(failures) / (1 + policy.jitter) for failures in (1, 1000)]

    assert pauses[0] <= policy.base
    assert pauses[1] <= policy.maximum


def test_pause_is_multiplied_after_each_failure():
    policy = backoff.Backoff(base=5, factor=2, maximum=30)

    assert [policy.seconds(failures) for failures in (1, 2, 3, 4)] == [5, 10, 20, 30]


def test_pause_is_spread_by_the_jitter():
    policy = backoff.Backoff(base=100, factor=2, maximum=100, jitter=0.2)

    pauses = {policy.seconds(1) for _ in range(50)}

    assert len(pauses) > 1
    assert all(80 <= pause <= 120 for pause in pauses)


@pytest.mark.parametrize(("asked", "pause"), [(30.0, 30), (0.0, 1)])
def test_pause_that_the_provider_asks_for_comes_first(asked, pause):
    assert backoff.SUBMIT.seconds(5, retry_after=asked) == pause
