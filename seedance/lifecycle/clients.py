"""The client of each provider, made from the settings; its rate limits, and its errors in words."""

import functools
import os
import time
from contextlib import suppress

from .. import conf
from ..catalogue import find_error
from ..exceptions import ConfigurationError, ProviderError
from ..models import RateLimit
from ..provider.ark import SeedanceClient
from ..provider.types import Client
from ..provider.videos import VideosClient

#: The client for each dialect.
DIALECTS: dict[str, type[SeedanceClient] | type[VideosClient]] = {"ark": SeedanceClient, "openai_video": VideosClient}


def get_client(alias: str) -> Client:
    """The client for a provider alias, with its connections kept.

    Raises:
        ConfigurationError: no such provider, no key, a failing key function, or a wrong address.
    """
    provider = conf.provider(alias)
    if provider.DIALECT not in DIALECTS:
        raise ConfigurationError(f'The DIALECT of provider "{alias}" must be one of {", ".join(DIALECTS)}.')
    timeouts = (provider.CONNECT_TIMEOUT, provider.TIMEOUT, provider.GET_TIMEOUT)
    return _client(provider.DIALECT, provider.BASE_URL, provider.key, timeouts, os.getpid())


@functools.lru_cache(maxsize=32)
def _client(
    dialect: str, base_url: str, key: str, timeouts: tuple[float, float, float], _process: int
) -> SeedanceClient | VideosClient:
    # Kept per process: connections must not be shared across a fork.
    connect, create, get = timeouts
    return DIALECTS[dialect](base_url, key, connect_timeout=connect, create_timeout=create, timeout=get)


def renew_key(alias: str) -> None:
    """Have a callable ``API_KEY`` called again before the next request, because its key was refused."""
    provider = conf.provider(alias)
    with suppress(ConfigurationError):  # it failed already; the next request says so
        provider.renew_key(provider.key)


def wait_for_slot(alias: str, verb: str, per_second: float) -> None:
    """Wait until one more call is within the rate limit that all workers share. 0 is no limit."""
    while per_second:
        pause = RateLimit.objects.acquire(f"{verb}:{alias}", 1.0 / per_second, burst=1.0)
        if not pause:
            return
        time.sleep(min(pause, 1.0))


def describe_exchange(exc: ProviderError) -> str:
    """A failed request for the timeline: the request line, what came back, and the beginning of the body."""
    status = f" → HTTP {exc.status_code}" if exc.status_code else ""
    asked = f"{exc.method} {exc.path}{status}: " if exc.method else ""
    return f"{asked}{exc}" + (f"\n\n{exc.body}" if exc.body and exc.body not in str(exc) else "")


def error_code_of(exc: ProviderError) -> str:
    """The provider's code; where it gave none, the name of what its message or HTTP status means."""
    if exc.code:
        return exc.code
    kind = find_error("", exc.status_code, str(exc))
    return kind.name if kind.is_known and not kind.default_for_status else f"http_{exc.status_code}"
