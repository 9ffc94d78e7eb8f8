"""Users of the demonstration site and their API tokens."""

from typing import Any

from django.contrib.auth import get_user_model
from rest_framework.authtoken.models import Token


def get_or_create_user(username: str) -> Any:
    """The user of that name, created without a usable password if missing."""
    users = get_user_model()._default_manager
    user = users.filter(**{get_user_model().USERNAME_FIELD: username}).first()
    return user or get_user_model().objects.create_user(username)


def fresh_token(user: Any) -> str:
    """A new API token, which replaces the user's old one."""
    Token.objects.filter(user=user).delete()
    return str(Token.objects.create(user=user).key)


def operator(username: str, password: str) -> Any:
    """A superuser who can log in with exactly this password."""
    user = get_or_create_user(username)
    user.is_staff = user.is_superuser = user.is_active = True
    user.set_password(password)
    user.save()
    return user
