"""Ids tell when they were made."""

import datetime as dt

import pytest
from django.utils import timezone

from seedance.models import GenerationTask
from seedance.models.ids import first_id_of

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
