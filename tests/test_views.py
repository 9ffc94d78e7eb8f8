"""Endpoints for providers and monitors need no login, also on a site that requires one everywhere else."""

import pytest
from django.urls import reverse

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def login_required(settings):
    settings.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ]


def test_callback_is_heard_without_a_login(client, make_task):
    task = make_task(status="running")

    answer = client.post(reverse("seedance:callback", args=[task.callback_token]), b"{}", "application/json")

    assert (answer.status_code, task.callbacks.count()) == (204, 1)


def test_callback_address_is_shown_to_be_there_without_a_login(client, make_task):
    answer = client.get(reverse("seedance:callback", args=[make_task(status="running").callback_token]))

    assert answer.status_code == 204


def test_upload_is_handed_over_without_a_login(client, make_task, png):
    item = make_task().media.create(position=0, role="reference_video", file=png)

    answer = client.get(reverse("seedance:media", args=[item.signed_key()]))

    assert answer.status_code == 200
    answer.close()


def test_health_needs_no_login(client):
    assert client.get(reverse("seedance:health")).status_code in (200, 503)


def test_everything_else_of_the_site_still_asks_for_one(client):
    assert client.get(reverse("admin:index")).status_code == 302
