"""Why nothing can be sent through a provider at present, and what to write to change that."""

from django.utils.translation import gettext as _

from .. import conf
from ..exceptions import ConfigurationError


def submit_blocker(alias: str) -> str:
    """Why tasks of this provider cannot be sent; empty when they can."""
    try:
        key = conf.provider(alias).key
    except ConfigurationError as error:
        return str(error)
    if key:
        return ""
    return _(
        'No API key is configured for the provider "%(alias)s". '
        'Set SEEDANCE["PROVIDERS"]["%(alias)s"]["API_KEY"]; tasks can be saved until then, but not submitted.'
    ) % {"alias": alias}


def submit_blockers() -> list[str]:
    """The obstacles of every configured provider, or the one that there is none."""
    return [text for alias in conf.provider_aliases() or ["default"] if (text := submit_blocker(alias))]
