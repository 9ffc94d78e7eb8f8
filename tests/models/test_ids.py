"""Ids tell when they were made."""

import datetime as dt

import pytest
from django.utils import timezone

from seedance.models import GenerationTask
from seedance.models.ids import created_between, first_id_of

pytestmark = pytest.mark.django_db


def test_ids_of_a_day_begin_after_the_first_id_of_it(make_task):
    before = first_id_of(timezone.now())

    task = make_task()

    assert GenerationTask.objects.filter(pk__gte=before).get() == task


def test_ids_of_a_day_end_before_the_first_id_of_the_next(make_task):
    task = make_task()

    assert first_id_of(timezone.now() + dt.timedelta(minutes=2)) > task.pk


def test_moment_before_all_ids_has_a_first_id():
    assert first_id_of(dt.datetime(1900, 1, 1, tzinfo=dt.UTC)).int == 0


def test_range_has_its_beginning_and_not_its_end(make_task):
    task = make_task()
    later = task.created_at + dt.timedelta(microseconds=1)

    ranges = [created_between(after=task.created_at), created_between(before=later), created_between()]

    assert all(GenerationTask.objects.filter(condition).exists() for condition in ranges)
    assert not GenerationTask.objects.filter(created_between(before=task.created_at)).exists()
    assert not GenerationTask.objects.filter(created_between(after=later)).exists()
