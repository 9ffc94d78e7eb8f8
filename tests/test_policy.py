"""The policy: one class that decides for REST, admin and pages."""

import pytest
from django.contrib.auth.models import AnonymousUser, Permission
from django.urls import reverse

from seedance import conf
from seedance.exceptions import ConfigurationError
from seedance.models import GenerationTask
from seedance.policy import OwnTasks, Policy

ALL = GenerationTask.objects


class Colleagues(Policy):
    """Everybody sees everything and may re-poll it, nothing else."""

    def visible(self, user, tasks):
        return tasks

    def may(self, user, verb, task):
        return verb in ("view", "sync")


class Half:
    """Lacks ``may``."""

    def visible(self, user, tasks):
        return tasks


def grant(user, *names):
    user.user_permissions.add(*Permission.objects.filter(codename__in=[f"{name}_generationtask" for name in names]))
    return type(user).objects.get(pk=user.pk)


@pytest.fixture
def staff(django_user_model):
    return django_user_model.objects.create_user("sam", password="sam-secret", is_staff=True)


def test_owner_sees_only_own_tasks(user, make_task):
    own = make_task(owner=user)
    make_task()

    assert list(Policy().visible(user, ALL.all())) == [own]


@pytest.mark.parametrize(("policy", "sees"), [(Policy(), 2), (OwnTasks(), 1)], ids=["default", "own tasks"])
def test_staff_with_the_view_permission(policy, sees, staff, make_task):
    make_task(owner=staff)
    make_task()

    assert policy.visible(grant(staff, "view"), ALL.all()).count() == sees


def test_own_tasks_lets_those_see_all_who_have_the_permission(staff, make_task):
    make_task()

    assert OwnTasks().visible(grant(staff, "view", "view_all"), ALL.all()).count() == 1


@pytest.mark.parametrize(
    "who", [AnonymousUser(), object(), type("Person", (), {"pk": "no-number"})()], ids=["anonymous", "no pk", "no row"]
)
def test_user_without_a_row_sees_nothing(who, make_task):
    make_task()

    assert list(Policy().visible(who, ALL.all())) == []


def test_rest_asks_the_policy_of_the_site(client, user, make_task, settings):
    settings.SEEDANCE = {**settings.SEEDANCE, "POLICY": "tests.test_policy.Colleagues"}
    task = make_task(status="queued")
    client.force_login(user)
    address = reverse("seedance:api-task", args=[task.pk])

    seen, synced, cancelled = client.get(address), client.post(f"{address}sync/"), client.post(f"{address}cancel/")

    assert (seen.status_code, synced.status_code, cancelled.status_code) == (200, 202, 403)
    assert seen.json()["cost"] is None


@pytest.mark.parametrize(("policy", "status"), [("Policy", 200), ("OwnTasks", 302)], ids=["default", "own tasks"])
def test_admin_asks_the_policy_of_the_site(client, staff, make_task, settings, policy, status):
    settings.SEEDANCE = {**settings.SEEDANCE, "POLICY": f"seedance.policy.{policy}"}
    client.force_login(grant(staff, "view"))

    response = client.get(reverse("admin:seedance_generationtask_change", args=[make_task().pk]))

    assert response.status_code == status


def test_front_page_asks_the_policy_of_the_site(client, staff, make_task, settings):
    settings.SEEDANCE = {**settings.SEEDANCE, "POLICY": "seedance.policy.OwnTasks"}
    make_task(status="running", prompt="Somebody else's boat")
    client.force_login(grant(staff, "view"))

    assert "Somebody else" not in client.get("/").text


def test_missing_policy_is_a_configuration_error(settings):
    settings.SEEDANCE = {**settings.SEEDANCE, "POLICY": "nowhere.Policy"}

    with pytest.raises(ConfigurationError, match="POLICY"):
        conf.policy()
