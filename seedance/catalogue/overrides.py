"""A site's additions, ``SEEDANCE["MODELS"]``: checked key by key, then merged into the built-in facts.

docs/catalogue.md explains the keys.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from .host import NAMING_PRESETS
from .parameters import PARAMETERS
from .rows import Table

#: What two families never share, so that a family made ``like`` another one starts without it.
_OWN = frozenset({"title", "state", "ids", "prices", "like"})


@dataclass(frozen=True)
class _Value:
    """What a value must be: in words, and as a test that may raise for a value of a wrong type."""

    wanted: str
    test: Callable[[Any], object]

    def accepts(self, value: object) -> bool:
        try:
            return bool(self.test(value))
        except (ValueError, TypeError, ArithmeticError):
            return False


def _one_of(*names: str) -> _Value:
    return _Value(f"one of {', '.join(names)}", lambda value: value in names)


def _some_of(names: Collection[str]) -> _Value:
    # The names are read when a value is checked: a parameter may be added to its table after this module is loaded.
    return _Value(f"a list of {', '.join(names)}", lambda value: _is_words(value) and set(value) <= set(names))


def _is_words(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)


def _is_size(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == 2 and all(map(_COUNT.accepts, value))


def _are_sizes(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(table, Mapping) and all(map(_is_size, table.values())) for table in value.values()
    )


_TEXT = _Value("a non-empty string", lambda value: isinstance(value, str) and value.strip())
_WORDS = _Value("a list of strings", _is_words)
_FLAG = _Value("True or False", lambda value: isinstance(value, bool))
_COUNT = _Value("a whole number, 0 or more", lambda value: type(value) is int and value >= 0)
_IDS = _Value(
    'the model\'s id, or "" when this host does not offer it, or a list of ids, the one to offer first',
    lambda value: isinstance(value, str) or _is_words(value),
)
_DATE = _Value(
    "a date such as 2026-11-22",
    lambda value: isinstance(value, (str, datetime.date)) and datetime.date.fromisoformat(str(value)),
)
_MONEY = _Value(
    'an amount as a string or Decimal, such as "2.40"',
    lambda value: isinstance(value, (str, Decimal)) and 0 <= Decimal(value) < Decimal("Infinity"),
)
_SHARE = _Value(
    'the part that is taken off, as a string or Decimal between 0 and 1, such as "0.2"',
    lambda value: isinstance(value, (str, Decimal)) and 0 < Decimal(value) < 1,
)
_SECONDS = _Value(
    'a number of seconds as text, such as "5/3", or ""',
    lambda value: isinstance(value, str) and (not value or Fraction(value) > 0),
)
_SIZES = _Value(
    'a built-in size table, or {"720p": {"16:9": [1280, 720], …}, …}',
    lambda value: isinstance(value, str) or _are_sizes(value),
)
_MODES = ("t2v", "i2v", "flf2v", "r2v")
_NAMES, _IN_MODES = _some_of(PARAMETERS), _some_of(_MODES)
_TIERS = ("default", "flex")

#: The keys of a line of a price list.
_RATE: Mapping[str, _Value] = {
    "price": _MONEY,
    "resolutions": _WORDS,
    "video_input": _FLAG,
    "audio": _FLAG,
    "service_tier": _one_of(*_TIERS),
    "unverified": _FLAG,
    "discount": _SHARE,
    "until": _DATE,
}

#: The keys that may differ on one host.
_HOST_KEYS: Mapping[str, Any] = {
    "state": _one_of("current", "retiring", "historical"),
    "modes": _IN_MODES,
    **dict.fromkeys(("parameters", "ignored", "unconfirmed", "undocumented", "without"), _NAMES),
    "mode_without": dict.fromkeys(_MODES, _NAMES),
    "service_tiers": _some_of(_TIERS),
    **dict.fromkeys(("resolutions", "unconfirmed_resolutions", "final_resolutions", "ratios", "image_formats"), _WORDS),
    "mode_resolutions": dict.fromkeys(_MODES, _WORDS),
    "default_resolution": _TEXT,
    "ratio": dict.fromkeys(_MODES, _TEXT),
    "adaptive": _IN_MODES,
    "adaptive_only": _IN_MODES,
    "duration": {**dict.fromkeys(("min", "max", "default"), _COUNT), "auto": _FLAG},
    "generate_audio": _FLAG,
    "references": {**dict.fromkeys(("images", "videos", "audios", "total"), _COUNT), "audio_alone": _FLAG},
    "clips": dict.fromkeys(("min", "max", "total", "edit_min"), _COUNT),
    "output_formats": _some_of(("mp4", "mov")),
    "task_types": _some_of(("auto", "reference", "edit", "extend")),
}

_KEYS: Mapping[str, Any] = {
    "like": _TEXT,
    "title": _TEXT,
    "verified": _DATE,
    "ids": dict.fromkeys(NAMING_PRESETS, _IDS),
    **_HOST_KEYS,
    "sizes": _SIZES,
    "video_floor": _SECONDS,
    "draft_tokens": dict.fromkeys(("audio", "silent"), _MONEY),
    "prices": {preset: [_RATE] for preset in ("ark", "byteplus", "cometapi")},
    "on": dict.fromkeys(("ark", "byteplus", "cometapi", "emulator"), _HOST_KEYS),
}


def mistakes(overrides: object, facts: Table) -> list[str]:
    """One sentence per mistake, each naming the path of the value and what to write there."""
    if not isinstance(overrides, Mapping):
        return ['SEEDANCE["MODELS"] must be a dict of family names such as "2.5" to dicts.']
    found: list[str] = []
    for family, table in overrides.items():
        path = _at('SEEDANCE["MODELS"]', family)
        found += list(_family(path, family, table, facts["families"])) or list(_conflicts(path, family, table, facts))
    return found


def _family(path: str, family: object, table: object, families: Table) -> Iterator[str]:
    if not isinstance(family, str) or not family:
        yield f"{path}: write the family's name as a string."
    if not isinstance(table, Mapping):
        yield f"{path} must be a dict with the keys of docs/catalogue.md."
        return
    yield from _value(path, table, _KEYS)
    if family in families:
        if "like" in table:
            yield f'{path}["like"]: remove it, because this family is built in already.'
        return
    known = ", ".join(f'"{name}"' for name in families)
    if "like" not in table:
        yield f'{path} is no known family: write one of {known}, or name the one it resembles with "like".'
    elif table["like"] not in list(families):
        yield f'{path}["like"] names "{table["like"]}", which is no known family: write one of {known}.'
    yield from (f'{path} is a new family: write "{key}" too.' for key in ("title", "ids") if key not in table)


def _value(path: str, value: Any, expected: Any) -> Iterator[str]:
    if isinstance(expected, _Value):
        if not expected.accepts(value):
            yield f"{path} must be {expected.wanted}."
    elif isinstance(expected, list):
        if not isinstance(value, (list, tuple)):
            yield f'{path} must be a list of {{"price": "2.40", …}}.'
            return
        for number, line in enumerate(value):
            yield from _value(f"{path}[{number}]", line, expected[0])
            if isinstance(line, Mapping) and "price" not in line:
                yield f'{path} must be a list of dicts that each have a "price"; [{number}] has none.'
    elif not isinstance(value, Mapping):
        yield f"{path} must be a dict with some of the keys {', '.join(expected)}."
    else:
        for key, item in value.items():
            if key in expected:
                yield from _value(_at(path, key), item, expected[key])
            else:
                yield f"{_at(path, key)} is not a key of a model: write one of {', '.join(expected)}."


def _conflicts(path: str, family: str, table: Table, facts: Table) -> Iterator[str]:
    """Values that do not fit each other once they are merged, on every host and on those that the site names."""
    row = with_family(facts["families"], family, table)[family]
    yield from _conflicts_in(path, row, facts["sizes"])
    for preset in table.get("on", {}):
        yield from _conflicts_in(_at(_at(path, "on"), preset), merged(row, row["on"][preset]), facts["sizes"])


def _conflicts_in(path: str, row: Table, sizes: Table) -> Iterator[str]:
    duration, resolutions = row["duration"], row["resolutions"]
    pixels = sizes.get(row["sizes"], {}) if isinstance(row["sizes"], str) else row["sizes"]
    if not duration["min"] <= duration["default"] <= duration["max"]:
        yield f'{path}["duration"]: write min, default and max so that min <= default <= max.'
    if row["default_resolution"] not in resolutions:
        yield f'{path}["default_resolution"]: write one of {", ".join(resolutions)}.'
    for mode in row["modes"]:
        if mode not in row["ratio"]:
            yield f'{path}["ratio"]: write the default ratio of mode {mode}.'
    for resolution in resolutions:
        for ratio in row["ratios"]:
            if ratio not in pixels.get(resolution, {}):
                yield f'{path}["sizes"]: write width and height of {resolution} at {ratio}.'


def _at(path: str, key: object) -> str:
    return f'{path}["{key}"]' if isinstance(key, str) else f"{path}[{key!r}]"


def with_family(families: Table, family: str, table: Table) -> dict[str, Any]:
    """``families`` with one more: merged into the one of the same name, or else into the one that it is ``like``."""
    if family in families:
        return {**families, family: merged(families[family], table)}
    inherited = {key: value for key, value in families.get(table.get("like", ""), {}).items() if key not in _OWN}
    own = {key: value for key, value in table.items() if key != "like"}
    own["ids"] = {preset: own["ids"].get(preset, "") for preset in NAMING_PRESETS}
    return {**families, family: merged({"state": "current", **inherited}, own)}


def merged(base: Table, layer: Table) -> dict[str, Any]:
    """``base`` with ``layer`` over it, table by table; neither is changed."""
    result = dict(base)
    for key, value in layer.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return result
