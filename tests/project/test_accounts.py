"""Users and tokens of the demonstration site."""

from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.test import APIRequestFactory

from project.accounts import operator
from project.authentication import BearerAuthentication

pytestmark = pytest.mark.django_db


def api_token(username):
    out = StringIO()
    call_command("api_token", username, stdout=out)
    return out.getvalue()


def authenticate(header):
    request = APIRequestFactory().get("/", HTTP_AUTHORIZATION=header)
    return BearerAuthentication().authenticate(request)


def test_api_token_prints_the_token_and_nothing_else():
    printed = api_token("alice")

    assert printed == Token.objects.get(user__username="alice").key + "\n"


def test_api_token_makes_a_user_who_cannot_log_in_with_a_password():
    api_token("alice")

    assert not get_user_model().objects.get(username="alice").has_usable_password()


def test_api_token_leaves_an_existing_user_alone(django_user_model):
    alice = django_user_model.objects.create_user("alice", password="secret")

    api_token("alice")

    alice.refresh_from_db()
    assert alice.check_password("secret")


def test_api_token_replaces_the_one_before():
    old = api_token("alice").strip()

    new = api_token("alice").strip()

    assert new != old
    with pytest.raises(AuthenticationFailed):
        authenticate(f"Bearer {old}")


def test_bearer_token_says_who_is_calling():
    token = api_token("alice").strip()

    user, _ = authenticate(f"Bearer {token}")

    assert user.get_username() == "alice"


def test_operator_may_do_everything_with_the_latest_password():
    operator("operator", "first")

    person = operator("operator", "second")

    assert person.is_superuser
    assert person.check_password("second")
