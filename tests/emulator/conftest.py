"""An emulator with a frozen clock, and small clients that speak to it over the wire."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from seedance.emulator import Emulator

MODEL = "doubao-seedance-1-5-pro-251215"
PROMPT = "A paper boat drifts on a quiet lake at sunrise."


class ArkClient:
    """Plain requests against one flavour of the Ark dialect."""

    def __init__(self, base_url):
        self.tasks_url = f"{base_url}/contents/generations/tasks"
        self.session = requests.Session()
        self.session.headers["Authorization"] = "Bearer key"

    def create(self, prompt=PROMPT, media=(), **fields):
        body = {"model": MODEL, "content": [{"type": "text", "text": prompt}, *media], **fields}
        return self.post(body)

    def post(self, body):
        return self.session.post(self.tasks_url, json=body, timeout=10, allow_redirects=False)

    def new(self, prompt=PROMPT, **fields):
        """The id of a task that was accepted."""
        response = self.create(prompt, **fields)
        assert response.status_code == 200, response.text
        return response.json()["id"]

    def get(self, task_id):
        return self.session.get(f"{self.tasks_url}/{task_id}", timeout=10, allow_redirects=False)

    def show(self, task_id):
        return self.get(task_id).json()

    def list(self, **query):
        return self.session.get(self.tasks_url, params=query, timeout=10)

    def delete(self, task_id):
        return self.session.delete(f"{self.tasks_url}/{task_id}", timeout=10)


class VideosClient:
    """Plain requests against the unified dialect."""

    def __init__(self, base_url):
        self.videos_url = f"{base_url}/videos"
        self.session = requests.Session()
        self.session.headers["Authorization"] = "Bearer key"

    def create(self, files=(), **fields):
        values = {"model": "doubao-seedance-2-0", "prompt": PROMPT, **fields}
        parts = [(name, (None, value)) for name, value in values.items()]
        return self.session.post(self.videos_url, files=[*parts, *files], timeout=10)

    def new(self, **fields):
        response = self.create(**fields)
        assert response.status_code == 200, response.text
        return response.json()["id"]

    def get(self, task_id):
        return self.session.get(f"{self.videos_url}/{task_id}", timeout=10)

    def show(self, task_id):
        return self.get(task_id).json()

    def content(self, task_id):
        return self.session.get(f"{self.videos_url}/{task_id}/content", timeout=10)


@pytest.fixture(scope="package")
def running_emulator():
    with Emulator(real_time=False, render=False, queue_seconds=10, run_seconds=60) as emulator:
        yield emulator


@pytest.fixture
def emulator(running_emulator):
    running_emulator.reset()
    return running_emulator


@pytest.fixture
def ark(emulator):
    client = ArkClient(emulator.ark_url)
    yield client
    client.session.close()


@pytest.fixture
def volc(emulator):
    client = ArkClient(emulator.volc_url)
    yield client
    client.session.close()


@pytest.fixture
def videos(emulator):
    client = VideosClient(emulator.videos_url)
    yield client
    client.session.close()


@pytest.fixture
def finished(emulator, ark):
    """The task object of a video that has just succeeded."""

    def make(prompt=PROMPT, **fields):
        task_id = ark.new(prompt, **fields)
        emulator.finish(task_id)
        return ark.show(task_id)

    return make


class Receiver(ThreadingHTTPServer):
    """Takes callbacks, remembers them, and answers as told."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), ReceiverHandler)
        self.url = f"http://127.0.0.1:{self.server_port}/callback?token=x"
        self.answers = []
        self.bodies = []
        self.targets = []
        self.on_arrival = lambda: None

    @property
    def statuses(self):
        return [body["status"] for body in self.bodies]


class ReceiverHandler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.bodies.append(body)
        self.server.targets.append(self.path)
        self.server.on_arrival()
        self.send_response(self.server.answers.pop(0) if self.server.answers else 204)
        self.end_headers()

    def log_message(self, *args):
        """Stay silent."""


@pytest.fixture
def receiver():
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
