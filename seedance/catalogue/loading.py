"""Load the facts with a site's additions, and look models up in them."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from .host import NAMING_PRESETS, Host
from .overrides import merged, mistakes, with_family
from .rows import ModelRow, Rate, Table, build, rate

#: ``doubao-seedance-1-5-pro-251215`` -> the date at its end.
_DATE = re.compile(r"-\d{6}$")

#: The host to look a model up on when none is known.
_ANY_HOST = Host("ark")


class CatalogueError(ValueError):
    """A site's additions to the catalogue cannot be read; the text names what to write instead."""


@dataclass(frozen=True)
class MediaLimits:
    """What every model asks of a file of one kind. ``None`` means that it does not apply."""

    #: Every format any model takes; for images a model may take fewer.
    formats: tuple[str, ...]
    #: Bytes.
    largest: int
    #: Smallest and largest width or height, in pixels.
    sides: tuple[int, int] | None
    #: Smallest and largest width divided by height.
    aspect: tuple[float, float] | None
    #: Smallest and largest width times height.
    pixels: tuple[int, int] | None
    frames_per_second: tuple[int, int] | None


class Catalogue:
    """Every known model, by family and by host."""

    def __init__(self, facts: Table) -> None:
        self._facts = facts
        self._rows: dict[tuple[str, Host], ModelRow] = {}
        #: Kind of file -> what it must be like.
        self.media: Mapping[str, MediaLimits] = {kind: _media_limits(table) for kind, table in facts["media"].items()}

    @property
    def families(self) -> tuple[str, ...]:
        """The names of all families, best first."""
        return tuple(self._facts["families"])

    def row(self, family: str, host: Host) -> ModelRow:
        """What a family accepts and costs on a host, whether or not the host lists it."""
        key = (family, host)
        if key not in self._rows:
            self._rows[key] = self._build(family, host)
        return self._rows[key]

    def models_for(self, host: Host) -> list[ModelRow]:
        """The models a person may pick on a host, best first; those whose ids its pages have before all others."""
        rows = [row for row in (self.row(family, host) for family in self.families) if row.name]
        return sorted(rows, key=lambda row: not self.documents_id(row.name, host))

    def find(self, model_name: str, host: Host) -> ModelRow | None:
        """The row of an id that is spelled exactly as this host spells it."""
        for preset in host.id_presets if model_name else ():
            for family in self.families:
                if model_name in self._ids(family, preset):
                    return self.row(family, host)
        return None

    def currency(self, host: Host) -> str:
        """What a host charges in, ISO 4217; empty when its price list is not known at all."""
        return str(self._facts["money"].get(host.price_preset, {}).get("currency", ""))

    def documents_id(self, model_name: str, host: Host) -> bool:
        """Whether a page of the host has this id; true where its ids were not compared with its pages."""
        documented = self._facts["documented_ids"].get(host.id_presets[0])
        return documented is None or model_name in documented

    def family_of(self, model_name: str) -> str | None:
        """The family that has this id on any host at all."""
        for family in self.families if model_name else ():
            if model_name in self._all_ids(family):
                return family
        return None

    def undated_family_of(self, model_name: str) -> str | None:
        """The family whose id on some host would be this one if it had its date, such as ``seedance-1-0-pro``."""
        for family in self.families if model_name else ():
            if model_name in {_DATE.sub("", name) for name in self._all_ids(family)}:
                return family
        return None

    def nearest(self, model_name: str, host: Host = _ANY_HOST) -> ModelRow | None:
        """The row most likely to describe an id that is not in the catalogue.

        An endpoint id (``ep-…``) does not contain its model and gets the newest family, as does a name of an unknown
        generation. ``None`` when the name has nothing to do with Seedance.
        """
        exact = self.family_of(model_name)
        if exact is None and not model_name.startswith("ep-"):
            _, found, version = model_name.lower().replace(".", "-").rpartition("seedance-")
            if not found:
                return None
            exact = self._closest_family(_DATE.sub("", version))
        return self.row(exact or self.families[0], host)

    def _closest_family(self, version: str) -> str | None:
        matching = [family for family in self.families if f"{version}-".startswith(f"{_slug(family)}-")]
        partial = [family for family in self.families if _slug(family).startswith(f"{version}-")]
        return max(matching, key=len) if matching else next(iter(partial), None)

    def _build(self, family: str, host: Host) -> ModelRow:
        facts = dict(self._facts["families"][family])
        for layer in (facts.pop("on", {}).get(host.limits_preset, {}), self._facts["dialects"].get(host.dialect, {})):
            facts = merged(facts, layer)
        names = [name for preset in host.id_presets for name in self._ids(family, preset)]
        facts["ids"] = {preset: self._ids(family, preset) for preset in NAMING_PRESETS}
        facts["ids"] |= {"emulator": facts["ids"]["ark"]}
        if "keeps_modes" in facts:
            facts["modes"] = [mode for mode in facts["modes"] if mode in facts["keeps_modes"]]
        return build(
            family,
            facts,
            next(iter(names), ""),
            sizes=self._sizes(facts),
            rates=self._rates(facts, host.price_preset),
            verified=self._facts["verified"],
        )

    def _ids(self, family: str, preset: str) -> tuple[str, ...]:
        """The ids of a family on a host, the one to offer first."""
        ids = self._facts["families"][family]["ids"].get(preset) or ()
        return (ids,) if isinstance(ids, str) else tuple(ids)

    def _all_ids(self, family: str) -> set[str]:
        return {name for preset in NAMING_PRESETS for name in self._ids(family, preset)}

    def _sizes(self, facts: Table) -> Table:
        sizes = facts["sizes"]
        found: Table = self._facts["sizes"][sizes] if isinstance(sizes, str) else sizes
        return found

    def _rates(self, facts: Table, preset: str) -> tuple[Rate, ...]:
        return tuple(rate(line, self._facts["money"][preset]) for line in facts.get("prices", {}).get(preset, ()))


