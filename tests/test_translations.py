"""The languages that ship are whole, and what is shipped compiled is what is written."""

import shutil
import subprocess
from pathlib import Path

import pytest
from django.utils import translation

from seedance.catalogue import error_kinds
from seedance.models import Status

from .conftest import require_service

ROOT = Path(__file__).resolve().parent.parent
CATALOGUES = sorted(
    [*ROOT.glob("seedance/locale/*/LC_MESSAGES/django.po"), *ROOT.glob("project/locale/*/LC_MESSAGES/django.po")]
)


@pytest.fixture
def gettext_tools():
    require_service("gettext (msgattrib, msgfmt)", shutil.which("msgattrib") is not None)


def messages(path, *options):
    """What ``msgattrib`` leaves of a catalogue, without its header."""
    done = subprocess.run(["msgattrib", *options, "--no-wrap", str(path)], capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if line.startswith("msgid ") and line != 'msgid ""']


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: f"{path.parts[-5]}-{path.parts[-3]}")
@pytest.mark.parametrize("option", ["--untranslated", "--only-fuzzy", "--only-obsolete"])
def test_catalogue_leaves_nothing_to_be_desired(gettext_tools, path, option):
    assert messages(path, option) == []


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: f"{path.parts[-5]}-{path.parts[-3]}")
def test_placeholders_survive_translation(gettext_tools, path):
    done = subprocess.run(["msgfmt", "--check", "-o", "/dev/null", str(path)], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("language", ["zh-hans", "ja"])
@pytest.mark.parametrize("status", Status, ids=str)
def test_every_status_has_a_word(language, status):
    with translation.override(language):
        word = str(status.label)

    assert word != status.value


@pytest.mark.parametrize("language", ["zh-hans", "ja"])
def test_every_error_is_explained(language):
    with translation.override("en"):
        english = [str(kind.meaning) for kind in error_kinds()]
    with translation.override(language):
        translated = [str(kind.meaning) for kind in error_kinds()]

    assert not set(english) & set(translated)
