"""The languages that ship are whole, and what is shipped compiled is what is written."""

import os
import shutil
import subprocess
import sys
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
    found = [line for line in done.stdout.splitlines() if line.startswith("msgid ")]
    return found[1:] if found[:1] == ['msgid ""'] else found  # the first is the header


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: f"{path.parts[-5]}-{path.parts[-3]}")
@pytest.mark.parametrize("option", ["--untranslated", "--only-fuzzy", "--only-obsolete"])
def test_catalogue_leaves_nothing_to_be_desired(gettext_tools, path, option):
    assert messages(path, option) == []


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: f"{path.parts[-5]}-{path.parts[-3]}")
def test_every_message_of_the_source_is_in_the_catalogue(gettext_tools, tmp_path, path):
    app = path.parents[3]
    copy = tmp_path / app.name
    shutil.copytree(app, copy, ignore=shutil.ignore_patterns("__pycache__", "*.mo"))
    if app.name == "seedance":  # makemessages does not read errors.toml
        texts = subprocess.run(
            [sys.executable, "-m", "scripts.error_texts", "gettext"], cwd=ROOT, check=True, capture_output=True
        )
        (copy / "catalogue" / "_error_texts.py").write_bytes(texts.stdout)
    if app.name == "project":
        shutil.copytree(ROOT / "templates", copy / "templates")

    # The script, not `python -m`: the folder holds modules that would hide those of the standard library.
    command = [Path(sys.executable).with_name("django-admin"), "makemessages", "-l", path.parts[-3], "--no-location"]
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    subprocess.run([*command, "--no-obsolete"], cwd=copy, env=environment, check=True, capture_output=True)

    collected = copy / path.relative_to(app)
    assert [*messages(collected, "--untranslated"), *messages(collected, "--only-fuzzy")] == []


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: f"{path.parts[-5]}-{path.parts[-3]}")
def test_compiled_catalogue_is_what_is_written(gettext_tools, tmp_path, path):
    compiled = tmp_path / "django.mo"
    subprocess.run(["msgfmt", "-o", compiled, path], check=True)

    assert compiled.read_bytes() == path.with_suffix(".mo").read_bytes()


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
