"""Fixtures of the API's tests: people who call it, and bodies they send."""

from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from io import BytesIO
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile
from django.utils import timezone
from PIL import Image
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from seedance.models import GenerationTask
from tests.conftest import SAMPLE_MODEL, SAMPLE_PROMPT


def picture() -> bytes:
    """A PNG that every model takes."""
    buffer = BytesIO()
    Image.new("RGB", (640, 360), "teal").save(buffer, "PNG")
    return buffer.getvalue()


TASKS = "/seedance/api/v1/tasks/"
PNG = picture()
VIDEO_BYTES = bytes(range(256)) * 40


@pytest.fixture
def data_url() -> str:
    """A picture as a ``data:`` address."""
    return f"data:image/png;base64,{b64encode(PNG).decode()}"


@pytest.fixture
def client_of() -> Callable[[Any], APIClient]:
    """Returns a function that gives a user's client, with a real token."""

    def make(user: Any) -> APIClient:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {Token.objects.create(user=user).key}")
        return client

    return make


@pytest.fixture
def api_client(client_of: Callable[[Any], APIClient], user: Any) -> APIClient:
    """The client of an ordinary person without any permission."""
    return client_of(user)


@pytest.fixture
def staff_client(client_of: Callable[[Any], APIClient], django_user_model: Any) -> Callable[..., APIClient]:
    """Returns a function that gives the client of a staff member with some task permissions."""

    def make(*rights: str) -> APIClient:
        staff = django_user_model.objects.create_user("sam", password="sam-secret", is_staff=True)
        staff.user_permissions.set(
            Permission.objects.filter(codename__in=[f"{right}_generationtask" for right in rights])
        )
        return client_of(staff)

    return make


@pytest.fixture
def body() -> dict[str, Any]:
    """The sample request."""
    return {"prompt": SAMPLE_PROMPT, "model": SAMPLE_MODEL, "duration": 5, "ratio": "16:9"}


@pytest.fixture
def stored_task(make_task: Callable[..., GenerationTask], user: Any) -> GenerationTask:
    """A task whose video is stored."""

    return make_task(
        owner=user,
        status="succeeded",
        video=ContentFile(VIDEO_BYTES, name="boat.mp4"),
        video_bytes=len(VIDEO_BYTES),
        video_sha256=sha256(VIDEO_BYTES).hexdigest(),
        archived_at=timezone.now(),
    )
