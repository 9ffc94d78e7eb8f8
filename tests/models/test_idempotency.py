"""Whatever is asked for twice under one key is made, and paid, once: from Python, on every database."""

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db import IntegrityError, models, transaction

from seedance import intake
from seedance.exceptions import KeyReusedError, ReplayIncompleteError, TransitionError
from seedance.intake import Order
from seedance.models import GenerationTask
from seedance.models.idempotency import IdempotencyKey

from ..conftest import SAMPLE_MODEL, SAMPLE_PROMPT
from ..racing import at_once

pytestmark = pytest.mark.django_db

REQUEST = {"model_name": SAMPLE_MODEL, "prompt": SAMPLE_PROMPT, "duration": 4, "resolution": "480p"}


def orders_of(*seeds):
    small = {"model_name": SAMPLE_MODEL, "prompt": SAMPLE_PROMPT}
    return [Order(intake.prepare(**small, parameters={"duration": 4, "seed": seed}), submit=True) for seed in seeds]


def create(owner=None, key="k", **request):
    return GenerationTask.objects.create_task(**{**REQUEST, **request}, owner=owner, idempotency_key=key)


def test_second_call_gives_the_first_task(user):
    first, second = create(user), create(user)

    assert (second, first.is_replay, second.is_replay) == (first, False, True)


def test_task_without_owner_is_made_once():
    assert create() == create()


def test_owner_and_nobody_have_keys_of_their_own(user):
    assert create(user) != create()


@pytest.mark.parametrize("other", ["Order-1", "order-1 ", "ORDER-1"], ids=["case", "blank", "capitals"])
def test_keys_differ_by_every_byte(user, other):
    assert create(user, "order-1") != create(user, other)


def test_key_may_be_of_any_length(user):
    assert create(user, "k" * 5000) == create(user, "k" * 5000)


def test_other_request_under_the_same_key_is_refused(user):
    create(user)

    with pytest.raises(KeyReusedError):
        create(user, duration=5)


def test_null_is_as_if_not_given(user):
    assert create(user, seed=None) == create(user)


def test_other_file_is_another_request(user, png):
    medium = {"role": "first_frame", "file": png}
    create(user, media=[medium], ratio="adaptive")

    with pytest.raises(KeyReusedError):
        create(user, media=[{**medium, "file": ContentFile(png.read() + b"\0", name="lake.png")}], ratio="adaptive")


def test_first_task_is_given_though_the_rules_would_refuse_it_today(user, settings):
    first = create(user)
    settings.SEEDANCE = {**settings.SEEDANCE, "PROVIDERS": {"default": {"PRESET": "byteplus"}}}

    assert create(user) == first


def test_prepared_request_is_made_once_whatever_its_fingerprint_stands_for(user):
    objects = GenerationTask.objects
    first, edited = (order.prepared for order in orders_of(1, 2))

    made = objects.create_prepared(first, owner=user, idempotency_key="form-7", fingerprint="form")
    again = objects.create_prepared(edited, owner=user, idempotency_key="form-7", fingerprint="form")

    assert (again, again.is_replay) == (made, True)


def test_retry_is_made_once_also_without_an_owner(make_task):
    old = make_task(status="failed")

    first, second = (GenerationTask.objects.retry(old, idempotency_key="k") for _ in range(2))

    assert (second, second.is_replay, GenerationTask.objects.count()) == (first, True, 2)


def test_retry_stores_the_key_with_the_row(make_task, user):
    task = GenerationTask.objects.retry(make_task(status="failed"), owner=user, idempotency_key="k")

    assert task.idempotency_digest == IdempotencyKey(user, "k", "").digest


def test_retry_of_another_task_under_the_same_key_is_refused(make_task):
    GenerationTask.objects.retry(make_task(status="failed"), idempotency_key="k")

    with pytest.raises(KeyReusedError):
        GenerationTask.objects.retry(make_task(status="failed"), idempotency_key="k")


def test_key_of_a_task_is_refused_for_a_retry(make_task):
    create()

    with pytest.raises(KeyReusedError):
        GenerationTask.objects.retry(make_task(status="failed"), idempotency_key="k")


def test_continuation_is_made_once(provider, make_task, png):
    old = make_task(status="succeeded", duration=4, video="boat.mp4", last_frame=png)

    first, second = (GenerationTask.objects.continue_from(old, idempotency_key="k") for _ in range(2))

    assert (second, GenerationTask.objects.count()) == (first, 2)


def test_batch_is_replayed_whole_and_in_order(user):
    first, second = (
        GenerationTask.objects.create_many(orders_of(3, 1, 2), owner=user, idempotency_key="k") for _ in range(2)
    )

    assert second == first
    assert [task.parameters.get("seed") for task in second] == [3, 1, 2]


