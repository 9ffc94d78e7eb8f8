"""Users of the admin, and the addresses of its pages."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse

from seedance.models import GenerationTask

#: Enough of an MP4 for what only looks at bytes.
VIDEO_BYTES = bytes(range(256)) * 4


def page(name: str, *args: Any) -> str:
    """The address of an admin page of tasks."""
    return reverse(f"admin:seedance_generationtask_{name}", args=args)


def request_of(**fields: Any) -> dict[str, Any]:
    """What the browser sends for a new task; a test names only what it is about."""
    return {
        "provider": "default",
        "model_choice": "doubao-seedance-1-5-pro-251215",
        "model_name": "",
        "prompt": "A paper boat drifts on a quiet lake at sunrise.",
        "duration": "5",
        "resolution": "720p",
        "ratio": "16:9",
        "metadata": "{}",
        "media-TOTAL_FORMS": "0",
        "media-INITIAL_FORMS": "0",
        **fields,
    }


def media_of(*rows: dict[str, Any], initial: int = 0) -> dict[str, Any]:
    """The inline rows of such a request."""
    fields = {f"media-{number}-{name}": value for number, row in enumerate(rows) for name, value in row.items()}
    return {"media-TOTAL_FORMS": str(len(rows)), "media-INITIAL_FORMS": str(initial), **fields}


def run_action(client: Client, action: str, *tasks: GenerationTask, **fields: str) -> Any:
    """Choose tasks in the list and press *Go*; ends on the page that follows."""
    data = {"action": action, "index": "0", "_selected_action": [str(task.pk) for task in tasks], **fields}
    return client.post(page("changelist"), data, follow=True)


def messages_of(response: Any) -> list[str]:
    """The messages on the page."""
    return [str(message) for message in response.context["messages"]]


@pytest.fixture
def operator(admin_user: Any) -> Client:
    """A superuser."""
    client = Client()
    client.force_login(admin_user)
    return client


@pytest.fixture
def staff_with(django_user_model: Any) -> Callable[..., Client]:
    """Returns a function that logs in a staff user with only these permissions on tasks."""

    def log_in(*verbs: str) -> Client:
        user = django_user_model.objects.create_user("bob", is_staff=True)
        codenames = [f"{verb}_generationtask" for verb in verbs]
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client = Client()
        client.force_login(user)
        return client

    return log_in


@pytest.fixture
def no_key(settings: Any) -> None:
    """A site whose provider has no API key yet."""
    settings.SEEDANCE = {**settings.SEEDANCE, "PROVIDERS": {"default": {"PRESET": "ark"}}}


@pytest.fixture
def stored_task(make_task: Callable[..., GenerationTask]) -> GenerationTask:
    """A finished task whose video is in our storage."""
    task = make_task(status="succeeded", video_sha256="5e884898")
    task.video.save(f"{task.pk}.mp4", ContentFile(VIDEO_BYTES), save=False)
    task.save(update_fields=["video"])
    return task
