"""What a site's own receivers can stop, and what they cannot."""

import logging
from contextlib import contextmanager
from functools import partial

import pytest
from django.core.exceptions import ValidationError
from django.core.files.storage import FileSystemStorage
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models.signals import post_save, pre_save

from seedance import intake, lifecycle, tasks
from seedance.exceptions import Veto
from seedance.intake import Order
from seedance.models import Account, Attention, GenerationTask, Status
from seedance.signals import (
    account_paused,
    task_creating,
    task_needs_attention,
    task_status_changed,
    task_submitting,
    work_available,
)

from .admin.conftest import page, request_of
from .api.conftest import TASKS, api_client, body, client_of  # noqa: F401 - fixtures
from .conftest import SAMPLE_MODEL, SAMPLE_PROMPT, run_to_the_end
from .lifecycle.conftest import claim_next

pytestmark = pytest.mark.django_db(transaction=True)

REQUEST = {"model_name": SAMPLE_MODEL, "prompt": SAMPLE_PROMPT, "duration": 4, "resolution": "480p"}


@contextmanager
def connected(signal, receiver):
    signal.connect(receiver, weak=False)
    try:
        yield receiver
    finally:
        signal.disconnect(receiver)


class Receiver:
    """Keeps what it heard; an object without a name of its own, as a site may connect one."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.heard = []

    def __call__(self, **arguments):
        self.heard.append(arguments)
        if self.errors:
            raise self.errors.pop(0)


def moves_of(receiver):
    return [(heard["old_status"], heard["new_status"]) for heard in receiver.heard]


def refuse(veto, **arguments):
    raise veto


VETO = partial(refuse, Veto("The budget is used up.", code="over_budget"))


def orders_of(*seeds):
    small = {"model_name": SAMPLE_MODEL, "prompt": SAMPLE_PROMPT}
    return [Order(intake.prepare(**small, parameters={"duration": 4, "seed": seed}), submit=True) for seed in seeds]


# After the commit


def test_all_moves_of_one_list_are_told_though_a_receiver_fails_once(provider, make_task):
    for number in range(5):
        GenerationTask.objects.create_task(**{**REQUEST, "seed": number}, submit=True)
    tasks.send_pending()
    provider.finish()
    GenerationTask.objects.all().poll_now()

    with connected(task_status_changed, Receiver(RuntimeError("a host's bug"))) as receiver:
        tasks.poll_due()

    assert GenerationTask.objects.filter(status="succeeded").count() == 5
    assert len(receiver.heard) == 5


def test_failing_receiver_is_logged_by_name_and_stops_no_other(make_task, caplog):
    task = make_task(status="queued")
    caplog.set_level(logging.ERROR)

    with (
        connected(task_status_changed, partial(refuse, RuntimeError("no"))),
        connected(task_status_changed, Receiver(RuntimeError("no"))),
        connected(task_status_changed, Receiver()) as last,
    ):
        task.advance(Status.RUNNING, cause="test")

    assert moves_of(last) == [("queued", "running")]
    assert {"partial", "Receiver"} <= {
        name for r in caplog.records for name in r.getMessage().replace("=", " ").split()
    }


def test_workers_are_called_though_a_receiver_fails_in_the_same_commit(make_task):
    make_task(status="new")

    with (
        connected(task_status_changed, Receiver(RuntimeError("a host's bug"))),
        connected(work_available, Receiver()) as workers,
        transaction.atomic(),
    ):
        GenerationTask.objects.all().submit(cause="test")

    assert len(workers.heard) == 1


def test_cancelling_is_accepted_though_a_receiver_fails(api_client, make_task, user):  # noqa: F811
    task = make_task(status="pending", owner=user)

    with connected(task_status_changed, Receiver(RuntimeError("a host's bug"))):
        response = api_client.post(f"{TASKS}{task.pk}/cancel/")

    assert (response.status_code, response.json()["status"]) == (202, "cancelled")


class FailsOnce(FileSystemStorage):
    """A storage whose first deletion fails."""

    failed = False

    def delete(self, name):
        if not self.failed:
            self.failed = True
            raise OSError("the bucket is away")
        super().delete(name)


def test_erasing_leaves_no_other_file_though_the_storage_fails_once(api_client, provider, user, monkeypatch):  # noqa: F811
    task = GenerationTask.objects.create_task(**REQUEST, owner=user, submit=True)
    run_to_the_end(provider, task)
    storage = FailsOnce()
    for name in ("video", "poster", "last_frame"):
        monkeypatch.setattr(GenerationTask._meta.get_field(name), "storage", storage)

    response = api_client.delete(f"{TASKS}{task.pk}/")

    assert response.status_code == 204
    assert storage.failed
    assert not storage.exists(task.poster.name)


def test_sending_is_told_from_the_first_move_on(provider):
    task = GenerationTask.objects.create_task(**REQUEST, submit=True)
    before = task.updated_at

    with connected(task_status_changed, Receiver()) as receiver:
        claimed = claim_next()
        lifecycle.submit(claimed)

    assert moves_of(receiver) == [("pending", "submitting"), ("submitting", "queued")]
    assert claimed.updated_at > before


def test_claim_that_is_given_back_is_told_as_a_move(provider, settings, make_task):
    limited = {**settings.SEEDANCE["PROVIDERS"]["default"], "MAX_ACTIVE": 1}
    settings.SEEDANCE = {**settings.SEEDANCE, "PROVIDERS": {"default": limited}}
    task = GenerationTask.objects.create_task(**REQUEST, submit=True)
    updated = []

    def another_worker_was_as_fast(new_status, **arguments):
        updated.append(GenerationTask.objects.get(pk=task.pk).updated_at)
        if new_status == "submitting":
            make_task(status="submitting")

    with (
        connected(task_status_changed, another_worker_was_as_fast),
        connected(task_status_changed, Receiver()) as receiver,
    ):
        assert lifecycle.claim(task.pk) is None

    assert moves_of(receiver) == [("pending", "submitting"), ("submitting", "pending")]
    assert updated[1] > updated[0]


def test_flag_is_told_once_with_its_reason(make_task):
    task = make_task(status="queued")

    with connected(task_needs_attention, Receiver()) as receiver:
        task.flag(Attention.OVERDUE, cause="test")
        task.flag(Attention.OVERDUE, cause="test")

    assert [(heard["task"], heard["reason"]) for heard in receiver.heard] == [(task, "overdue")]


def test_move_that_raises_a_flag_tells_of_it(make_task):
    task = make_task(status="submitting")

    with connected(task_needs_attention, Receiver()) as receiver:
        task.advance(Status.UNCONFIRMED, cause="test", attention=Attention.UNCONFIRMED)

    assert [heard["reason"] for heard in receiver.heard] == ["unconfirmed"]


def test_paused_account_is_told_once():
    with connected(account_paused, Receiver()) as receiver:
        Account.objects.pause("default", code="AccountOverdue", reason="Pay first.")
        Account.objects.pause("default", code="AccountOverdue", reason="Pay first.")

    assert [(heard["account"].alias, heard["account"].code) for heard in receiver.heard] == [
        ("default", "AccountOverdue")
    ]


@pytest.mark.parametrize("count", [1, 3])
def test_every_row_is_saved_in_the_hearing_of_the_site(count):
    with connected(post_save, Receiver()) as receiver:
        made = GenerationTask.objects.create_many(orders_of(*range(count)))

    heard = [each for each in receiver.heard if each["sender"] is GenerationTask]
    assert [(each["instance"], each["created"]) for each in heard] == [(task, True) for task in made]


def test_batch_hears_of_a_refusal_before_the_rows_are_saved():
    def no_second(sender, instance, **arguments):
        if sender is GenerationTask and instance.parameters.get("seed") == 1:
            raise ValidationError("Not this one.")

    with connected(pre_save, no_second), pytest.raises(ValidationError):
        GenerationTask.objects.create_many(orders_of(0, 1))

    assert not GenerationTask.objects.exists()


# Before a row is written


def test_veto_stores_nothing_from_python():
    with connected(task_creating, VETO), pytest.raises(ValidationError) as caught:
        GenerationTask.objects.create_task(**REQUEST, submit=True)

    assert caught.value.error_dict[""][0].code == "over_budget"
    assert not GenerationTask.objects.exists()


def test_receiver_hears_of_the_task_and_whose_it_will_be(user):
    with connected(task_creating, Receiver()) as receiver:
        task = GenerationTask.objects.create_task(**REQUEST, owner=user)

    [heard] = receiver.heard
    assert (heard["task"], heard["owner"], heard["task"].parameters["duration"]) == (task, user, 4)


def test_veto_refuses_a_post_with_its_code(provider, api_client, body):  # noqa: F811
    with connected(task_creating, VETO):
        response = api_client.post(TASKS, body, format="json")

    assert response.status_code == 400
    [error] = response.json()["errors"]
    assert (error["field"], error["code"], error["message"]) == ("", "over_budget", "The budget is used up.")
    assert not GenerationTask.objects.exists()


def test_veto_of_one_refuses_the_batch_and_says_which(provider, api_client, body):  # noqa: F811
    def no_longer_than_five(task, **arguments):
        if task.parameters.get("duration") > 5:
            raise Veto("Too long for this month.", code="too_dear", field="duration")

    with connected(task_creating, no_longer_than_five):
        response = api_client.post(f"{TASKS}batch/", {"tasks": [body, {**body, "duration": 6}, body]}, format="json")

    assert [(error["field"], error["code"]) for error in response.json()["errors"]] == [
        ("tasks[1].duration", "too_dear")
    ]
    assert not GenerationTask.objects.exists()


def test_veto_refuses_a_retry(api_client, make_task, user):  # noqa: F811
    task = make_task(status="failed", owner=user)

    with connected(task_creating, VETO):
        response = api_client.post(f"{TASKS}{task.pk}/retry/")

    assert (response.status_code, response.json()["errors"][0]["code"]) == (400, "over_budget")
    assert GenerationTask.objects.count() == 1


def test_veto_stands_in_the_admin_form(provider, admin_client):
    with connected(task_creating, VETO):
        response = admin_client.post(page("add"), request_of(_submit="1"))

    assert response.status_code == 200
    assert response.context["adminform"].form.non_field_errors() == ["The budget is used up."]
    assert not GenerationTask.objects.exists()


def test_veto_ends_the_command_with_its_reason(provider):
    with connected(task_creating, VETO), pytest.raises(CommandError, match="The budget is used up"):
        call_command("seedance_generate", SAMPLE_PROMPT, "--duration", "4")

    assert not GenerationTask.objects.exists()


def test_broken_budget_lets_nothing_be_created():
    with connected(task_creating, Receiver(ZeroDivisionError())), pytest.raises(ZeroDivisionError):
        GenerationTask.objects.create_task(**REQUEST, submit=True)

    assert not GenerationTask.objects.exists()


# Before the paid call


def test_veto_before_sending_ends_the_task_unbilled(provider):
    task = GenerationTask.objects.create_task(**REQUEST, submit=True)

    with connected(task_submitting, VETO):
        tasks.send_pending()

    task.refresh_from_db()
    assert (task.status, task.error_code, task.error_charged) == ("failed", "over_budget", "no")
    assert task.error_message == "The budget is used up."
    assert provider.requests == []


def test_broken_receiver_before_sending_sends_nothing_and_waits(provider, caplog):
    task = GenerationTask.objects.create_task(**REQUEST, submit=True)

    with connected(task_submitting, Receiver(ZeroDivisionError())):
        tasks.send_pending()

    task.refresh_from_db()
    assert (task.status, task.attention) == ("pending", "receiver")
    assert task.not_before > task.updated_at
    assert provider.requests == []
    assert "task_submitting failed" in caplog.text


def test_receiver_that_outlives_its_claim_sends_nothing(provider):
    GenerationTask.objects.create_task(**REQUEST, submit=True)

    def slow(task, **arguments):
        GenerationTask.objects.filter(pk=task.pk).update(lease_until=task.created_at)
        lifecycle.mark_abandoned()

    with connected(task_submitting, slow):
        tasks.send_pending()

    assert provider.requests == []


def test_task_goes_out_when_nobody_objects(provider):
    task = GenerationTask.objects.create_task(**REQUEST, submit=True)

    with connected(task_submitting, Receiver()) as receiver:
        tasks.send_pending()

    task.refresh_from_db()
    assert (task.status, receiver.heard[0]["task"]) == ("queued", task)
