"""In a browser: the site's pages work under its own Content-Security-Policy."""

import shutil

import pytest
from django.conf import settings
from playwright.sync_api import sync_playwright

from ..conftest import require_service

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(params=["light", "dark"])
def visitor(request, live_server, admin_client, monkeypatch):
    """A logged-in page that remembers every complaint of the browser."""
    require_service("Chromium", CHROMIUM is not None)
    # Playwright keeps an event loop in this thread, and Django would refuse to touch the database beside one.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(base_url=live_server.url, color_scheme=request.param)
        cookie = admin_client.cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
        page = context.new_page()
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("console", lambda line: page.complaints.append(line.text) if line.type == "error" else None)
        yield page
        browser.close()


@pytest.mark.parametrize(
    ("path", "sign_of_life"),
    [
        pytest.param("/", "h2", id="front page"),
        pytest.param("/admin/", "#site-name", id="admin"),
        pytest.param("/admin/django_q/schedule/", "#changelist", id="django-q2's admin"),
        pytest.param("/seedance/api/v1/docs/", ".opblock", id="API reference"),
    ],
)
def test_page_works_under_the_site_s_policy(visitor, path, sign_of_life):
    visitor.goto(path)

    visitor.wait_for_selector(sign_of_life)
    assert visitor.complaints == []


def test_front_page_reloads_while_a_task_is_unfinished(visitor, make_task):
    task = make_task(status="running", prompt="A tin roof.")
    visitor.goto("/")
    visitor.wait_for_selector("progress")

    type(task).objects.filter(pk=task.pk).update(status="cancelled", finished_at=task.created_at)

    visitor.wait_for_selector("progress", state="detached")
    assert visitor.complaints == []
