"""How often one key may ask."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from .clock import Clock
from .errors import ApiError
from .options import Options

_CODES = {"create": "ModelAccountRpmRateLimitExceeded"}


class Limits:
    """Sliding windows per key and operation; creates are counted per model too, as the provider does."""

    def __init__(self, clock: Clock, options: Callable[[], Options]) -> None:
        self._clock = clock
        self._options = options
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str, str], deque[float]] = {}

    def reset(self) -> None:
        with self._lock:
            self._seen = {}

    def check(self, operation: str, key: str, model: str = "") -> None:
        """Count one request.

        Raises:
            ApiError: 429 when the window is full; the refused request is not counted.
        """
        limit, seconds = self._limit(operation)
        if limit is None:
            return
        now = self._clock.now()
        with self._lock:
            seen = self._seen.setdefault((operation, key, model), deque())
            while seen and seen[0] <= now - seconds:
                seen.popleft()
            if len(seen) < limit:
                seen.append(now)
                return
        code = _CODES.get(operation, "APIAccountRpmRateLimitExceeded")
        raise ApiError(429, code, f"The request rate limit for {operation} has been exceeded. Please try again later.")

    def _limit(self, operation: str) -> tuple[int | None, float]:
        options = self._options()
        return {
            "create": (options.create_per_minute, 60.0),
            "get": (options.get_per_second, 1.0),
            "list": (options.list_per_second, 1.0),
            "delete": (options.delete_per_second, 1.0),
        }.get(operation, (None, 1.0))
