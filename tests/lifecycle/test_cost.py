"""Whatever end a task comes to, its cost is what was billed, and its estimate stays what it was."""

import pytest

from seedance import lifecycle
from seedance.models import GenerationTask

from .conftest import claim_next


@pytest.fixture
def relay(provider, settings):
    """The default provider is a relay, which promises nothing about failures."""
    entry = {"PRESET": "cometapi", "API_KEY": "sk-of-a-test", "BASE_URL": provider.volc_url}
    settings.SEEDANCE = {"PROVIDERS": {"default": entry}}
    return provider


def figures(task):
    return task.cost_amount, task.cost_currency


def test_running_task_has_an_estimate_and_no_cost_yet(provider, sent, polled):
    task = sent(ratio="16:9")
    provider.clock.advance(6)

    task = polled(task)

    assert task.estimate_amount > 0
    assert figures(task) == (None, "")


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_task_refused_at_create_costs_nothing(provider, sent, status):
    provider.fail_next(status, code="InvalidParameter", message="no")

    task = sent(ratio="16:9")

    assert figures(task) == (0, "USD")
    assert task.estimate_amount > 0


def test_task_refused_by_our_own_rules_costs_nothing(provider, db):
    task = GenerationTask.objects.create_task(
        prompt="A boat.", model_name="doubao-seedance-1-5-pro-251215", duration=4, submit=True
    )
    GenerationTask.objects.filter(pk=task.pk).update(parameters={**task.parameters, "duration": 99})

    lifecycle.submit(claim_next())

    task.refresh_from_db()
    assert (task.status, *figures(task)) == ("failed", 0, "USD")


def test_task_that_moderation_failed_costs_nothing_where_only_successes_are_billed(provider, sent, polled):
    task = sent(ratio="16:9")
    provider.fail(code="OutputVideoSensitiveContentDetected", message="blood")

    assert figures(polled(task)) == (0, "USD")


def test_task_that_failed_at_a_relay_has_an_unknown_cost(relay, sent, polled):
    task = sent(ratio="16:9", resolution=None)
    relay.fail(code="OutputVideoSensitiveContentDetected", message="blood")

    task = polled(task)

    assert (task.status, task.error_charged) == ("failed", "unknown")
    assert figures(task) == (None, "")


def test_task_cancelled_while_it_was_queued_costs_nothing(provider, sent, polled):
    task = sent(ratio="16:9")
    lifecycle.cancel(task, cause="test")

    task = polled(task)

    assert (task.status, *figures(task)) == ("cancelled", 0, "USD")


def test_task_that_expired_costs_nothing(provider, sent, polled):
    provider.configure(queue_seconds=10_000)
    task = sent(ratio="16:9", execution_expires_after=3600)
    provider.clock.advance(4000)

    task = polled(task)

    assert (task.status, *figures(task)) == ("expired", 0, "USD")


def test_task_resubmitted_after_no_answer_and_refused_has_an_unknown_cost(provider, sent):
    provider.fail_next(502, body="<html>Bad Gateway</html>")
    task = sent(ratio="16:9")
    lifecycle.resubmit(task, cause="test")
    provider.fail_next(400, code="InvalidParameter", message="no")

    lifecycle.submit(claim_next())

    task.refresh_from_db()
    assert (task.status, *figures(task)) == ("failed", None, "")
