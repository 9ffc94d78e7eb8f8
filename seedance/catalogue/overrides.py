"""Read what a site wrote in ``SEEDANCE["MODELS"]`` critically, before anything depends on it."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from .host import NAMING_PRESETS
from .parameters import PARAMETERS

#: Says what a value must be, or nothing when it is.
Expectation = Callable[[object], str]

_MODES = ("t2v", "i2v", "flf2v", "r2v")
_STATES = ("current", "retiring", "historical")
_TIERS = ("default", "flex")
_ID = 'the model\'s id, or "" when this host does not offer it,'


def check(overrides: object, facts: Mapping[str, Any]) -> list[str]:
    """One sentence per mistake, each naming the key and what to write there."""
    if not isinstance(overrides, Mapping):
        return ['SEEDANCE["MODELS"] must be a dict of family names such as "2.5" to dicts.']
    violations: list[str] = []
    for family, table in overrides.items():
        where = _at('SEEDANCE["MODELS"]', family)
        found = list(_family(where, family, table, facts["families"]))
        violations += found or _contradictions(where, family, table, facts)
    return violations


def _family(where: str, family: object, table: object, families: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(family, str) or not family:
        yield f"{where}: write the family's name as a string."
    if not isinstance(table, Mapping):
        yield f"{where} must be a dict with the keys of docs/catalogue.md."
        return
    yield from _table(where, table, _KEYS)
    known = ", ".join(f'"{name}"' for name in families)
    like = table.get("like")
    if family not in families and like not in families:
        yield f'{where} is no known family: write one of {known}, or name the one it resembles with "like".'
    if family in families and like is not None:
        yield f'{where}["like"]: remove it, because this family is built in already.'
    if family not in families:
        yield from (f'{where} is a new family: write "{key}" too.' for key in ("title", "ids") if key not in table)


def _table(where: str, table: Mapping[Any, Any], keys: Mapping[str, Any]) -> Iterator[str]:
    for key, value in table.items():
        place = _at(where, key)
        if key not in keys:
            yield f"{place} is not a key of a model: write one of {', '.join(keys)}."
            continue
        expected = keys[key]
        if not isinstance(expected, Mapping):
            wanted = expected(value)
            if wanted:
                yield f"{place} must be {wanted}."
        elif not isinstance(value, Mapping):
            yield f"{place} must be a dict with some of the keys {', '.join(expected)}."
        else:
            yield from _table(place, value, expected)


def _contradictions(where: str, family: str, table: Mapping[str, Any], facts: Mapping[str, Any]) -> list[str]:
    """What only shows once the additions lie over the facts below them."""
    base = facts["families"].get(family) or facts["families"][table["like"]]
    violations = _disagreements(where, base, [table], facts["sizes"])
    for preset, layer in table.get("on", {}).items():
        violations += _disagreements(_at(_at(where, "on"), preset), base, [table, layer], facts["sizes"])
    return violations


def _disagreements(where: str, base: Mapping[str, Any], layers: list[Mapping[str, Any]], sizes: Any) -> list[str]:
    def value(key: str) -> Any:
        return next((layer[key] for layer in reversed(layers) if key in layer), base.get(key))

    def table(key: str) -> dict[str, Any]:
        return {name: item for layer in (base, *layers) for name, item in layer.get(key, {}).items()}

    duration, ratios = table("duration"), table("ratio")
    pixels = sizes.get(value("sizes"), {}) if isinstance(value("sizes"), str) else value("sizes")
    violations = []
    if not duration["min"] <= duration["default"] <= duration["max"]:
        violations.append(f'{where}["duration"]: write min, default and max so that min <= default <= max.')
    if value("default_resolution") not in value("resolutions"):
        violations.append(f'{where}["default_resolution"]: write one of {", ".join(value("resolutions"))}.')
    violations += [
        f'{where}["ratio"]: write the default ratio of mode {mode}.' for mode in value("modes") if mode not in ratios
    ]
    violations += [
        f'{where}["sizes"]: write width and height of {resolution} at {ratio}.'
        for resolution in value("resolutions")
        for ratio in value("ratios")
        if ratio not in pixels.get(resolution, {})
    ]
    return violations


def _at(where: str, key: object) -> str:
    return f'{where}["{key}"]' if isinstance(key, str) else f"{where}[{key!r}]"


def _text(value: object) -> str:
    return "" if isinstance(value, str) and value.strip() else "a non-empty string"


def _ids(value: object) -> str:
    return "" if isinstance(value, str) or _strings(value) else f"{_ID} or a list of ids, the one to offer first"


def _fraction(value: object) -> str:
    wanted = 'a number of seconds as text, such as "5/3", or ""'
    try:
        return "" if value == "" or (isinstance(value, str) and Fraction(value) > 0) else wanted
    except (ValueError, ZeroDivisionError):
        return wanted


def _share(value: object) -> str:
    wanted = 'the part that is taken off, as a string or Decimal between 0 and 1, such as "0.2"'
    return wanted if _money(value) or not 0 < Decimal(value) < 1 else ""  # type: ignore[arg-type]


def _flag(value: object) -> str:
    return "" if isinstance(value, bool) else "True or False"


def _count(value: object) -> str:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return "" if whole and isinstance(value, int) and value >= 0 else "a whole number, 0 or more"


def _one_of(allowed: Iterable[str]) -> Expectation:
    names = tuple(allowed)
    return lambda value: "" if isinstance(value, str) and value in names else f"one of {', '.join(names)}"


def _some_of(allowed: Collection[str]) -> Expectation:
    return lambda value: (
        "" if _strings(value) and set(_items(value)) <= set(allowed) else f"a list of {', '.join(allowed)}"
    )


def _words(value: object) -> str:
    return "" if _strings(value) else "a list of strings"


def _strings(value: object) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)


def _items(value: object) -> Iterable[Any]:
    return value if isinstance(value, (list, tuple)) else ()


def _date(value: object) -> str:
    if isinstance(value, datetime.date):
        return ""
    try:
        datetime.date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        return "a date such as 2026-11-22"
    return ""


def _money(value: object) -> str:
    wanted = 'an amount as a string or Decimal, such as "2.40"'
    if not isinstance(value, (str, Decimal)):
        return wanted
    try:
        amount = Decimal(value)
    except InvalidOperation:
        return wanted
    return "" if amount.is_finite() and amount >= 0 else wanted


def _sizes(value: object) -> str:
    good = isinstance(value, str) or (isinstance(value, Mapping) and all(map(_is_size_table, value.values())))
    return "" if good else 'a built-in size table, or {"720p": {"16:9": [1280, 720], …}, …}'


def _is_size_table(table: object) -> bool:
    return isinstance(table, Mapping) and all(
        isinstance(pair, (list, tuple)) and len(pair) == 2 and not any(map(_count, pair)) for pair in table.values()
    )


def _price_list(value: object) -> str:
    if isinstance(value, (list, tuple)):
        wrong = (next(_rate_line(line), "") for line in value)
        return next(filter(None, wrong), "")
    return 'a list of {"price": "2.40", …}'


def _rate_line(line: object) -> Iterator[str]:
    if not isinstance(line, Mapping) or "price" not in line:
        yield 'a list of dicts that each have a "price"'
        return
    for key, value in line.items():
        if key not in _RATE_KEYS:
            yield f"a list of dicts with the keys {', '.join(_RATE_KEYS)}"
        elif _RATE_KEYS[key](value):
            yield f"a price list whose {key} is {_RATE_KEYS[key](value)}"


_RATE_KEYS: Mapping[str, Expectation] = {
    "price": _money,
    "resolutions": _words,
    "video_input": _flag,
    "audio": _flag,
    "service_tier": _one_of(_TIERS),
    "unverified": _flag,
    "discount": _share,
    "until": _date,
}

#: What one host may change about a model.
_HOST_KEYS: Mapping[str, Any] = {
    "state": _one_of(_STATES),
    "modes": _some_of(_MODES),
    "parameters": _some_of(PARAMETERS),
    "ignored": _some_of(PARAMETERS),
    "unconfirmed": _some_of(PARAMETERS),
    "undocumented": _some_of(PARAMETERS),
    "without": _some_of(PARAMETERS),
    "mode_without": dict.fromkeys(_MODES, _some_of(PARAMETERS)),
    "service_tiers": _some_of(_TIERS),
    "resolutions": _words,
    "unconfirmed_resolutions": _words,
    "mode_resolutions": dict.fromkeys(_MODES, _words),
    "final_resolutions": _words,
    "default_resolution": _text,
    "ratios": _words,
    "ratio": dict.fromkeys(_MODES, _text),
    "adaptive": _some_of(_MODES),
    "adaptive_only": _some_of(_MODES),
    "duration": {"min": _count, "max": _count, "default": _count, "auto": _flag},
    "generate_audio": _flag,
    "references": {"images": _count, "videos": _count, "audios": _count, "total": _count, "audio_alone": _flag},
    "clips": {"min": _count, "max": _count, "total": _count, "edit_min": _count},
    "image_formats": _words,
    "output_formats": _some_of(("mp4", "mov")),
    "task_types": _some_of(("auto", "reference", "edit", "extend")),
}

_KEYS: Mapping[str, Any] = {
    "like": _text,
    "title": _text,
    "verified": _date,
    "ids": dict.fromkeys(NAMING_PRESETS, _ids),
    **_HOST_KEYS,
    "sizes": _sizes,
    "video_floor": _fraction,
    "draft_tokens": {"audio": _money, "silent": _money},
    "prices": dict.fromkeys(("ark", "byteplus", "cometapi"), _price_list),
    "on": dict.fromkeys(("ark", "byteplus", "cometapi", "emulator"), _HOST_KEYS),
}
