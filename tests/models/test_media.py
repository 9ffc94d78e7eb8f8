"""What is kept of an upload is named by what it is."""

import pytest
from django.core.files.base import ContentFile

from seedance.models import GenerationTask

from ..conftest import SAMPLE_MODEL, SAMPLE_PROMPT, content_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["x.html", "x.svg", "x.p\x00hp", "x", "x.png.exe", "../x.js"])
def test_picture_under_a_false_name_is_stored_as_a_picture(png, name):
    disguised = ContentFile(content_of(png) + b"<script>alert(1)</script>")
    disguised.name = name

    task = GenerationTask.objects.create_task(
        prompt=SAMPLE_PROMPT, model_name=SAMPLE_MODEL, media=[{"role": "first_frame", "file": disguised}]
    )

    assert task.media.get().file.name == f"seedance/inputs/{task.pk}/0.png"
