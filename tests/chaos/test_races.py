"""Moments so short that chaos seldom meets them, brought about on purpose."""

import pytest
from django.utils import timezone

from seedance import conf, lifecycle, tasks, translate
from seedance.lifecycle import reconciling

pytestmark = pytest.mark.django_db


def test_search_leaves_alone_what_another_row_sent_during_it(provider, make_task, monkeypatch):
    doubtful = make_task(status="unconfirmed", submitted_at=timezone.now(), next_search_at=timezone.now())
    other = make_task(status="pending")

    def other_leaves(*_arguments):
        """Another worker's create reaches the provider, and its answer is still under way."""
        claimed = lifecycle.claim(other.pk)
        request = translate.to_request(claimed, conf.provider())
        lifecycle.get_client("default").create_task(request, reference=str(claimed.pk))

    monkeypatch.setattr(reconciling, "wait_for_slot", other_leaves)

    found = lifecycle.reconcile(doubtful)

    assert len(provider.creates) == 1
    assert not found


class BusyCluster:
    """What a stop sign shows while jobs keep waiting in the cluster's queue, as under a rain of callbacks."""

    is_set = True


@pytest.mark.django_db(transaction=True)  # the polls have connections of their own
def test_polls_take_place_although_the_cluster_is_always_busy(provider, make_task):
    for _number in range(3):
        make_task(status="queued")

    tasks.poll_due(BusyCluster())

    assert [request.method for request in provider.requests][:1] == ["GET"]
