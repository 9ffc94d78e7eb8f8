"""What each Seedance model accepts and costs, and the rules that refuse a request before anything is paid.

Facts are data (``models.toml``, ``errors.toml``); everything else here reads them. Only ``site`` reads settings, and
nothing here knows rows or the network. Other packages import from this module, not from the inner ones.
"""

from .defaults import explicit as explicit_defaults
from .errors import RULE_CODES, Cause, ErrorKind, error_kinds, find_error, pause_scope
from .flags import lift as lift_flags
from .flags import lower as lower_flags
from .host import Host
from .inputs import FRAME_ROLES, MEDIA_ROLES, Inputs, MediaFacts, MediaInput
from .loading import Catalogue, CatalogueError, check_overrides, load
from .parameters import LARGEST_NUMBER, PARAMETERS, Parameter
from .price import Estimate, charge, estimate, format_amount
from .rows import ModelRow, Rate
from .rules import check
from .site import current_catalogue, host_of
from .violations import LazyMessage, Text, Violation, only_errors

__all__ = [
    "FRAME_ROLES",
    "LARGEST_NUMBER",
    "MEDIA_ROLES",
    "PARAMETERS",
    "RULE_CODES",
    "Catalogue",
    "CatalogueError",
    "Cause",
    "ErrorKind",
    "Estimate",
    "Host",
    "Inputs",
    "LazyMessage",
    "MediaFacts",
    "MediaInput",
    "ModelRow",
    "Parameter",
    "Rate",
    "Text",
    "Violation",
    "charge",
    "check",
    "check_overrides",
    "current_catalogue",
    "error_kinds",
    "estimate",
    "explicit_defaults",
    "find_error",
    "format_amount",
    "host_of",
    "lift_flags",
    "load",
    "lower_flags",
    "only_errors",
    "pause_scope",
]
