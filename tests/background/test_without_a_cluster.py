"""A site whose work is done by a command or a loop of its own is as healthy as one with a cluster."""

import pytest

from .conftest import PLAIN

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

WITH_QUEUE = {"INSTALLED_APPS": [*PLAIN, "django_q"], "Q_CLUSTER": {"orm": "default", "retry": 420, "timeout": 120}}

AT_WORK = """
    create()
    tasks.send_pending()
    before = health()
    command = subprocess.Popen([sys.executable, "-m", "django", "seedance_sync", "--every", "0.5"])
    until = time.monotonic() + 20
    while health()[0] != 200 and time.monotonic() < until:
        time.sleep(0.1)
    seen = []
    for _ in range(6):
        seen.append(health())
        time.sleep(0.25)
    examined = doctor()
    command.terminate()
    print(json.dumps([before[0], seen, examined, command.wait(20)]))
"""

CRON = """
    import datetime as dt
    from django.db.models import F

    create()
    seen = []
    for minutes in (0, 2, 2):
        if not minutes:
            call_command("seedance_sync")
        GenerationTask.objects.update(next_poll_at=dt.datetime.now(dt.UTC) + dt.timedelta(hours=1))
        Lease.objects.update(until=F("until") - dt.timedelta(minutes=minutes))
        seen.append(health())
        examined = doctor()
        seen[-1].append(examined[0])
    print(json.dumps(seen))
"""


@pytest.fixture(params=[{}, WITH_QUEUE], ids=["no queue", "a queue for other things"])
def lone(request, site, provider):
    provider.configure(queue_seconds=3600)
    return site(**request.param)


def test_site_is_healthy_while_seedance_sync_goes_on(lone):
    before, seen, (status, words), ended = lone.run(AT_WORK)

    assert before == 503
    assert seen == [[200, []]] * 6
    assert (status, "cluster: at work" in words) == (0, True), words
    assert ended == 0


def test_site_is_healthy_between_the_runs_of_cron_and_in_trouble_without_them(lone):
    at_once, after_two_minutes, after_four_minutes = lone.run(CRON)

    assert (at_once, after_two_minutes) == ([200, [], 0], [200, [], 0])
    assert (after_four_minutes[0], after_four_minutes[2]) == (503, 1)
    assert "no_worker" in after_four_minutes[1]


def test_loop_of_the_site_itself_is_seen_to_be_at_work(site, provider):
    provider.configure(queue_seconds=3600)

    answer = site().run("create(); tasks.step(); print(json.dumps(health()))")

    assert answer == [200, []]


def test_round_without_a_queue_puts_nothing_into_anybodys_queue(site, provider):
    provider.configure(queue_seconds=0, run_seconds=0, render=False)
    own = site(settings={"ROUND_SECONDS": 0.01, "TICK_SECONDS": 0.01})

    imported, waiting = own.run(
        """
        task = create()
        tasks.send_pending()
        GenerationTask.objects.all().poll_now()
        tasks.run_round()
        waiting = GenerationTask.objects.archivable().count()
        print(json.dumps(["django_q.brokers" in sys.modules, waiting]))
        """
    )

    assert (imported, waiting) == (False, 1)
