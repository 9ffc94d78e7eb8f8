"""Imports run downhill: every module of the app is read, and its imports are held to the ground plan.

A room may import from the rooms named for it in ``MAY_IMPORT``, and from itself. A failure names the module, the line,
what it imports, and the rule. Redraw the plan only when the drawing is wrong, never to make a failure go away.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import seedance

PACKAGE = Path(seedance.__file__).parent

#: ``seedance/__init__.py``: the version, nothing else.
VERSION = "version"
_GROUND = {VERSION, "exceptions", "signals", "policy", "conf"}
_KNOWLEDGE = _GROUND | {"catalogue", "media", "intake"}
_ROWS = _KNOWLEDGE | {"models"}
_STEPS = _ROWS | {"provider", "translate"}
_WORK = _STEPS | {"lifecycle", "queue", "tasks", "health", "retention"}
#: People's and programs' doors reach the provider through ``lifecycle`` and ``tasks`` only.
_DOOR = _WORK - {"provider"}

#: The rooms from the ground up, and what each may import besides itself.
MAY_IMPORT: dict[str, set[str]] = {
    VERSION: set(),
    "exceptions": set(),
    "signals": set(),
    "redaction": set(),
    "presets": set(),
    "policy": set(),
    "conf": {"exceptions", "policy", "presets"},
    "catalogue": {"conf"},
    "provider": {"exceptions", VERSION},
    "media": {"catalogue", "exceptions"},
    "intake": {"conf", "catalogue", "exceptions", "media"},
    "models": _KNOWLEDGE,
    "migrations": {"catalogue", "conf", "models"},
    "translate": _ROWS | {"provider"},
    "lifecycle": _STEPS,
    "queue": {"conf", "exceptions"},
    "tasks": _GROUND | {"models", "lifecycle", "queue"},
    "health": _ROWS | {"queue", "lifecycle"},
    "retention": _ROWS | {"queue"},
    # Asks the client whether an address and a key can be right.
    "checks": _KNOWLEDGE | {"models", "queue", "provider", "presets"},
    "apps": {"checks", "queue", "redaction", "tasks", "signals"},
    "admin": _DOOR,
    "api": _DOOR,
    "ark": _DOOR,
    "views": _DOOR,
    "urls": {"api", "ark", "views"},
    "management": _WORK | {"presets", "emulator"},
    "emulator": set(),
}

#: Packages that only some rooms may import; any other room asks these.
ONLY_IN = {
    "requests": {"provider"},
    "urllib3": {"provider"},
    "django_q": {"queue"},
    "rest_framework": {"api", "ark"},
    "drf_spectacular": {"api", "ark"},
    "django_filters": {"api"},
    "av": {"media", "emulator"},
    "PIL": {"media", "emulator"},
}

#: Rooms that must work without a configured Django; what they may have of it.
DJANGO_FREE = {
    "provider": set(),
    "presets": set(),
    "emulator": set(),
    VERSION: set(),
    "catalogue": {"django.utils.translation", "django.utils.functional"},
}

#: Rooms and modules that may import inside functions, and why.
LATE_IMPORTS = {
    "seedance.queue": "django-q2 is an optional app; its models exist only where it is installed",
    "seedance.apps": "models can be imported only once the app registry is ready",
    "seedance.emulator.inputs": "Pillow is an extra",
    "seedance.emulator.media": "PyAV and Pillow are an extra",
}

#: Drawers that never close.
DRAWERS = {"util", "utils", "helper", "helpers", "common", "misc", "tools", "shared", "lib"}


@dataclass(frozen=True)
class Import:
    """One imported module, as seen from one line."""

    module: str
    line: int
    target: str
    is_late: bool = False

    def __str__(self) -> str:
        return f"{self.module}, line {self.line}, imports {self.target}"


def room_of(module: str) -> str:
    """The room of a module of ours."""
    if module == "seedance.provider.presets":
        return "presets"
    return module.partition(".")[2].partition(".")[0] or VERSION


@cache
def modules() -> dict[str, Path]:
    """Every module of the app by its dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def _targets(node: ast.Import | ast.ImportFrom, module: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    package = module if modules()[module].name == "__init__.py" else module.rpartition(".")[0]
    above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
    source = ".".join([*above, *filter(None, [node.module])])
    # ``from .. import conf`` names a module, ``from ..conf import settings`` something within one.
    yield from {f"{source}.{alias.name}" if f"{source}.{alias.name}" in modules() else source for alias in node.names}


def _late_nodes(tree: ast.Module) -> set[ast.AST]:
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {inner for function in functions for inner in ast.walk(function)}


@cache
def imports() -> tuple[Import, ...]:
    """Every import of every module."""
    found = []
    for module, path in modules().items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        late = _late_nodes(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                found += [Import(module, node.lineno, target, node in late) for target in _targets(node, module)]
    return tuple(found)


def is_ours(target: str) -> bool:
    return target.split(".")[0] == "seedance"


def report(broken: list[Import], rule: str) -> str:
    return "\n".join([rule, *(f"  {each}" for each in broken)])


def test_every_room_is_on_the_plan():
    unknown = {room_of(module) for module in modules()} - MAY_IMPORT.keys()

    assert not unknown, f"draw these rooms into MAY_IMPORT, as low as they can stand: {sorted(unknown)}"


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_room_imports_only_from_below(room):
    allowed = MAY_IMPORT[room] | {room}

    broken = [each for each in imports() if room_of(each.module) == room and is_ours(each.target)]
    broken = [each for each in broken if room_of(each.target) not in allowed]

    assert not broken, report(broken, f"{room} may import from: {', '.join(sorted(allowed))}")


def test_plan_has_no_circles():
    placed: set[str] = set()
    waiting = dict(MAY_IMPORT)

    while ready := [room for room, below in waiting.items() if below & MAY_IMPORT.keys() <= placed]:
        placed |= set(ready)
        waiting = {room: below for room, below in waiting.items() if room not in placed}

    assert not waiting, f"these rooms lean on each other: {sorted(waiting)}"


@pytest.mark.parametrize("package", ONLY_IN)
def test_package_is_spoken_to_in_its_own_room_only(package):
    broken = [each for each in imports() if each.target.split(".")[0] == package]
    broken = [each for each in broken if room_of(each.module) not in ONLY_IN[package]]

    assert not broken, report(broken, f"{package} belongs to: {', '.join(sorted(ONLY_IN[package]))}")


@pytest.mark.parametrize("room", DJANGO_FREE)
def test_room_stands_without_django(room):
    broken = [each for each in imports() if room_of(each.module) == room and each.target.split(".")[0] == "django"]
    broken = [each for each in broken if each.target not in DJANGO_FREE[room]]

    assert not broken, report(broken, f"{room} works without a configured Django")


def test_imports_stand_at_the_top_of_their_module():
    broken = [each for each in imports() if each.is_late and each.module not in LATE_IMPORTS]

    assert not broken, report(broken, "an import inside a function hides a cycle; redraw, or give a reason")


@pytest.mark.parametrize("module", LATE_IMPORTS)
def test_late_imports_are_still_needed(module):
    assert any(each.is_late for each in imports() if each.module == module), f"take {module} off LATE_IMPORTS"


def test_settings_are_read_in_one_place():
    # Checks look at what was written and at other apps' settings; rows of people must name AUTH_USER_MODEL.
    readers = {"conf", "checks", "models", "migrations"}

    broken = [each for each in imports() if each.target == "django.conf" and room_of(each.module) not in readers]

    assert not broken, report(broken, "ask seedance.conf, which is read at the moment of use")


def test_there_is_no_drawer_for_everything():
    drawers = [module for module in modules() if DRAWERS & set(module.split("."))]

    assert not drawers, "name these after what they are about"


def test_tests_of_the_plan_see_the_whole_house():
    seen = {room_of(each.module) for each in imports()}

    assert {"models", "lifecycle", "provider", "api", "admin", "emulator"} <= seen
    assert len(modules()) > 100


def test_other_packages_import_the_catalogue_from_its_init():
    broken = [each for each in imports() if each.target.startswith("seedance.catalogue.")]
    broken = [each for each in broken if room_of(each.module) != "catalogue"]

    assert not broken, report(broken, "import from seedance.catalogue, not from its inner modules")
