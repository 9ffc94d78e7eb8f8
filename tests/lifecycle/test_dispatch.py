"""Tasks are sent in dispatch order, within the rate limits, and not at all through a paused account or model."""

import datetime as dt

import pytest
from django.utils import timezone

from seedance import lifecycle, tasks
from seedance.models import Account, GenerationTask, ModelPause, RateLimit

from ..conftest import SAMPLE_MODEL
from .conftest import claim_next

MODEL_2 = "doubao-seedance-2-0-260128"


@pytest.fixture
def limited(provider, settings):
    """Returns a function that sets limits for the default provider."""

    def limit(**limits):
        alias = {**settings.SEEDANCE["PROVIDERS"]["default"], **limits}
        settings.SEEDANCE = {**settings.SEEDANCE, "PROVIDERS": {"default": alias}, "THREADS": 1}

    return limit


def prompts(provider):
    return [order.prompt for order in provider.creates]


# -- order -------------------------------------------------------------------------------------------------------------


def test_higher_priority_is_sent_first(provider, make_task, limited):
    limited()
    make_task(status="pending", prompt="low", model_name=MODEL_2, priority=1)
    make_task(status="pending", prompt="none", model_name=MODEL_2)
    make_task(status="pending", prompt="high", model_name=MODEL_2, priority=9)

    tasks.send_pending()

    assert prompts(provider) == ["high", "low", "none"]


def test_owners_take_turns(provider, make_task, django_user_model, limited):
    limited()
    many, few = (django_user_model.objects.create_user(name) for name in ("many", "few"))
    for number in range(3):
        make_task(status="pending", prompt=f"many {number}", owner=many)
    make_task(status="pending", prompt="few 0", owner=few)

    tasks.send_pending()

    assert prompts(provider) == ["many 0", "few 0", "many 1", "many 2"]


# -- rate limits -------------------------------------------------------------------------------------------------------


def test_creates_keep_to_the_rate_limit_of_their_model(provider, make_task, limited):
    limited(CREATE_PER_MINUTE=12)
    for _ in range(5):
        make_task(status="pending")

    sent = tasks.send_pending()

    assert sent == 2  # one now, and one from the burst of five quiet seconds
    assert GenerationTask.objects.filter(status="pending").count() == 3


def test_rate_limit_of_one_model_does_not_delay_another(provider, make_task, limited):
    limited()
    RateLimit.objects.postpone(f"create:default:{SAMPLE_MODEL}", 60)
    make_task(status="pending", prompt="slow")
    make_task(status="pending", prompt="free", model_name=MODEL_2)

    tasks.send_pending()

    assert prompts(provider) == ["free"]


def test_too_many_requests_slow_down_all_tasks_of_the_model(provider, sent, make_task):
    provider.fail_next(429, code="RateLimitExceeded", headers={"Retry-After": "60"})
    sent()
    make_task(status="pending")

    assert claim_next() is None


def test_full_account_takes_no_more(provider, make_task, limited):
    limited(MAX_ACTIVE=2)
    make_task(status="running")
    for _ in range(3):
        make_task(status="pending")

    tasks.send_pending()

    assert len(provider.creates) == 1


def test_account_takes_more_when_a_task_is_final(provider, make_task, limited):
    limited(MAX_ACTIVE=1)
    running = make_task(status="running")
    make_task(status="pending")
    tasks.send_pending()
    running.advance("failed", cause="test")

    sent = tasks.send_pending()

    assert sent == 1


def test_slot_is_given_once(db):
    assert RateLimit.objects.acquire("x", 60) == 0
    assert RateLimit.objects.acquire("x", 60) > 50


def test_postponed_rate_limit_is_never_moved_to_an_earlier_time(db):
    RateLimit.objects.postpone("x", 60)
    RateLimit.objects.postpone("x", 1)

    assert RateLimit.objects.acquire("x", 0) > 50


