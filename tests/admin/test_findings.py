"""The banner with problems of the site."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from seedance import queue, tasks
from seedance.models import Account

from .conftest import page, run_action

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def healthy(db):
    """A site on which all is well."""
    queue.install_schedules()
    tasks.step()


@pytest.fixture
def trouble(healthy):
    """A paused account, which is trouble and told with words from outside."""
    Account.objects.pause("default", code="AccountOverdueError", reason=HOSTILE)


@pytest.fixture
def warning(healthy, make_task):
    """A task that has waited for long, which is a warning."""
    make_task(status="pending", updated_at="2026-01-01T00:00:00Z")


def content_of(client, *args):
    return client.get(page(*args)).content.decode()


def test_list_of_a_healthy_site_has_no_banner(operator, make_task):
    make_task(status="running")

    assert "seedance-note" not in content_of(operator, "changelist")


def test_list_shows_trouble_and_its_hint(operator, trouble):
    content = content_of(operator, "changelist")

    assert '<p class="seedance-note seedance-bad" role="alert">' in content
    assert "Fix the cause, then resume the account in the admin." in content


def test_list_shows_a_warning_as_such(operator, warning):
    content = content_of(operator, "changelist")

    assert '<p class="seedance-note seedance-warn" role="status">' in content
    assert "Pending tasks have been waiting" in content


def test_banner_escapes_words_from_outside(operator, trouble):
    content = content_of(operator, "changelist")

    assert HOSTILE not in content
    assert "&lt;script&gt;" in content


@pytest.mark.parametrize("status", ["new", "pending", "submitting", "unconfirmed", "queued", "running"])
def test_page_of_an_active_task_shows_trouble(operator, trouble, make_task, status):
    assert "Fix the cause" in content_of(operator, "change", make_task(status=status).pk)


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled", "expired"])
def test_page_of_a_final_task_does_not(operator, trouble, make_task, status):
    assert "Fix the cause" not in content_of(operator, "change", make_task(status=status).pk)


def test_confirmation_page_does_without(operator, trouble, make_task):
    response = run_action(operator, "cancel_selected", make_task())

    assert b"Fix the cause" not in response.content


def test_banner_is_for_users_who_may_view_tasks(staff_with, trouble):
    response = staff_with().get(page("changelist"))

    assert response.status_code == 403
    assert b"Fix the cause" not in response.content


def test_banner_is_not_on_the_pages_of_others(staff_with, django_user_model, trouble):
    client = staff_with()
    django_user_model.objects.get(username="bob").user_permissions.add(Permission.objects.get(codename="view_callback"))

    response = client.get(reverse("admin:seedance_callback_changelist"))

    assert b"Fix the cause" not in response.content
