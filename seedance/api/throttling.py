"""Throttling of batches: a batch counts as many requests as it has tasks, in any throttle of the site."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle, SimpleRateThrottle


def throttle_more(request: Request, view: Any, throttles: Sequence[BaseThrottle], more: int) -> None:
    """Count a request that the throttles have allowed once as ``more`` further ones: all of them, or none.

    Subclasses of DRF's ``SimpleRateThrottle`` are checked first, without counting. Other throttles are called
    repeatedly; what they counted before they refused stays counted.

    Raises:
        Throttled: the limit does not allow them; the request must not be processed.
    """
    simple = [throttle for throttle in throttles if isinstance(throttle, SimpleRateThrottle)]
    counting = [throttle for throttle in simple if _load_history(throttle, request, view)]
    for throttle in counting:
        _refuse_excess(throttle, more)
    for other in throttles:
        if not isinstance(other, SimpleRateThrottle):
            for _number in range(more):
                if not other.allow_request(request, view):
                    raise Throttled(other.wait())
    for throttle in counting:
        for _number in range(more):
            throttle.throttle_success()


def _load_history(throttle: Any, request: Request, view: Any) -> bool:
    """Make a throttle load its history without counting; returns whether it applies to this request."""
    throttle.throttle_success = lambda: True
    try:
        throttle.allow_request(request, view)
    finally:
        del throttle.throttle_success
    return getattr(throttle, "history", None) is not None and throttle.num_requests is not None


def _refuse_excess(throttle: Any, more: int) -> None:
    most, history = throttle.num_requests or 0, throttle.history
    if more + 1 > most:
        raise Throttled(detail=_("A batch counts as many requests as it has tasks; this one is larger than the limit."))
    if (excess := len(history) + more - most) > 0:
        # The newest is first; ``excess`` of the oldest must have expired.
        raise Throttled(throttle.duration - (throttle.now - history[-min(excess, len(history))]))