# -- pause -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "AuthenticationError"), (403, "AccountOverdueError"), (403, "insufficient_user_quota")],
    ids=["bad key", "overdue", "relay balance"],
)
def test_refused_account_is_paused_and_fails_no_further_task(provider, sent, make_task, status, code):
    provider.fail_next(status, code=code, message="see your console", times=None)
    first = sent()
    waiting = make_task(status="pending")

    tasks.send_pending()

    waiting.refresh_from_db()
    assert (first.status, waiting.status) == ("failed", "pending")
    account = Account.objects.get()
    assert account.code == code
    assert account.reason.startswith("see your console")


MODEL_1_0 = "doubao-seedance-1-0-pro-250528"
NOT_OPEN = {"status": 403, "code": "permission_denied", "message": f"This token has no access to model {MODEL_1_0}"}


def test_model_that_one_user_may_not_have_stops_nobody_else(provider, make_task, limited, django_user_model):
    limited()
    alice, bob = (django_user_model.objects.create_user(name) for name in ("a", "b"))
    provider.fail_next(**NOT_OPEN)
    refused = make_task(status="pending", owner=alice, model_name=MODEL_1_0)
    good = make_task(status="pending", owner=bob)

    tasks.send_pending()

    refused.refresh_from_db()
    good.refresh_from_db()
    assert (refused.status, refused.error_charged, good.status) == ("failed", "no", "queued")
    assert Account.objects.paused_aliases() == []
    assert [str(pause) for pause in ModelPause.objects.all()] == [f"default: {MODEL_1_0}"]


def test_paused_model_fails_no_further_task_and_says_why(provider, make_task, limited):
    limited()
    provider.fail_next(**NOT_OPEN)
    make_task(status="pending", model_name=MODEL_1_0)
    waiting = make_task(status="pending", model_name=MODEL_1_0)

    tasks.send_pending()
    lifecycle.mark_paused()

    waiting.refresh_from_db()
    assert (waiting.status, waiting.attention) == ("pending", "paused")
    assert MODEL_1_0 in waiting.attention_detail
    assert not provider.creates


def test_resumed_model_sends_again(provider, make_task, limited):
    limited()
    ModelPause.objects.pause("default", MODEL_1_0, code="x", reason="y")
    make_task(status="pending", model_name=MODEL_1_0)
    tasks.send_pending()
    lifecycle.mark_paused()
    assert not provider.creates

    ModelPause.objects.resume()
    lifecycle.mark_paused()
    tasks.send_pending()

    assert len(provider.creates) == 1
    assert GenerationTask.objects.get().attention == ""


def test_pause_of_a_model_holds_for_its_own_account_only(provider, make_task, settings):
    default = settings.SEEDANCE["PROVIDERS"]["default"]
    settings.SEEDANCE = {**settings.SEEDANCE, "PROVIDERS": {"default": default, "other": default}}
    ModelPause.objects.pause("default", SAMPLE_MODEL, code="x", reason="y")
    make_task(status="pending")
    make_task(status="pending", provider="other", prompt="through the other")

    tasks.send_pending()

    assert prompts(provider) == ["through the other"]


def test_model_is_paused_once(db):
    first = ModelPause.objects.pause("default", SAMPLE_MODEL, code="x", reason="y")
    second = ModelPause.objects.pause("default", SAMPLE_MODEL, code="z", reason="later")

    assert (first, second, ModelPause.objects.get().code) == (True, False, "x")


def test_task_that_waits_for_account_and_model_names_what_is_still_paused(make_task):
    Account.objects.pause("default", code="x", reason="The balance is empty.")
    ModelPause.objects.pause("default", SAMPLE_MODEL, code="x", reason="Not open.")
    task = make_task(status="pending")
    lifecycle.mark_paused()
    task.refresh_from_db()
    before = task.attention_detail

    Account.objects.resume("default")
    lifecycle.mark_paused()

    task.refresh_from_db()
    assert before == "The balance is empty."
    assert task.attention_detail.endswith("Not open.")