def test_batch_that_is_no_longer_whole_is_not_replayed(user):
    made = GenerationTask.objects.create_many(orders_of(1, 2, 3), owner=user, idempotency_key="k")
    made[1].erase()

    with pytest.raises(ReplayIncompleteError):
        GenerationTask.objects.create_many(orders_of(1, 2, 3), owner=user, idempotency_key="k")
    assert GenerationTask.objects.count() == 2


def test_task_that_is_submitted_twice_under_one_key_goes_out_once(make_task, user):
    task = make_task(status="new")
    key = IdempotencyKey(user, "k", "submit")

    outcomes = [GenerationTask.objects.submit_once(task, cause="test", key=key) for _ in range(2)]

    assert outcomes == [True, False]


def test_task_that_is_submitted_twice_without_a_key_is_told_so(make_task):
    task = make_task(status="new")
    GenerationTask.objects.submit_once(task, cause="test")

    with pytest.raises(TransitionError):
        GenerationTask.objects.submit_once(task, cause="test")


def test_key_that_submitted_a_task_submits_and_makes_no_other(make_task, user):
    GenerationTask.objects.submit_once(make_task(), cause="test", key=IdempotencyKey(user, "k", "submit"))

    with pytest.raises(KeyReusedError):
        create(user)
    with pytest.raises(KeyReusedError):
        GenerationTask.objects.submit_once(make_task(), cause="test", key=IdempotencyKey(user, "k", "other"))


def test_command_makes_one_task_for_a_key(provider, capsys):
    for _ in range(2):
        call_command("seedance_generate", SAMPLE_PROMPT, "--duration", "4", "--idempotency-key", "order-17")

    assert GenerationTask.objects.count() == 1
    assert "made before" in capsys.readouterr().out


def test_command_refuses_a_key_of_another_request(provider):
    call_command("seedance_generate", SAMPLE_PROMPT, "--idempotency-key", "order-17")

    with pytest.raises(CommandError, match="another request"):
        call_command("seedance_generate", "Rain on a tin roof.", "--idempotency-key", "order-17")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("owned", [True, False], ids=["owner", "nobody"])
def test_eight_at_the_same_moment_make_one_task(user, owned):
    owner = user if owned else None

    tasks = at_once(*[lambda: create(owner)] * 8)

    assert {task.pk for task in tasks} == {GenerationTask.objects.get().pk}
    assert sum(not task.is_replay for task in tasks) == 1


@pytest.mark.django_db(transaction=True)
def test_eight_retries_at_the_same_moment_make_one_task(make_task):
    old = make_task(status="failed")

    tasks = at_once(*[lambda: GenerationTask.objects.retry(old, idempotency_key="k")] * 8)

    assert len({task.pk for task in tasks}) == 1
    assert old.retries.count() == 1


@pytest.mark.django_db(transaction=True)
def test_eight_batches_at_the_same_moment_make_one_set(user):
    make = lambda: GenerationTask.objects.create_many(orders_of(1, 2, 3), owner=user, idempotency_key="k")  # noqa: E731

    batches = at_once(*[make] * 8)

    assert {tuple(task.parameters.get("seed") for task in batch) for batch in batches} == {(1, 2, 3)}
    assert GenerationTask.objects.count() == 3


def test_no_constraint_needs_a_condition_that_some_databases_lack():
    """MariaDB and MySQL leave out a unique constraint with a condition, with no more than a warning."""
    constraints = GenerationTask._meta.constraints

    unique = [each for each in constraints if isinstance(each, models.UniqueConstraint)]

    assert unique
    assert [each.name for each in unique if each.condition is not None] == []


def test_provider_id_is_unique_within_its_provider(make_task):
    make_task(status="queued", provider_task_id="cgt-1")

    with pytest.raises(IntegrityError), transaction.atomic():
        make_task(status="queued", provider_task_id="cgt-1")
    make_task(status="queued", provider="other", provider_task_id="cgt-1")


def test_provider_ids_differ_by_case(make_task):
    make_task(status="queued", provider_task_id="cgt-abc")

    assert make_task(status="queued", provider_task_id="cgt-ABC").pk


def test_id_that_comes_with_a_move_is_unique(make_task):
    make_task(status="queued", provider_task_id="cgt-1")
    task = make_task(status="submitting")

    with pytest.raises(IntegrityError), transaction.atomic():
        task.advance("queued", cause="test", provider_task_id="cgt-1")


def test_ids_of_rows_that_are_made_together_are_unique():
    rows = [
        GenerationTask(status="queued", model_name="m", provider_task_id="cgt-1", submitted_at=None) for _ in range(2)
    ]

    with pytest.raises(IntegrityError), transaction.atomic():
        GenerationTask.objects.bulk_create(rows)


def test_unsent_tasks_do_not_collide(make_task):
    assert make_task().pk != make_task().pk
