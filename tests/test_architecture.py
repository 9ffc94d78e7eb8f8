"""Holds the imports of every module to the layer diagram in CONTRIBUTING.md, and writes of ``status`` to one.

A package may import from the packages named for it in ``MAY_IMPORT``, and from itself, without cycles. A failure names
the module, the line, what it imports, and the rule. Change the layers only when the diagram is wrong, never to make a
failure go away.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import seedance

PACKAGE = Path(seedance.__file__).parent

#: ``seedance/__init__.py``: the version, nothing else.
VERSION = "version"
_BASE = {VERSION, "exceptions", "signals", "policy", "conf"}
_REQUESTS = _BASE | {"catalogue", "media", "intake"}
_ROWS = _REQUESTS | {"models"}
_STEPS = _ROWS | {"provider", "translate"}
_BACKGROUND = _STEPS | {"lifecycle", "queue", "tasks", "health", "retention"}
#: Entry points call the provider only through ``lifecycle`` and ``tasks``.
_ENTRY_POINT = _BACKGROUND - {"provider"}

#: The packages and top-level modules from the lowest layer up, and what each may import besides itself.
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
    "models": _REQUESTS,
    "migrations": {"catalogue", "conf", "models"},
    "translate": _ROWS | {"provider"},
    "lifecycle": _STEPS,
    "queue": {"conf", "exceptions"},
    "tasks": _BASE | {"models", "lifecycle", "queue"},
    "health": _ROWS | {"queue", "lifecycle"},
    "retention": _ROWS | {"queue"},
    # Asks the client whether an address and a key can be right.
    "checks": _REQUESTS | {"models", "queue", "provider", "presets"},
    "apps": {"checks", "queue", "redaction", "tasks", "signals"},
    "admin": _ENTRY_POINT,
    "api": _ENTRY_POINT,
    "ark": _ENTRY_POINT,
    "views": _ENTRY_POINT,
    "urls": {"api", "ark", "views"},
    "management": _BACKGROUND | {"presets", "emulator"},
    "emulator": set(),
}

#: Third-party packages -> the only packages of ours that may import them.
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

#: Packages that must work without a configured Django -> the modules of Django that they may import.
DJANGO_FREE = {
    "provider": set(),
    "presets": set(),
    "emulator": set(),
    VERSION: set(),
    "catalogue": {"django.utils.translation", "django.utils.functional"},
}

#: Modules that may import inside functions, and why.
LATE_IMPORTS = {
    "seedance.queue": "django-q2 is an optional app; its models exist only where it is installed",
    "seedance.apps": "models can be imported only once the app registry is ready",
    "seedance.emulator.inputs": "Pillow is an extra",
    "seedance.emulator.media": "PyAV and Pillow are an extra",
}

#: Names that say nothing of what a module is about.
VAGUE_NAMES = {"util", "utils", "helper", "helpers", "common", "misc", "tools", "shared", "lib"}


#: Where rows are created, with their first status: the only places outside of ``models/transitions.py`` that write it.
CREATES_ROWS = {("seedance.models.manager", "_columns")}

#: Methods of querysets and rows that write the columns of their arguments.
_WRITES = {
    "update",
    "amend",
    "advance",
    "accept",
    "claim",
    "update_or_create",
    "bulk_update",
    "save",
    "asave",
    "aupdate",
}
#: Packages in which a mapping with the key ``status`` may be columns of a row.
_HANDLES_ROWS = {"models", "lifecycle", "tasks", "retention", "translate"}


@dataclass(frozen=True)
class Import:
    """One imported module, as seen from one line."""

    module: str
    line: int
    target: str
    is_late: bool = False
    #: Whether only type checkers see it.
    is_typing: bool = False

    def __str__(self) -> str:
        return f"{self.module}, line {self.line}, imports {self.target}"


def package_of(module: str) -> str:
    """The package, or the top-level module, that a module of ours is part of."""
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


def _typing_nodes(tree: ast.Module) -> set[ast.AST]:
    blocks = [node for node in ast.walk(tree) if isinstance(node, ast.If)]
    blocks = [node for node in blocks if ast.unparse(node.test) == "TYPE_CHECKING"]
    return {inner for block in blocks for statement in block.body for inner in ast.walk(statement)}


@cache
def trees() -> dict[str, ast.Module]:
    """Every module of the app, parsed."""
    return {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in modules().items()}


@cache
def imports() -> tuple[Import, ...]:
    """Every import of every module."""
    found = []
    for module, tree in trees().items():
        late, typing = _late_nodes(tree), _typing_nodes(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                targets = _targets(node, module)
                found += [Import(module, node.lineno, target, node in late, node in typing) for target in targets]
    return tuple(found)


def cycle_in(graph: dict[str, set[str]]) -> set[str]:
    """The nodes that are left when every node without open dependencies has been taken away; empty without a cycle."""
    waiting = dict(graph)
    while ready := {node for node, targets in waiting.items() if not targets & waiting.keys()}:
        waiting = {node: targets for node, targets in waiting.items() if node not in ready}
    return set(waiting)


def status_writes(tree: ast.AST, module: str) -> list[ast.AST]:
    """The places where a module writes a ``status``."""
    found: list[ast.AST] = []
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            found += [each for each in targets if isinstance(each, ast.Attribute) and each.attr == "status"]
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in _WRITES:
                found += [each.value for each in node.keywords if each.arg == "status"]
                named = [each for each in node.keywords if each.arg in ("update_fields", "fields")]
                named += [each for each in node.keywords if each.arg is None]
                values = [*(each.value for each in named), *(node.args[1:] if name == "bulk_update" else [])]
                found += [each for value in values for each in ast.walk(value) if _is_status(each)]
            if name == "setattr":
                found += [each for each in node.args[1:2] if _is_status(each)]
        if package_of(module) in _HANDLES_ROWS:
            if isinstance(node, ast.Dict):
                found += [each for each in node.keys if each is not None and _is_status(each)]
            if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
                found += [node] if _is_status(node.slice) else []
    return found


def _is_status(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value == "status"


def is_ours(target: str) -> bool:
    return target.split(".")[0] == "seedance"


def report(broken: list[Import], rule: str) -> str:
    return "\n".join([rule, *(f"  {each}" for each in broken)])


def test_every_package_has_a_layer():
    unknown = {package_of(module) for module in modules()} - MAY_IMPORT.keys()

    assert not unknown, f"add these to MAY_IMPORT, in the lowest layer that is possible: {sorted(unknown)}"


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_package_imports_only_from_below(package):
    allowed = MAY_IMPORT[package] | {package}

    broken = [each for each in imports() if package_of(each.module) == package and is_ours(each.target)]
    broken = [each for each in broken if package_of(each.target) not in allowed]

    assert not broken, report(broken, f"{package} may import from: {', '.join(sorted(allowed))}")


def test_packages_have_no_cycle():
    cycle = cycle_in(MAY_IMPORT)

    assert not cycle, f"these packages import each other: {sorted(cycle)}"


def test_layers_are_those_of_the_diagram():
    text = (PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    diagram = text.split("## Layers")[1].split("```")[1]
    # The right half of a line is its description.
    lines = [re.split(r"\s{6,}", line.strip())[0:1] for line in diagram.splitlines()]
    layer = {name: n for n, line in enumerate(lines) for part in line for name in re.findall(r"[a-z]+", part)}
    layer |= {"provider": layer["models"]}

    upward = [
        f"{package} imports {target}"
        for package, targets in MAY_IMPORT.items()
        for target in targets
        if package in layer and target in layer and layer[target] < layer[package]
    ]

    assert {"admin", "tasks", "lifecycle", "translate", "models", "intake", "catalogue", "conf"} <= layer.keys()
    assert not upward


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_modules_of_a_package_have_no_cycle(package):
    graph: dict[str, set[str]] = {module: set() for module in modules() if package_of(module) == package}
    for each in imports():
        if each.module in graph and each.target in graph and each.target != each.module and not each.is_typing:
            graph[each.module].add(each.target)

    cycle = cycle_in(graph)

    assert not cycle, "\n".join(f"{module} imports {sorted(graph[module] & cycle)}" for module in sorted(cycle))


def test_cycles_are_found():
    assert cycle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == {"a", "b", "c"}
    assert not cycle_in({"a": {"b", "c"}, "b": {"c"}, "c": set()})


@pytest.mark.parametrize("library", ONLY_IN)
def test_library_is_imported_by_its_own_packages_only(library):
    broken = [each for each in imports() if each.target.split(".")[0] == library]
    broken = [each for each in broken if package_of(each.module) not in ONLY_IN[library]]

    assert not broken, report(broken, f"only these may import {library}: {', '.join(sorted(ONLY_IN[library]))}")


@pytest.mark.parametrize("package", DJANGO_FREE)
def test_package_works_without_django(package):
    broken = [each for each in imports() if package_of(each.module) == package]
    broken = [each for each in broken if each.target.split(".")[0] == "django"]
    broken = [each for each in broken if each.target not in DJANGO_FREE[package]]

    assert not broken, report(broken, f"{package} works without a configured Django")


def test_imports_are_at_the_top_of_their_module():
    broken = [each for each in imports() if each.is_late and each.module not in LATE_IMPORTS]

    assert not broken, report(broken, "an import inside a function hides a cycle; restructure, or give a reason")


@pytest.mark.parametrize("module", LATE_IMPORTS)
def test_late_imports_are_still_needed(module):
    assert any(each.is_late for each in imports() if each.module == module), f"take {module} off LATE_IMPORTS"


def test_settings_are_read_in_one_place():
    # Checks read what was written and other apps' settings; models must name AUTH_USER_MODEL.
    readers = {"conf", "checks", "models", "migrations"}

    broken = [each for each in imports() if each.target == "django.conf" and package_of(each.module) not in readers]

    assert not broken, report(broken, "ask seedance.conf, which is read at the moment of use")


def test_no_module_has_a_vague_name():
    vague = [module for module in modules() if VAGUE_NAMES & set(module.split("."))]

    assert not vague, "name these after what they are about"


def test_status_is_written_by_transitions_only():
    broken = []
    for module, tree in trees().items():
        if package_of(module) in ("emulator", "provider", "migrations") or module == "seedance.models.transitions":
            continue
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        allowed = [node for node in functions if (module, node.name) in CREATES_ROWS]
        exempt = {inner for node in allowed for inner in ast.walk(node)}
        broken += [f"{module}, line {node.lineno}" for node in status_writes(tree, module) if node not in exempt]

    assert not broken, "move these to models/transitions.py: " + "; ".join(broken)


@pytest.mark.parametrize(
    "source",
    [
        "task.status = Status.NEW",
        "task.status: str = 'new'",
        "rows.update(status='new')",
        "task.amend(status='new')",
        "setattr(task, 'status', 'new')",
        "task.save(update_fields=['status'])",
        "rows.bulk_update(tasks, ['status'])",
        "rows.update(**{'status': 'new'})",
        "columns['status'] = 'new'",
    ],
)
def test_writes_of_status_are_found(source):
    assert status_writes(ast.parse(source), "seedance.lifecycle.submitting")


@pytest.mark.parametrize("source", ["rows.filter(status='new')", "task.status == 'new'", "values['status']"])
def test_reads_of_status_are_allowed(source):
    assert not status_writes(ast.parse(source), "seedance.lifecycle.submitting")


def test_whole_app_is_read():
    read = {package_of(each.module) for each in imports()}

    assert {"models", "lifecycle", "provider", "api", "admin", "emulator"} <= read
    assert len(modules()) > 100


def test_other_packages_import_the_catalogue_from_its_init():
    broken = [each for each in imports() if each.target.startswith("seedance.catalogue.")]
    broken = [each for each in broken if package_of(each.module) != "catalogue"]

    assert not broken, report(broken, "import from seedance.catalogue, not from its inner modules")