def test_refused_asset_of_one_task_does_not_pause_its_model(provider, make_task):
    provider.fail_next(403, code="AccessDenied", message="no access to the requested resource")
    task = make_task(status="pending", model_name=MODEL_2)
    task.media.create(role="reference_image", url="asset://asset-1")

    tasks.send_pending()

    task.refresh_from_db()
    assert task.status == "failed"
    assert not ModelPause.objects.exists()


@pytest.mark.parametrize("code", ["QuotaExceeded", "SetLimitExceeded"])
def test_used_up_quota_pauses_the_account_and_keeps_the_task(provider, sent, code):
    provider.fail_next(429, code=code, message="free quota used up")

    task = sent()

    assert task.status == "pending"
    assert Account.objects.paused_aliases() == ["default"]


def test_full_queue_at_the_provider_only_slows_down(provider, sent):
    provider.fail_next(429, code="QuotaExceeded", message="too many queued tasks")

    task = sent()

    assert task.status == "pending"
    assert Account.objects.paused_aliases() == []


def test_resumed_account_sends_again(provider, make_task):
    Account.objects.pause("default", code="x", reason="y")
    make_task(status="pending")
    tasks.send_pending()
    assert not provider.creates

    Account.objects.resume("default")
    tasks.send_pending()

    assert len(provider.creates) == 1


def test_pause_of_one_account_leaves_the_others_alone(provider, make_task, settings):
    default = settings.SEEDANCE["PROVIDERS"]["default"]
    settings.SEEDANCE = {**settings.SEEDANCE, "PROVIDERS": {"default": default, "other": default}}
    Account.objects.pause("default", code="x", reason="y")
    make_task(status="pending")
    make_task(status="pending", provider="other", prompt="through the other")

    tasks.send_pending()

    assert prompts(provider) == ["through the other"]


def test_claim_of_a_task_that_another_worker_has_is_refused(make_task):
    task = make_task(status="pending")
    first = lifecycle.claim(task.pk)

    second = lifecycle.claim(task.pk)

    assert (first, second) == (task, None)


def test_claim_lasts_longer_than_the_longest_create(make_task, settings):
    settings.SEEDANCE = {"PROVIDERS": {"default": {"PRESET": "emulator", "TIMEOUT": 100}}}

    claimed = lifecycle.claim(make_task(status="pending").pk)

    assert claimed.lease_until - timezone.now() > dt.timedelta(seconds=200)


def test_tasks_that_wait_for_a_paused_account_say_so(make_task):
    task = make_task(status="pending")
    Account.objects.pause("default", code="x", reason="The balance is empty.")

    lifecycle.mark_paused()

    task.refresh_from_db()
    assert (task.attention, task.attention_detail) == ("paused", "The balance is empty.")


def test_tasks_of_a_resumed_account_lower_their_flag(make_task):
    task = make_task(status="pending", attention="paused", attention_detail="The balance is empty.")

    lifecycle.mark_paused()

    task.refresh_from_db()
    assert task.attention == ""


def test_pause_holds_for_the_rest_of_the_batch_too(provider, make_task, limited):
    limited()
    provider.fail_next(401, code="AuthenticationError", message="bad key", times=None)
    for _ in range(10):
        make_task(status="pending")

    tasks.send_pending()

    assert GenerationTask.objects.filter(status="failed").count() == 1
    assert GenerationTask.objects.filter(status="pending").count() == 9


def test_claim_that_another_worker_s_claim_made_one_too_many_is_given_back(provider, make_task, limited, monkeypatch):
    limited(MAX_ACTIVE=1)
    task = make_task(status="pending")
    acquire = RateLimit.objects.acquire

    def another_worker_is_quicker(*arguments, **options):
        make_task(status="submitting")
        return acquire(*arguments, **options)

    monkeypatch.setattr(RateLimit.objects, "acquire", another_worker_is_quicker)

    claimed = lifecycle.claim(task.pk)

    task.refresh_from_db()
    assert (claimed, task.status, task.lease_until) == (None, "pending", None)
