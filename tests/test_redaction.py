"""Logs contain no secrets that would allow to send a callback or fetch an upload."""

import logging
from threading import Thread
from urllib.request import urlopen

import pytest
from django.core.files.base import ContentFile
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import WSGIRequestHandler, WSGIServer
from django.db import connections

from seedance.models import MediaItem
from seedance.redaction import LOGGERS, RedactAddresses, redacted

TOKEN = "mO3Yv0-x_aB7cD9eF1gH3iJ5kL7mN9pQ"
KEY = "MQ:1tQyZk:Zb0dVdVqk3yQ5bq0n1b3oG0r1yS7aWqzM0xw3k9JQzY"
SECRETS = {"callback": f"/seedance/callbacks/{TOKEN}/", "upload": f"/seedance/media/{KEY}/"}


@pytest.mark.parametrize("path", SECRETS.values(), ids=SECRETS)
def test_secret_of_an_address_is_taken_out(path):
    assert redacted(f'"GET {path} HTTP/1.1"') == f'"GET {path[: path.rindex("/", 0, -1)]}/[redacted]/ HTTP/1.1"'


def test_secret_that_was_quoted_by_a_client_is_taken_out():
    assert redacted(SECRETS["upload"].replace(":", "%3A")) == "/seedance/media/[redacted]/"


@pytest.mark.parametrize("path", ["/media/seedance/2026/01/video.mp4", "/callbacks/", "/seedance/api/v1/tasks/"])
def test_other_addresses_stay(path):
    assert redacted(path) == path


@pytest.mark.parametrize("name", LOGGERS)
@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        pytest.param('"%s" %s %s', ("POST {path} HTTP/1.1", "204", "0"), id="Django"),
        pytest.param('%s - "%s %s HTTP/%s" %d', ("1.2.3.4", "POST", "{path}", "1.1", 204), id="uvicorn"),
        pytest.param(
            '%(h)s "%(r)s" %(s)s', ({"h": "1.2.3.4", "r": "POST {path} HTTP/1.1", "s": "204"},), id="gunicorn"
        ),
    ],
)
@pytest.mark.parametrize("path", SECRETS.values(), ids=SECRETS)
def test_access_logs_are_without_secrets_by_default(name, message, arguments, path):
    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    logger = logging.getLogger(name)
    logger.addHandler(handler)

    logger.warning(message, *[filled(argument, path) for argument in arguments])
    logger.removeHandler(handler)

    (line,) = lines
    assert (TOKEN in line, KEY in line, "[redacted]" in line) == (False, False, True)


def filled(argument, path):
    if isinstance(argument, dict):
        return {name: filled(value, path) for name, value in argument.items()}
    return argument.replace("{path}", path) if isinstance(argument, str) else argument


def test_filter_may_also_stand_in_the_sites_own_logging():
    record = logging.LogRecord("any", logging.INFO, "", 0, f"GET {SECRETS['callback']}", None, None)

    RedactAddresses().filter(record)

    assert record.getMessage() == "GET /seedance/callbacks/[redacted]/"


@pytest.mark.django_db
def test_refusal_of_a_callback_does_not_write_its_token_down(client, make_task, caplog):
    task = make_task(status="running")

    client.put(f"/seedance/callbacks/{task.callback_token}/")
    client.post(f"/seedance/callbacks/{task.callback_token}/", b"x" * 300_000, "application/json")

    assert "/callbacks/[redacted]" in caplog.text
    assert task.callback_token not in caplog.text


@pytest.mark.django_db
def test_upload_that_is_gone_does_not_write_its_key_down(client, make_task, caplog):
    item = MediaItem.objects.create(task=make_task(), role="first_frame", file=ContentFile(b"x", name="a.png"))
    item.file.storage.delete(item.file.name)

    client.get(f"/seedance/media/{item.signed_key()}/")

    assert "/media/[redacted]" in caplog.text


@pytest.fixture
def runserver(transactional_db):
    """Asks the server behind ``manage.py runserver`` once, and waits until it has written its log."""
    server = WSGIServer(("127.0.0.1", 0), WSGIRequestHandler)
    server.set_app(WSGIHandler())

    def answer():
        server.handle_request()
        connections.close_all()

    thread = Thread(target=answer)

    def ask(path):
        thread.start()
        with pytest.raises(OSError, match="404"):
            urlopen(f"http://127.0.0.1:{server.server_port}{path}")
        thread.join()

    yield ask
    server.server_close()


def test_runserver_does_not_write_tokens_down(runserver, caplog):
    runserver(SECRETS["callback"])

    assert "GET /seedance/callbacks/[redacted]/ HTTP/1.1" in caplog.text
    assert TOKEN not in caplog.text
