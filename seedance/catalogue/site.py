"""The catalogue as this site's settings have it."""

from __future__ import annotations

from .. import conf
from .host import Host
from .loading import Catalogue, load


def host_of(alias: str) -> Host:
    """The host behind a provider alias, a key of ``PROVIDERS``.

    Raises:
        ConfigurationError: when there is no such provider.
    """
    provider = conf.provider(alias)
    return Host(preset=provider.PRESET, dialect=provider.DIALECT)


def current_catalogue() -> Catalogue:
    """The built-in facts with ``SEEDANCE["MODELS"]`` merged into them.

    Raises:
        CatalogueError: when ``MODELS`` cannot be read.
    """
    return load(conf.settings().MODELS)
