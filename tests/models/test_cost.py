"""Two figures that never stand for each other: the estimate of the day, and what it came to."""

from decimal import Decimal

import pytest
from django.db.models import Sum

from seedance import lifecycle
from seedance.models import GenerationTask, Status, Transition

from ..conftest import SAMPLE_MODEL, SAMPLE_PROMPT

ESTIMATE = {"estimate_amount": "0.2614", "estimate_currency": "USD"}
FAST = "doubao-seedance-2-0-fast-260128"


def figures(task):
    task.refresh_from_db()
    return task.cost_amount, task.cost_currency, task.error_charged


@pytest.fixture
def made(db, provider):
    """Returns a function that makes a task whose estimate is known."""

    def make(**request):
        asked = {"prompt": SAMPLE_PROMPT, "model_name": SAMPLE_MODEL, "duration": 5, "ratio": "16:9", **request}
        return GenerationTask.objects.create_task(**asked)

    return make


@pytest.mark.parametrize("submit", [False, True], ids=["new", "pending"])
def test_task_that_is_cancelled_before_it_was_sent_costs_nothing(made, submit):
    task = made(submit=submit)

    lifecycle.cancel(task, cause="test")

    assert figures(task) == (0, "USD", "no")


def test_task_that_was_sent_again_after_silence_keeps_the_doubt_about_its_cost(make_task):
    task = make_task(status="pending", error_charged="unknown", **ESTIMATE)

    lifecycle.cancel(task, cause="test")

    assert figures(task) == (None, "", "unknown")


@pytest.mark.parametrize(("charged", "amount"), [("no", 0), ("unknown", None)])
@pytest.mark.parametrize("status", ["failed", "cancelled", "expired"])
def test_end_without_a_video_costs_nothing_or_what_nobody_knows(make_task, status, charged, amount):
    task = make_task(status="queued", **ESTIMATE)

    task.advance(Status(status), cause="test", error_charged=charged)

    assert figures(task)[0] == amount
    assert str(task.estimate_amount) == "0.2614"


def test_many_ends_at_once_cost_the_same_as_one_by_one(make_task):
    tasks = [make_task(status="running", **ESTIMATE) for _ in range(3)]

    GenerationTask.objects.transition_many(
        [Transition(task, Status.FAILED, {"error_charged": "no"}) for task in tasks], cause="list"
    )

    assert {figures(task) for task in tasks} == {(Decimal(0), "USD", "no")}


def test_sum_of_costs_has_nothing_that_nobody_paid(make_task):
    succeeded = {"cost_amount": "0.26", "cost_currency": "USD", **ESTIMATE}
    make_task(status="succeeded", **succeeded)
    make_task(status="queued", **ESTIMATE).advance(Status.FAILED, cause="test", error_charged="no")
    lifecycle.cancel(make_task(status="pending", **ESTIMATE), cause="test")
    make_task(status="running", **ESTIMATE)

    assert GenerationTask.objects.aggregate(Sum("cost_amount"))["cost_amount__sum"] == Decimal("0.26")


def test_success_costs_its_tokens_at_the_price_of_its_estimate(make_task, made, settings):
    task = made(model_name=FAST, resolution="720p", submit=True)
    asked = task.estimate_amount
    GenerationTask.objects.filter(pk=task.pk).update(status="running", provider_task_id="cgt-1")
    task.refresh_from_db()
    settings.SEEDANCE = {
        **settings.SEEDANCE,
        "MODELS": {"2.0 fast": {"prices": {"byteplus": [{"price": "99", "video_input": False}]}}},
    }

    task.advance(Status.SUCCEEDED, cause="test", total_tokens=108_900, result={"resolution": "720p", "duration": 5})

    assert figures(task) == (asked, "USD", "")


def test_success_without_an_estimate_costs_its_tokens_at_the_price_of_the_day(make_task):
    task = make_task(status="running", generate_audio=True)

    task.advance(Status.SUCCEEDED, cause="test", total_tokens=1_000_000, result={"resolution": "720p"})

    assert figures(task) == (Decimal("2.40"), "USD", "")


def test_success_whose_tokens_nobody_told_has_no_cost_and_keeps_its_estimate(make_task):
    task = make_task(status="running", **ESTIMATE)

    task.advance(Status.SUCCEEDED, cause="test", result={"resolution": "720p"})

    assert figures(task) == (None, "", "")


def test_estimate_of_an_unknown_length_keeps_the_price_for_the_cost(made):
    task = made(duration=-1)

    assert task.estimate_amount is None
    assert task.estimate_price["price"] == "2.40"
