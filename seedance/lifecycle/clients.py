"""The one place where settings meet the client."""

import functools
import os
import time
from contextlib import suppress

from .. import conf
from ..exceptions import ConfigurationError
from ..models import RateLimit
from ..provider.ark import SeedanceClient
from ..provider.types import Client
from ..provider.videos import VideosClient

#: Who speaks which dialect.
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
    """Have a callable ``API_KEY`` asked again before the next call, because its key was refused."""
    provider = conf.provider(alias)
    with suppress(ConfigurationError):  # it failed already; the next call says so
        provider.renew_key(provider.key)


def wait_for_slot(alias: str, verb: str, per_second: float) -> None:
    """Keep to a limit that all workers share; returns when one more call may leave. 0 is no limit."""
    while per_second:
        pause = RateLimit.objects.acquire(f"{verb}:{alias}", 1.0 / per_second, burst=1.0)
        if not pause:
            return
        time.sleep(min(pause, 1.0))
