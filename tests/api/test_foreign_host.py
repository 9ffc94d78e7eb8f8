"""The contract does not depend on the REST settings of the site that includes it."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

API = "/tools/video/api/v1/"

#: What the foreign site's process does; each answer is told as status, content type and body.
SCRIPT = f"""
import base64, json, django
django.setup()
from django.contrib.auth import get_user_model
from django.core.management import call_command
from rest_framework.test import APIClient

call_command("migrate", verbosity=0)
get_user_model().objects.create_user("alice", password="secret")
known, nobody = APIClient(), APIClient()
known.credentials(HTTP_AUTHORIZATION="Basic " + base64.b64encode(b"alice:secret").decode())
body = {{"prompt": "A paper boat.", "model": "doubao-seedance-1-5-pro-251215", "duration": 5}}


def told(response):
    return [response.status_code, response["Content-Type"], response.content.decode()]


def send(client, body):
    return told(client.generic("POST", "{API}tasks/", json.dumps(body), "application/json"))


answers = {{
    "created": send(known, body),
    "created again": send(known, body),
    "refused": send(known, {{"colour": 1}}),
    "anonymous": send(nobody, body),
    "anonymous list": told(nobody.get("{API}tasks/")),
    "list": told(known.get("{API}tasks/")),
    "not found": told(known.get("{API}tasks/1/")),
    "schema": told(nobody.get("{API}schema/")),
    "docs": told(nobody.get("{API}docs/")),
}}
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def answers():
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.api.foreign_site", "PYTHONWARNINGS": "error"}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {name: (status, kind, text) for name, (status, kind, text) in json.loads(done.stdout).items()}


def test_foreign_host_accepts_a_task(answers):
    status, kind, text = answers["created"]

    assert (status, kind) == (202, "application/json")
    assert json.loads(text)["created_at"].endswith("Z")


def test_foreign_host_refuses_in_our_own_way(answers):
    status, kind, text = answers["refused"]

    assert (status, kind) == (400, "application/problem+json")
    assert {"field": "colour", "code": "unknown_field"}.items() <= json.loads(text)["errors"][0].items()


@pytest.mark.parametrize("call", ["anonymous", "anonymous list"])
def test_foreign_host_that_allows_anybody_lets_nobody_in_without_a_name(answers, call):
    status, kind, _text = answers[call]

    assert (status, kind) == (401, "application/problem+json")


def test_foreign_host_lists_in_our_pages(answers):
    status, _kind, text = answers["list"]

    page = json.loads(text)
    assert (status, len(page["results"]), list(page)) == (200, 2, ["next", "previous", "results"])


def test_foreign_host_knows_no_such_task(answers):
    assert answers["not found"][:2] == (404, "application/problem+json")


def test_foreign_host_serves_our_schema_alone(answers):
    schema = json.loads(answers["schema"][2])

    assert schema["servers"] == [{"url": API.removesuffix("/")}]
    assert "VideoTask" in schema["components"]["schemas"]
    assert set(schema["paths"]["/tasks/"]) == {"get", "post"}


def test_foreign_host_serves_the_docs_page_without_swagger(answers):
    status, kind, text = answers["docs"]

    assert (status, kind) == (200, "text/html; charset=utf-8")
    assert "<script" not in text
