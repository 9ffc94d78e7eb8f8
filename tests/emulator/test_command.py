"""`manage.py seedance_emulator`."""

import subprocess
import sys
from pathlib import Path

import requests

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "manage.py", "seedance_emulator"]


def test_command_serves_until_told_to_stop():
    process = subprocess.Popen([*COMMAND, "--port", "0"], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    with process:
        url = process.stdout.readline().split()[2]
        status = requests.get(f"{url}/models", headers={"Authorization": "Bearer k"}, timeout=10).status_code
        process.terminate()

    assert status == 200
    assert process.returncode == 0


def test_command_refuses_to_listen_beyond_loopback():
    result = subprocess.run([*COMMAND, "--host", "0.0.0.0"], capture_output=True, text=True, cwd=ROOT)

    assert result.returncode == 1
    assert "loopback" in result.stderr
