"""A site's limits hold for the tasks of a batch, not for the batch."""

import pytest
from django.core.cache import cache
from rest_framework.throttling import BaseThrottle, ScopedRateThrottle, UserRateThrottle

from seedance.api.base import SeedanceAPIView
from seedance.models import GenerationTask

from .conftest import TASKS

pytestmark = pytest.mark.django_db


class FivePerMinute(UserRateThrottle):
    rate = "5/min"


class NinePerMinute(UserRateThrottle):
    scope = "nine"
    rate = "9/min"


class Scoped(ScopedRateThrottle):
    """Applies to no view without a scope of its own."""


class Unlimited(UserRateThrottle):
    rate = None

    def get_rate(self):
        return None


class OwnKind(BaseThrottle):
    """A throttle that somebody wrote from scratch; it lets three requests pass."""

    passed = 0

    def allow_request(self, request, view):
        OwnKind.passed += 1
        return OwnKind.passed <= 3


@pytest.fixture
def limited(monkeypatch):
    """Returns a function that gives the site its throttles."""
    OwnKind.passed = 0
    cache.clear()
    yield lambda *classes: monkeypatch.setattr(SeedanceAPIView, "throttle_classes", classes)
    cache.clear()


def batch(client, body, size):
    return client.post(f"{TASKS}batch/", {"tasks": [body] * size}, format="json")


def test_batch_larger_than_the_limit_is_refused_and_stores_nothing(api_client, body, limited):
    limited(FivePerMinute)

    response = batch(api_client, body, 6)

    assert (response.status_code, response.json()["code"]) == (429, "throttled")
    assert "larger than the limit" in response.json()["detail"]
    assert not GenerationTask.objects.exists()


def test_second_batch_is_refused_when_both_together_exceed_the_limit(api_client, body, limited):
    limited(FivePerMinute)

    first, second = batch(api_client, body, 3), batch(api_client, body, 3)

    assert (first.status_code, second.status_code) == (202, 429)
    assert 0 < int(second["Retry-After"]) <= 60
    assert GenerationTask.objects.count() == 3


def test_batch_up_to_the_limit_is_taken(api_client, body, limited):
    limited(FivePerMinute)

    assert batch(api_client, body, 5).status_code == 202


def test_refused_batch_leaves_room_for_smaller_ones(api_client, body, limited):
    limited(NinePerMinute, FivePerMinute)
    batch(api_client, body, 6)

    assert batch(api_client, body, 4).status_code == 202


def test_throttle_without_a_rate_counts_nothing(api_client, body, limited):
    limited(Unlimited, Scoped)

    assert batch(api_client, body, 20).status_code == 202


@pytest.mark.parametrize(("size", "status"), [(3, 202), (4, 429)])
def test_throttle_of_another_kind_is_asked_for_each_task(api_client, body, limited, size, status):
    limited(OwnKind)

    assert batch(api_client, body, size).status_code == status
