"""docs/commands.md has every command and every option, and no others."""

import re
from pathlib import Path

import pytest
from django.core.management import BaseCommand, load_command_class

import seedance.management.commands

DOCUMENT = Path(__file__).parents[2] / "docs" / "commands.md"
COMMANDS = sorted(path.stem for path in Path(seedance.management.commands.__file__).parent.glob("seedance_*.py"))
SHARED = "Options of a request"


def sections():
    """Title -> text of every chapter."""
    parts = re.split(r"^## (.+)$", DOCUMENT.read_text("utf-8"), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def options_in(text):
    """Every option in the first column of the tables."""
    cells = re.findall(r"^\| (`--[^|]+) \|", text, re.M)
    return {option for cell in cells for option in re.findall(r"`(--[\w-]+)`", cell)}


def documented(name):
    text = sections()[name]
    shared = options_in(sections()[SHARED]) if "(#options-of-a-request)" in text else set()
    return options_in(text) | shared


def options_of(command, name):
    return {option for action in command.create_parser("manage.py", name)._actions for option in action.option_strings}


def test_every_command_has_a_chapter():
    assert set(sections()) - {SHARED} == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_chapter_has_every_option_and_no_other(name):
    own = options_of(load_command_class("seedance", name), name) - options_of(BaseCommand(), name)

    assert documented(name) == {option for option in own if option.startswith("--")}


@pytest.mark.parametrize("name", COMMANDS)
def test_chapter_names_the_exit_status(name):
    assert "\nExit status: 0" in sections()[name]


@pytest.mark.parametrize("name", COMMANDS)
def test_chapter_shows_a_call(name):
    assert f"$ python manage.py {name}" in sections()[name]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_says_what_a_command_does(name):
    usage = load_command_class("seedance", name).create_parser("manage.py", name).format_help()

    assert load_command_class("seedance", name).help
    assert usage.startswith(f"usage: manage.py {name}")