def load(overrides: Mapping[str, Mapping[str, Any]] | None = None) -> Catalogue:
    """The catalogue, with what a site wrote in ``SEEDANCE["MODELS"]`` merged into the built-in facts.

    The same additions are read once.

    Args:
        overrides: family name to a table with the keys of ``models.toml``. Tables are merged, everything else replaces
            what was there. A new family names the one that it is ``like``.

    Raises:
        CatalogueError: when :func:`check_overrides` finds a mistake in them.
    """
    if not overrides:
        return _built_in()
    violations = check_overrides(overrides)
    if violations:
        raise CatalogueError(" ".join(violations))
    return _extended(json.dumps(overrides, default=str))


def check_overrides(overrides: object) -> list[str]:
    """The mistakes in a site's additions: one sentence each, naming the path and what to write there."""
    return mistakes(overrides, _facts())


@cache
def _facts() -> dict[str, Any]:
    """``models.toml`` with every ``like`` replaced by what it stands for."""
    facts = tomllib.loads(files(__package__).joinpath("models.toml").read_text(encoding="utf-8"))
    families: dict[str, Any] = {}
    for family, table in facts["families"].items():
        families = with_family(families, family, table)
    return {**facts, "families": families}


@cache
def _built_in() -> Catalogue:
    return Catalogue(_facts())


@lru_cache(maxsize=8)
def _extended(overrides: str) -> Catalogue:
    facts = _facts()
    families = facts["families"]
    for family, table in json.loads(overrides).items():
        families = with_family(families, family, table)
    return Catalogue({**facts, "families": families})


def _media_limits(table: Table) -> MediaLimits:
    def pair(key: str) -> Any:
        return tuple(table[key]) if key in table else None

    return MediaLimits(
        formats=tuple(table.get("formats", ())),
        largest=table["largest"],
        sides=pair("sides"),
        aspect=pair("aspect"),
        pixels=pair("pixels"),
        frames_per_second=pair("frames_per_second"),
    )


def _slug(family: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", family.lower()).strip("-")
