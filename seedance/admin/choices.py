"""What a person may pick in the form, from the settings and the catalogue."""

from itertools import groupby
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import conf
from ..catalogue import ModelRow, Parameter, current_catalogue, host_of
from ..exceptions import ConfigurationError

#: Shown for an option that is left to the model.
MODELS_DEFAULT = gettext_lazy("Model's default")

YES_NO = [("unknown", MODELS_DEFAULT), ("true", gettext_lazy("Yes")), ("false", gettext_lazy("No"))]

_STATES = {"retiring": gettext_lazy("retiring"), "historical": gettext_lazy("historical")}


def models_of(alias: str) -> list[ModelRow]:
    """The models of one provider, best first; none when it is not configured."""
    try:
        return current_catalogue().models_for(host_of(alias))
    except ConfigurationError:
        return []


def model_choices(alias: str) -> list[Any]:
    """The models as options in groups: of the chosen provider first, then what only others have."""
    aliases = [alias, *(other for other in conf.provider_aliases() if other != alias)]
    groups: list[Any] = [("", _("Choose a model"))]
    seen: set[str] = set()
    for name in aliases:
        rows = [row for row in models_of(name) if row.name not in seen]
        seen.update(row.name for row in rows)
        prefix = f"{name}: " if len(aliases) > 1 else ""
        for generation, members in groupby(rows, key=_generation):
            groups.append((prefix + generation, [(row.name, _title(row)) for row in members]))
    return groups


def offered(alias: str, parameter: Parameter) -> list[tuple[str, Any]]:
    """The words any model of a provider takes for a parameter, in the catalogue's order."""
    words_of = parameter.words or (lambda row: ())
    words = dict.fromkeys(word for row in models_of(alias) for word in words_of(row))
    return [("", MODELS_DEFAULT), *((word, word) for word in words)]


def _generation(row: ModelRow) -> str:
    return "Seedance " + row.family.partition(" ")[0]


def _title(row: ModelRow) -> str:
    state = f" ({_STATES[row.state]})" if row.state in _STATES else ""
    return f"{row.title}{state} — {row.name}"
