"""Fixtures for tests of running programs."""

import time
from pathlib import Path

import pytest


@pytest.fixture
def marker(tmp_path):
    """A variable that no other test's programs carry in their environment."""
    return f"SEEDANCE_TEST_MARKER={tmp_path}"


@pytest.fixture
def marked(marker):
    """The environment variable that marks a program and all that it starts."""
    return dict([marker.split("=", 1)])


@pytest.fixture
def running(marker):
    """The processes that carry the marker, as a function: their directories below ``/proc``."""
    return lambda: [process for process in Path("/proc").glob("[0-9]*") if marker.encode() in _environment(process)]


@pytest.fixture
def wait_until():
    """Wait for a condition of other programs. Returns what it came to."""

    def wait(condition, seconds=60):
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.05)
        return condition()

    return wait


def _environment(process):
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""
