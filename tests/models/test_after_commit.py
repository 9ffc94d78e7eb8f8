"""Workers are notified once per commit, and after a rollback only of what was committed."""

import pytest
from django.db import transaction

from seedance.models.after_commit import wake_workers
from seedance.signals import work_available

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sent():
    """The number of notifications, as a growing list."""
    calls: list[None] = []

    def receiver(**_arguments):
        calls.append(None)

    work_available.connect(receiver)
    yield calls
    work_available.disconnect(receiver)


def test_many_calls_in_one_transaction_notify_once(sent):
    with transaction.atomic():
        for _ in range(3):
            wake_workers("default")
        assert not sent

    assert len(sent) == 1


def test_each_commit_notifies(sent):
    for _ in range(2):
        with transaction.atomic():
            wake_workers("default")
    wake_workers("default")

    assert len(sent) == 3


def test_rollback_notifies_nobody_and_the_next_commit_does(sent):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        wake_workers("default")
        1 / 0  # noqa: B018
    assert not sent

    with transaction.atomic():
        wake_workers("default")

    assert len(sent) == 1


def test_savepoint_that_is_rolled_back_does_not_keep_a_later_call_from_notifying(sent):
    with transaction.atomic():
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            wake_workers("default")
            1 / 0  # noqa: B018
        wake_workers("default")

    assert len(sent) == 1


def test_call_from_a_receiver_notifies_again(sent):
    def once(**_arguments):
        work_available.disconnect(once)
        wake_workers("default")

    work_available.connect(once)
    with transaction.atomic():
        wake_workers("default")

    assert len(sent) == 2
