"""A batch counts as many requests as it has tasks, in whatever throttles the site has."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle, SimpleRateThrottle


def count_more(request: Request, view: Any, throttles: Sequence[BaseThrottle], more: int) -> None:
    """Count a request, which the throttles have let in as one, as so many more: all of them, or none.

    Throttles of REST framework's own family are asked first whether there is room. Others can only be asked again
    and again, so what they counted before they refused stays counted.

    Raises:
        Throttled: there is no room for them; nothing of the request may be done.
    """
    simple = [throttle for throttle in throttles if isinstance(throttle, SimpleRateThrottle)]
    counting = [throttle for throttle in simple if _look(throttle, request, view)]
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


def _look(throttle: Any, request: Request, view: Any) -> bool:
    """Have a throttle read what it counted so far, without counting. Whether it counts this request at all."""
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
        # The newest stand first; so many of the oldest must have passed.
        raise Throttled(throttle.duration - (throttle.now - history[-min(excess, len(history))]))
