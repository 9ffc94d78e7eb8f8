"""The one place where settings meet the client."""

import functools
import os

from .. import conf
from ..provider.client import SeedanceClient


def get_client(alias: str) -> SeedanceClient:
    """The client for a provider alias, with its connections kept.

    Raises:
        ConfigurationError: no such provider, no key, or a wrong address.
    """
    provider = conf.provider(alias)
    return _client(
        provider.BASE_URL, provider.key, provider.CONNECT_TIMEOUT, provider.TIMEOUT, provider.GET_TIMEOUT, os.getpid()
    )


@functools.lru_cache(maxsize=32)
def _client(
    base_url: str, key: str, connect_timeout: float, create_timeout: float, timeout: float, _process: int
) -> SeedanceClient:
    # Kept per process: connections must not be shared across a fork.
    return SeedanceClient(
        base_url, key, connect_timeout=connect_timeout, create_timeout=create_timeout, timeout=timeout
    )
