"""The demonstration site's own pages."""

import re

import pytest
from django.core.files.base import ContentFile
from django.test import override_settings
from django.urls import reverse

from seedance.models import GenerationTask

pytestmark = pytest.mark.django_db

MODEL = "doubao-seedance-1-5-pro-251215"
INLINE = re.compile(r"<style|<script(?![^>]*\ssrc=)|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE)
SITE_PAGES = ["/", "/no-such-page/", "/admin/login/", "/admin/"]


@pytest.fixture
def alice(django_user_model):
    return django_user_model.objects.create_user("alice", password="secret")


@pytest.fixture
def make_video():
    def make(owner, prompt="A paper boat."):
        task = GenerationTask.objects.create_task(prompt=prompt, model_name=MODEL, owner=owner)
        name = task.video.storage.save("seedance/clip.mp4", ContentFile(b"clip"))
        GenerationTask.objects.filter(pk=task.pk).update(
            status="succeeded",
            provider_task_id=f"cgt-{task.pk}",
            finished_at=task.created_at,
            archived_at=task.created_at,
            video=name,
            video_bytes=4,
        )
        return task

    return make


def test_landing_shows_anonymous_visitors_a_description_and_the_login(client):
    response = client.get("/")

    assert response.status_code == 200
    assert reverse("admin:login") in response.text


def test_landing_shows_no_video_to_anonymous_visitors(client, alice, make_video):
    make_video(alice)

    response = client.get("/")

    assert "A paper boat." not in response.text


def test_landing_plays_the_newest_videos(client, alice, make_video):
    task = make_video(alice)
    client.force_login(alice)

    response = client.get("/")

    assert "A paper boat." in response.text
    assert f"{task.pk}/video/" in response.text


def test_landing_shows_no_videos_of_other_users(client, alice, django_user_model, make_video):
    make_video(django_user_model.objects.create_user("bob"))
    client.force_login(alice)

    response = client.get("/")

    assert "A paper boat." not in response.text


def test_landing_shows_an_operator_everybody_s_videos(admin_client, alice, make_video):
    make_video(alice)

    response = admin_client.get("/")

    assert "A paper boat." in response.text


def test_landing_shows_unfinished_tasks_and_reloads(client, alice):
    GenerationTask.objects.create_task(prompt="A tin roof.", model_name=MODEL, owner=alice, submit=True)
    client.force_login(alice)

    response = client.get("/")

    assert "A tin roof." in response.text
    assert "<progress" in response.text
    assert "project/refresh.js" in response.text


def test_landing_does_not_reload_for_new_tasks(client, alice):
    GenerationTask.objects.create_task(prompt="A tin roof.", model_name=MODEL, owner=alice)
    client.force_login(alice)

    response = client.get("/")

    assert "A tin roof." not in response.text
    assert "project/refresh.js" not in response.text


def test_favicon_is_the_site_s_icon(client):
    response = client.get("/favicon.ico")

    assert response.url == "/static/project/icon.svg"


def test_landing_escapes_prompts(client, alice, make_video):
    make_video(alice, prompt="<script>alert(1)</script>")
    client.force_login(alice)

    response = client.get("/")

    assert "<script>" not in response.text


def test_landing_links_to_the_api_and_for_staff_to_the_admin(admin_client):
    response = admin_client.get("/")

    assert "/seedance/api/v1/docs/" in response.text
    assert f'href="{reverse("admin:index")}"' in response.text


def test_landing_reads_the_same_number_of_rows_however_many_videos_there_are(
    client, alice, make_video, django_assert_max_num_queries
):
    for _ in range(5):
        make_video(alice)
    client.force_login(alice)

    with django_assert_max_num_queries(6):
        client.get("/")


@pytest.mark.parametrize("path", SITE_PAGES)
def test_page_carries_a_strict_content_security_policy(client, path):
    policy = client.get(path).headers["Content-Security-Policy"]

    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", ["/", "/no-such-page/", "/admin/", "/admin/seedance/generationtask/"])
def test_page_has_nothing_inline(admin_client, path):
    response = admin_client.get(path)

    assert INLINE.findall(response.text) == []


def test_api_reference_has_nothing_inline(admin_client):
    response = admin_client.get("/seedance/api/v1/docs/")

    assert response.status_code == 200
    assert INLINE.findall(response.text) == []


@pytest.mark.parametrize(("language", "title"), [("ja", "Seedance 動画"), ("zh-hans", "Seedance 视频")])
def test_language_can_be_chosen(client, language, title):
    client.post("/i18n/setlang/", {"language": language, "next": "/"})

    response = client.get("/")

    assert f'<html lang="{language}">' in response.text
    assert f"<title>{title}</title>" in response.text


@override_settings(CONTENT_SECURITY_POLICY={"default-src": ["'none'"], "img-src": ["'self'", "data:"]})
def test_policy_is_the_one_of_the_settings(client):
    response = client.get("/")

    assert response.headers["Content-Security-Policy"] == "default-src 'none'; img-src 'self' data:"


def test_page_that_is_not_permitted_says_so_and_leads_back(client, django_user_model):
    client.force_login(django_user_model.objects.create_user("bob", is_staff=True))

    response = client.get(reverse("admin:seedance_generationtask_changelist"))

    assert response.status_code == 403
    assert "Not permitted" in response.content.decode()
    assert reverse("landing") in response.content.decode()


@pytest.mark.parametrize(("attention", "reloads"), [("", True), ("gone", False)])
def test_videos_page_does_not_reload_for_a_task_that_is_lost(client, alice, attention, reloads):
    task = GenerationTask.objects.create_task(prompt="A paper boat.", model_name=MODEL, owner=alice)
    GenerationTask.objects.filter(pk=task.pk).update(status="running", provider_task_id="cgt-1", attention=attention)
    client.force_login(alice)

    content = client.get(reverse("landing")).content.decode()

    assert ("project/refresh.js" in content) is reloads
