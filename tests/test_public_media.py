"""Uploaded videos are fetched by the provider from this site, by a signed address that ends."""

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.urls import reverse

from seedance import tasks
from seedance.models import GenerationTask, MediaItem, media

from .conftest import SAMPLE_MODEL, SAMPLE_PROMPT, run_to_the_end

MODEL = "doubao-seedance-2-0-260128"


@pytest.fixture
def clip(provider, db):
    """A real video, as somebody may upload it."""
    made = GenerationTask.objects.create_task(
        prompt=SAMPLE_PROMPT, model_name=SAMPLE_MODEL, duration=4, resolution="480p", ratio="1:1", submit=True
    )
    run_to_the_end(provider, made)
    with made.video.open("rb") as file:
        content = file.read()
    made.delete()
    return ContentFile(content, name="clip.mp4")


@pytest.fixture
def public(settings):
    settings.SEEDANCE = {**settings.SEEDANCE, "PUBLIC_URL": "https://studio.example.com"}


@pytest.fixture
def item(clip, public):
    return GenerationTask.objects.create_task(
        prompt=SAMPLE_PROMPT,
        model_name=MODEL,
        duration=4,
        media=[{"role": "reference_video", "file": clip}],
        submit=True,
    ).media.get()


def test_uploaded_video_is_sent_as_an_address_of_this_site(provider, item):
    tasks.send_pending()

    url = provider.requests[-1].json["content"][1]["video_url"]["url"]
    assert url.startswith("https://studio.example.com/seedance/media/")


def test_provider_fetches_the_upload_without_a_login(client, item):
    answer = client.get(reverse("seedance:media", args=[item.signed_key()]))

    assert answer.status_code == 200
    assert answer["Content-Type"] == "video/mp4"
    assert b"".join(answer.streaming_content)[4:8] == b"ftyp"


@pytest.mark.parametrize("key", ["x", "1:abc:def", "1"])
def test_forged_key_opens_nothing(db, client, key):
    assert client.get(reverse("seedance:media", args=[key])).status_code == 404


def test_key_ends(client, item, monkeypatch):
    monkeypatch.setattr(media, "KEY_LIFETIME", -1)

    assert client.get(reverse("seedance:media", args=[item.signed_key()])).status_code == 404


def test_video_upload_is_refused_where_the_provider_could_not_fetch_it(clip, settings):
    with pytest.raises(ValidationError) as caught:
        GenerationTask.objects.create_task(
            prompt=SAMPLE_PROMPT, model_name=MODEL, media=[{"role": "reference_video", "file": clip}]
        )

    assert "PUBLIC_URL" in str(caught.value.message_dict["media[0].file"])
    assert not MediaItem.objects.exists()


def test_answer_does_not_tell_where_the_upload_is_kept(client, item):
    answer = client.get(reverse("seedance:media", args=[item.signed_key()]))

    answer.close()
    assert answer["Content-Disposition"] == 'inline; filename="0.mp4"'
