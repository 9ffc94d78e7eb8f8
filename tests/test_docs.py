"""What the pages list is what the code has."""

import re
from pathlib import Path

import pytest

from seedance import conf

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"


def headings(page):
    return set(re.findall(r"^### `(\w+)`", (DOCS / page).read_text(), re.MULTILINE))


def test_every_setting_has_a_heading_and_no_other():
    assert headings("settings.md") == {*conf.SETTING_NAMES, *conf.PROVIDER_NAMES}


def test_every_system_check_is_listed_and_no_other():
    in_code = set(re.findall(r'id="(seedance\.[EW]\d+)"', (ROOT / "seedance" / "checks.py").read_text()))
    listed = set(re.findall(r"`(seedance\.[EW]\d+)`", (DOCS / "settings.md").read_text()))

    assert listed == in_code


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md"), key=str), ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text())

    assert [target for target in targets if not (page.parent / target).exists()] == []
