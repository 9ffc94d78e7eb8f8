"""A database that drops its connections stops no worker: the work goes on with a new one."""

import pytest

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.postgres]

#: Ends every connection but its own, as a restart of the server does.
KILL = """
    import psycopg
    from django.conf import settings

    def kill():
        database = settings.DATABASES["default"]
        url = f"postgres://{database['USER']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
        with psycopg.connect(url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
"""


@pytest.fixture
def postgres_site(site, provider, postgres_url):
    provider.configure(queue_seconds=3600)
    return site(database=postgres_url, settings={"ROUND_SECONDS": 2, "TICK_SECONDS": 0.05})


def test_round_whose_connection_is_ended_goes_on_with_a_fresh_one(postgres_site, provider):
    statuses, alive = postgres_site.run(
        KILL
        + """
    def in_the_middle():
        time.sleep(0.4)
        kill()
        time.sleep(0.4)
        create()
        connections.close_all()

    create()
    beside = threading.Thread(target=in_the_middle)
    beside.start()
    began = time.monotonic()
    tasks.run_round()
    seconds = time.monotonic() - began
    beside.join()
    statuses = list(GenerationTask.objects.values_list("status", flat=True))
    print(json.dumps([statuses, seconds > 1.9]))
    """
    )

    assert statuses == ["queued", "queued"]
    assert alive, "the round ended when its connection did"


def test_jobs_that_begin_on_a_dead_connection_do_their_work(postgres_site, provider):
    left = postgres_site.run(
        KILL
        + """
    left = []
    for verb in (tasks.run_round, tasks.dispatch, tasks.archive):
        task = create()
        kill()
        for _ in range(2):
            verb()
        left.append(GenerationTask.objects.get(pk=task.pk).status)
    print(json.dumps(left))
    """
    )

    assert left == ["queued", "queued", "pending"]


def test_sends_after_a_lost_connection_meet_a_fresh_one(postgres_site, provider):
    statuses = postgres_site.run(
        KILL
        + """
    from seedance.signals import task_status_changed

    def kill_once(task, new_status, **kwargs):
        if new_status == "queued":
            task_status_changed.disconnect(kill_once)
            kill()

    task_status_changed.connect(kill_once)
    for _ in range(4):
        create()
    from django.test.utils import override_settings
    with override_settings(SEEDANCE={**settings.SEEDANCE, "THREADS": 1}):
        tasks.send_pending()
        tasks.send_pending()
    print(json.dumps(sorted(GenerationTask.objects.values_list("status", flat=True))))
    """
    )

    assert statuses == ["queued"] * 4


def test_command_that_keeps_going_outlives_a_restart_of_the_database(postgres_site, provider):
    assert postgres_site.run("create(); tasks.step(); print(json.dumps(1))") == 1
    postgres_site.start("seedance_sync", "--every", "0.2")

    status = postgres_site.run(
        KILL
        + """
    time.sleep(3)
    for _ in range(5):
        kill()
        time.sleep(0.1)
    connections.close_all()
    task = create()
    until = time.monotonic() + 15
    while task.status != "queued" and time.monotonic() < until:
        time.sleep(0.2)
        task.refresh_from_db()
    print(json.dumps(task.status))
    """
    )

    assert status == "queued"


def test_history_of_a_large_table_is_no_sequential_scan(postgres_site):
    plan = postgres_site.run(
        """
    import datetime as dt
    from uuid import UUID
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from django.utils import timezone
    from seedance.lifecycle import history
    from seedance.models.ids import first_id_of

    first = first_id_of(timezone.now() - dt.timedelta(days=60)).int
    step = (60 * 86_400_000 // 6000) << 80
    GenerationTask.objects.bulk_create(
        GenerationTask(
            id=UUID(int=first + step * n), status="succeeded", provider_task_id=f"cgt-{n}", model_name="m",
            parameters={"duration": 5, "resolution": "720p"}, finished_at=timezone.now(),
        )
        for n in range(6000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    with CaptureQueriesContext(connection) as queries:
        history.run_times(GenerationTask(model_name="never seen", parameters={"duration": 5, "resolution": "720p"}))
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + queries.captured_queries[0]["sql"])
        print(json.dumps("\\n".join(row[0] for row in cursor.fetchall())))
    """
    )

    assert "Seq Scan" not in plan
    assert "id >= " in plan
