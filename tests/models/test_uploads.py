"""Uploads: stored while no transaction is open, and gone when their task could not be kept."""

from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.db import connection
from django.db.models.signals import post_save

from seedance import intake
from seedance.intake import Order
from seedance.models import GenerationTask, MediaItem

from ..conftest import SAMPLE_MODEL
from ..racing import at_once

pytestmark = pytest.mark.django_db(transaction=True)


class RecordingStorage(FileSystemStorage):
    """Notes whether a transaction is open while it saves, and what it holds."""

    def __init__(self, location, fails_on=None):
        super().__init__(location=location)
        self.in_transaction, self.fails_on = [], fails_on

    def _save(self, name, content):
        self.in_transaction.append(connection.in_atomic_block)
        if len(self.in_transaction) == self.fails_on:
            raise OSError("the bucket is away")
        return super()._save(name, content)

    @property
    def held(self):
        return [path for path in Path(self.location).rglob("*") if path.is_file()]


@pytest.fixture
def storage(tmp_path, monkeypatch):
    recording = RecordingStorage(tmp_path)
    monkeypatch.setattr(MediaItem._meta.get_field("file"), "storage", recording)
    return recording


def order_of(png, **columns):
    media = [{"role": "first_frame", "file": ContentFile(png.read(), name="lake.png")}]
    png.seek(0)
    prepared = intake.prepare(model_name=SAMPLE_MODEL, media=media, parameters={"duration": 4})
    prepared.raise_errors()
    return Order(prepared, columns=columns)


def test_upload_is_stored_before_the_transaction_begins(storage, png):
    [task] = GenerationTask.objects.create_many([order_of(png)])

    assert storage.in_transaction == [False]
    assert storage.exists(task.media.get().file.name)


def test_upload_of_a_retry_is_stored_before_the_transaction_begins(storage, png):
    [task] = GenerationTask.objects.create_many([order_of(png)])
    task.advance("cancelled", cause="test")

    retried = GenerationTask.objects.retry(task)

    assert storage.in_transaction == [False, False]
    assert retried.media.get().file.name != task.media.get().file.name


def test_retry_over_rest_stores_before_the_transaction_begins(storage, png, user, client):
    [task] = GenerationTask.objects.create_many([order_of(png)], owner=user)
    task.advance("cancelled", cause="test")
    client.force_login(user)

    response = client.post(f"/seedance/api/v1/tasks/{task.pk}/retry/")

    assert (response.status_code, storage.in_transaction) == (202, [False, False])


def test_upload_goes_when_the_row_cannot_be_stored(storage, png):
    [task] = GenerationTask.objects.create_many([order_of(png)])

    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        GenerationTask.objects.create_many([order_of(png), order_of(png, callback_token=task.callback_token)])

    assert len(storage.held) == 1
    assert GenerationTask.objects.count() == 1


def test_upload_goes_when_a_receiver_of_the_site_fails(storage, png):
    def fail(sender, **arguments):
        if sender is GenerationTask:
            raise RuntimeError("a host's bug")

    post_save.connect(fail, weak=False)
    try:
        with pytest.raises(RuntimeError):
            GenerationTask.objects.create_many([order_of(png)])
    finally:
        post_save.disconnect(fail)

    assert storage.held == []


def test_first_upload_goes_when_the_storage_refuses_the_second(storage, png):
    storage.fails_on = 2

    with pytest.raises(OSError, match="bucket"):
        GenerationTask.objects.create_many([order_of(png), order_of(png)])

    assert storage.held == []
    assert not GenerationTask.objects.exists()


def test_loser_of_a_race_leaves_no_upload(storage, png, user):
    orders = [order_of(png) for _ in range(4)]

    def make(order):
        return GenerationTask.objects.create_many([order], owner=user, idempotency_key="k")

    at_once(*[lambda order=order: make(order) for order in orders])

    assert GenerationTask.objects.count() == 1
    assert len(storage.held) == 1
