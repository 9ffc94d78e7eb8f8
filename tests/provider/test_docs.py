"""docs/provider.md keeps what the code leans on: every section named, every host, every error."""

import re
from pathlib import Path

import pytest

import seedance
from seedance import exceptions
from seedance.exceptions import ProviderError
from seedance.provider.presets import PRESETS

PACKAGE = Path(seedance.__file__).parent
PAGE = (PACKAGE.parent / "docs" / "provider.md").read_text(encoding="utf-8")
SECTIONS = set(re.findall(r"^## (.+)$", PAGE, re.MULTILINE))
# "Source:" up to the end of its sentence, as docstrings and comments spell it.
SOURCES = [
    source
    for path in sorted(PACKAGE.rglob("*.py"))
    for source in re.findall(r"Sources?: ([^\n]*)docs/provider\.md", path.read_text(encoding="utf-8"))
]
ERRORS = [kind for kind in vars(exceptions).values() if isinstance(kind, type) and issubclass(kind, ProviderError)]


@pytest.mark.parametrize("section", sorted({name for source in SOURCES for name in re.findall(r'"([^"]+)"', source)}))
def test_section_that_the_code_names_exists(section):
    assert section in SECTIONS


@pytest.mark.parametrize("preset", sorted(PRESETS.keys() - {"emulator"}))
def test_host_of_a_preset_is_on_the_page(preset):
    assert f"| `{preset}` | `{PRESETS[preset]['BASE_URL']}` |" in PAGE


@pytest.mark.parametrize("kind", [kind.__name__ for kind in ERRORS if kind is not ProviderError])
def test_every_error_of_the_provider_is_in_the_table(kind):
    assert f"`{kind}`" in PAGE
