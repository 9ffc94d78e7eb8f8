"""The state machine is complete, and says the same everywhere."""

import itertools

import pytest

from seedance.models import ACTIVE, FINAL, TRANSITIONS, GenerationTask, Status
from seedance.models.status import UNCANCELLABLE


def test_every_status_has_its_transitions():
    assert set(TRANSITIONS) == set(Status)


def test_every_status_is_either_active_or_final():
    assert set(ACTIVE) | set(FINAL) == set(Status)
    assert not set(ACTIVE) & set(FINAL)


@pytest.mark.parametrize("status", sorted(FINAL))
def test_final_status_never_changes(status):
    assert TRANSITIONS[status] == frozenset()


def test_every_status_that_cannot_be_cancelled_here_says_why():
    cancelled_here = {Status.NEW, Status.PENDING}

    assert set(UNCANCELLABLE) == set(Status) - cancelled_here - {Status.QUEUED}


@pytest.mark.parametrize(("old", "new"), list(itertools.product(Status, Status)), ids=lambda status: str(status))
def test_row_moves_exactly_where_an_arrow_leads(make_task, old, new):
    task = make_task(status=old, provider_task_id="cgt-1")
    allowed = new in TRANSITIONS[old]

    moved = task.advance(new, cause="test", **({"lease_until": task.created_at} if new == "submitting" else {}))

    assert moved is allowed
    assert GenerationTask.objects.get().status == (new if allowed else old)
