"""A task that vanishes while it is asked for is not found: never a fault of the server."""

import pytest

from seedance import lifecycle
from seedance.exceptions import TransitionError
from seedance.lifecycle import receive_callback
from seedance.models import Attention, GenerationTask, Status, TaskEvent

from ..racing import at_once
from .conftest import TASKS

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = range(10)


def statuses_of(client, make_task, user, verb, **columns):
    """Ten times: a verb beside a DELETE of the same task; the pairs of statuses."""
    pairs = []
    for _ in ROUNDS:
        path = f"{TASKS}{make_task(owner=user, **columns).pk}/"
        answers = at_once(lambda path=path: client.delete(path), lambda path=path: client.post(f"{path}{verb}/"))
        pairs.append([answer.status_code for answer in answers])
    return pairs


@pytest.mark.parametrize("status", ["new", "pending", "failed"])
def test_two_deletes_at_once_are_one_and_a_not_found(api_client, make_task, user, status):
    for _ in ROUNDS:
        path = f"{TASKS}{make_task(status=status, owner=user).pk}/"

        answers = at_once(*[lambda path=path: api_client.delete(path)] * 2)

        assert sorted(answer.status_code for answer in answers) == [204, 404]


@pytest.mark.parametrize(
    ("verb", "status", "allowed"),
    [
        ("submit", "new", {202, 404}),
        ("cancel", "new", {202, 404, 409}),
        ("cancel", "pending", {202, 404, 409}),
        ("retry", "failed", {202, 404}),
        ("sync", "succeeded", {202, 404}),
    ],
)
def test_verb_beside_a_delete_is_done_or_not_found(api_client, make_task, user, verb, status, allowed):
    pairs = statuses_of(api_client, make_task, user, verb, status=status)

    assert {answer for _deleted, answer in pairs} <= allowed
    assert {deleted for deleted, _answer in pairs} == {204}


@pytest.fixture
def gone(make_task):
    """An instance whose row was erased by somebody else."""

    def make(**columns):
        task = make_task(**columns)
        GenerationTask.objects.filter(pk=task.pk).delete()
        return task

    return make


def test_gone_task_does_not_move(gone):
    assert gone(status="pending").advance(Status.CANCELLED, cause="test") is False


def test_gone_task_takes_no_columns(gone):
    assert gone(status="queued").amend(poll_failures=1) is False


def test_gone_task_takes_no_line_and_no_flag(gone):
    task = gone(status="queued")

    task.flag(Attention.OVERDUE, cause="test")

    assert task.note(TaskEvent.What.NOTE, cause="test") is None
    assert not TaskEvent.objects.exists()


@pytest.mark.parametrize("status", ["new", "pending", "queued", "running", "failed"])
def test_gone_task_cannot_be_cancelled(gone, status):
    with pytest.raises(TransitionError):
        lifecycle.cancel(gone(status=status), cause="test")


@pytest.mark.parametrize("status", ["new", "failed"])
def test_gone_task_cannot_be_erased_again(gone, status):
    with pytest.raises(TransitionError, match="deleted"):
        gone(status=status).erase()


def test_gone_task_cannot_be_retried(gone):
    with pytest.raises(TransitionError, match="deleted"):
        GenerationTask.objects.retry(gone(status="failed"))


def test_callback_of_a_gone_task_is_taken_in_silence(gone):
    receive_callback(gone(status="queued"), b"{}")


def test_delete_of_a_task_that_vanished_in_the_admin_is_no_fault(admin_client, make_task):
    task = make_task(status="new")
    path = f"/admin/seedance/generationtask/{task.pk}/delete/"

    answers = at_once(*[lambda: admin_client.post(path, {"post": "yes"})] * 2)

    assert {answer.status_code for answer in answers} == {302}
    assert not GenerationTask.objects.exists()
