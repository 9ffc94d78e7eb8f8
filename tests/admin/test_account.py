"""Accounts and models: what is paused and why, and who may resume it."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from seedance.models import Account, ModelPause
from seedance.signals import work_available

from .conftest import messages_of

HOSTILE = "<script>alert(1)</script>"
LIST = reverse("admin:seedance_account_changelist")
MODELS = reverse("admin:seedance_modelpause_changelist")


@pytest.fixture
def paused(db):
    """An account that a worker has paused."""
    Account.objects.pause("default", code="AccountOverdueError", reason=f"The balance is empty. {HOSTILE}")
    return Account.objects.get()


@pytest.fixture
def running(paused):
    """Another account, which was resumed before."""
    return Account.objects.create(alias="second")


def resume(client, *accounts):
    data = {"action": "resume_selected", "index": "0", "_selected_action": [account.pk for account in accounts]}
    return client.post(LIST, data, follow=True)


def test_list_shows_which_account_is_paused_and_why(operator, paused):
    content = operator.get(LIST).content.decode()

    assert "</span> paused</span>" in content
    assert "AccountOverdueError" in content
    assert "The balance is empty." in content


def test_list_shows_which_account_sends(operator, running):
    assert "</span> sending</span>" in operator.get(LIST).content.decode()


@pytest.mark.parametrize("page", ["changelist", "change"])
def test_reason_is_escaped(operator, paused, page):
    url = reverse(f"admin:seedance_account_{page}", args=[paused.pk] if page == "change" else [])

    content = operator.get(url).content.decode()

    assert HOSTILE not in content
    assert "&lt;script&gt;" in content


def test_resume_lets_paused_accounts_send_and_reports_both_numbers(operator, paused, running):
    response = resume(operator, paused, running)

    paused.refresh_from_db()
    assert (paused.paused_at, paused.code, paused.reason) == (None, "", "")
    assert messages_of(response) == ["1 account sends again.", "1 account was skipped: it is not paused."]


def test_resume_wakes_the_workers(operator, paused, django_capture_on_commit_callbacks):
    woken = []

    def note(**kwargs):
        woken.append(Account.objects.paused_aliases())

    work_available.connect(note)
    with django_capture_on_commit_callbacks(execute=True):
        resume(operator, paused)

    assert woken == [[]]


def test_resume_of_what_is_not_paused_wakes_no_worker(operator, running, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        response = resume(operator, running)

    assert callbacks == []
    assert messages_of(response)[0] == "0 accounts send again."


@pytest.fixture
def onlooker(staff_with, django_user_model):
    """Returns a function that logs in somebody who may look at accounts, and has these rights on tasks."""

    def log_in(*verbs):
        client = staff_with(*verbs)
        django_user_model.objects.get(username="bob").user_permissions.add(
            Permission.objects.get(codename="view_account")
        )
        return client

    return log_in


def test_resume_takes_the_permission_to_submit(onlooker, paused):
    resume(onlooker("view"), paused)

    paused.refresh_from_db()
    assert paused.paused_at is not None


def test_resume_is_done_by_whoever_may_submit(onlooker, paused):
    resume(onlooker("submit"), paused)

    paused.refresh_from_db()
    assert paused.paused_at is None


def test_list_is_refused_without_permission(staff_with, paused):
    assert staff_with("view", "submit").get(LIST).status_code == 403


@pytest.mark.parametrize("page", ["add", "delete"])
def test_account_is_neither_added_nor_deleted(operator, paused, page):
    url = reverse(f"admin:seedance_account_{page}", args=[paused.pk] if page == "delete" else [])

    assert operator.post(url, {"post": "yes"}).status_code == 403
    assert Account.objects.exists()


def test_account_is_not_edited(operator, paused):
    url = reverse("admin:seedance_account_change", args=[paused.pk])

    assert operator.post(url, {"alias": "other"}).status_code == 403


# -- models ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def closed(db):
    """Two models that a worker has paused."""
    for name in ("model-a", "model-b"):
        ModelPause.objects.pause("default", name, code="AccessDenied", reason=f"Not open. {HOSTILE}")
    return list(ModelPause.objects.all())


def resume_models(client, *pauses):
    data = {"action": "resume_models", "index": "0", "_selected_action": [pause.pk for pause in pauses]}
    return client.post(MODELS, data, follow=True)


def test_list_shows_which_model_is_paused_where_and_why(operator, closed):
    content = operator.get(MODELS).content.decode()

    assert all(word in content for word in ("model-a", "model-b", "default", "AccessDenied", "Not open."))
    assert HOSTILE not in content


def test_resumed_model_is_sent_to_again_and_wakes_the_workers(operator, closed, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        response = resume_models(operator, closed[0])

    assert [pause.model_name for pause in ModelPause.objects.all()] == ["model-b"]
    assert messages_of(response) == ["1 model is sent to again."]
    assert callbacks


def test_model_is_not_resumed_without_the_permission_to_submit(staff_with, django_user_model, closed):
    client = staff_with("view")
    permission = Permission.objects.get(codename="view_modelpause")
    django_user_model.objects.get(username="bob").user_permissions.add(permission)

    resume_models(client, closed[0])

    assert ModelPause.objects.count() == 2
