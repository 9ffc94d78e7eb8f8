"""The emulator stands alone, and its manual is complete."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from seedance.emulator import Options
from seedance.emulator.control import ROUTES
from seedance.emulator.faults import FAULTS

ROOT = Path(__file__).parents[2]
MANUAL = (ROOT / "docs" / "emulator.md").read_text(encoding="utf-8")


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True).stdout


def test_emulator_imports_nothing_of_ours_and_no_django():
    output = run(
        "import sys, seedance.emulator, seedance.emulator.cli, seedance.emulator.render\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('django', 'requests')\n"
        "       or (name.startswith('seedance.') and not name.startswith('seedance.emulator'))])"
    )

    assert output.strip() == "[]"


def test_without_pyav_and_pillow_the_bundled_files_are_served():
    output = run(
        "import sys, json, urllib.request as u\n"
        "sys.modules['av'] = sys.modules['PIL'] = None\n"
        "from seedance.emulator import Emulator\n"
        "with Emulator() as emulator:\n"
        "    url = emulator.ark_url + '/contents/generations/tasks'\n"
        "    body = {'model': 'doubao-seedance-1-5-pro-251215', 'return_last_frame': True,\n"
        "            'content': [{'type': 'text', 'text': 'A cat'}]}\n"
        "    key = {'Authorization': 'Bearer k'}\n"
        "    made = json.load(u.urlopen(u.Request(url, json.dumps(body).encode(), key)))\n"
        "    emulator.finish()\n"
        "    content = json.load(u.urlopen(u.Request(url + '/' + made['id'], None, key)))['content']\n"
        "    print(u.urlopen(content['video_url']).read()[4:8], u.urlopen(content['last_frame_url']).read()[1:4])"
    )

    assert output.strip() == "b'ftyp' b'PNG'"


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_manual_tells_of_every_fault(name):
    assert f"| `{name}` |" in MANUAL


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Options)])
def test_manual_tells_of_every_setting(name):
    assert f"| `{name}` |" in MANUAL


@pytest.mark.parametrize("route", ROUTES)
def test_manual_tells_of_every_control_route(route):
    assert f"| `{route}` |" in MANUAL


@pytest.mark.parametrize("marker", ["fault", "fail", "run", "queue"])
def test_manual_tells_of_every_marker(marker):
    assert f"| `[[{marker}:" in MANUAL
