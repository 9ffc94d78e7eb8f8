"""The HTTP server itself."""

import http.client
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from seedance.emulator import Emulator
from seedance.emulator.cli import main

from .conftest import ArkClient


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com", "::"])
def test_emulator_refuses_to_listen_beyond_loopback(host):
    with pytest.raises(ValueError, match="loopback"):
        Emulator(host=host).start()


def test_emulator_picks_a_free_port():
    with Emulator() as first, Emulator() as second:
        assert first.url != second.url


def test_emulator_listens_on_localhost_by_name():
    with Emulator("localhost") as emulator:
        status = requests.get(f"{emulator.url}/api/models", timeout=10).status_code

    assert status == 200


def test_stopped_emulator_leaves_no_thread_and_no_listener():
    before = set(threading.enumerate())
    emulator = Emulator()
    emulator.start()
    client = ArkClient(emulator.ark_url)
    client.create()

    emulator.stop()

    assert set(threading.enumerate()) <= before
    with pytest.raises(requests.ConnectionError):
        client.create()
    client.session.close()


def test_stopped_emulator_starts_again_where_it_was_with_its_memory():
    emulator = Emulator()
    emulator.start()
    url = emulator.url
    client = ArkClient(emulator.ark_url)
    task_id = client.new()

    emulator.stop()
    emulator.start()

    assert emulator.url == url
    assert client.show(task_id)["id"] == task_id
    client.session.close()
    emulator.stop()


def test_stop_does_not_wait_for_a_slow_answer():
    emulator = Emulator()
    emulator.start()
    emulator.fault("slow_headers", seconds=60)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(requests.get, f"{emulator.ark_url}/contents/generations/tasks", timeout=30)
        while not emulator.requests:
            threading.Event().wait(0.01)
        emulator.stop()

    assert isinstance(waiting.exception(), requests.ConnectionError) or waiting.result().status_code == 401


def test_starting_twice_is_an_error(emulator):
    with pytest.raises(RuntimeError, match="running"):
        emulator.start()


def test_connection_is_kept_alive(emulator):
    connection = http.client.HTTPConnection("127.0.0.1", int(emulator.url.rsplit(":", 1)[1]), timeout=10)
    connection.request("GET", "/api/models")
    connection.getresponse().read()
    first = connection.sock

    connection.request("GET", "/api/models")
    connection.getresponse().read()

    assert connection.sock is first
    connection.close()


def test_two_hundred_connections_are_served_at_once(emulator):
    port = int(emulator.url.rsplit(":", 1)[1])
    connections = [http.client.HTTPConnection("127.0.0.1", port, timeout=20) for _ in range(200)]

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda each: each.request("GET", "/api/models"), connections))
        statuses = list(pool.map(lambda each: each.getresponse().status, connections))

    assert statuses == [200] * 200
    [connection.close() for connection in connections]


def test_concurrent_creates_all_reach_the_ledger(emulator):
    client = ArkClient(emulator.ark_url)

    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda number: client.new(f"Cat {number}"), range(40)))

    client.session.close()
    assert len(set(ids)) == 40
    assert {entry.id for entry in emulator.creates} == set(ids)


@pytest.mark.parametrize(
    "head",
    [b"Content-Length: x", b"Content-Length: 999999999999", b"Transfer-Encoding: chunked\r\n\r\nzz"],
    ids=["no number", "too long", "bad chunk"],
)
def test_broken_framing_is_refused(emulator, head):
    with socket.create_connection(("127.0.0.1", int(emulator.url.rsplit(":", 1)[1])), timeout=10) as connection:
        connection.sendall(b"POST /api/v3/contents/generations/tasks HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n")
        answer = connection.recv(100)

    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 413"))


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("PUT", "/v1/videos"), ("PATCH", "/api/v3/contents/generations/tasks/x")],
)
def test_unknown_route(emulator, method, path):
    assert requests.request(method, emulator.url + path, timeout=10).status_code == 404


def test_requests_are_remembered_up_to_a_number():
    with Emulator(requests_kept=2) as emulator:
        client = ArkClient(emulator.ark_url)
        answers = [client.get(name).status_code for name in ("a", "b", "c")]
        client.session.close()

    assert answers == [404, 404, 404]
    assert [heard.path.rsplit("/", 1)[1] for heard in emulator.requests] == ["b", "c"]


def test_unknown_setting_is_refused():
    with pytest.raises(TypeError, match="no_such_setting"):
        Emulator(no_such_setting=1)


def test_command_line_serves_until_told_to_stop():
    process = subprocess.Popen(
        [sys.executable, "-m", "seedance.emulator", "--port", "0", "--run-seconds", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        line = process.stdout.readline()
        url = line.split()[2]
        status = requests.get(f"{url}/models", headers={"Authorization": "Bearer k"}, timeout=10).status_code
        process.terminate()

    assert status == 200
    assert process.returncode == 0


def test_command_line_explains_a_refusal(capsys):
    status = main(["--host", "0.0.0.0"])

    assert status == 1
    assert "loopback" in capsys.readouterr().err
