"""What a site does with the app in a day, step by step; see ``walk``."""

import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connections
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ
from rest_framework.test import APIClient

from seedance import health, retention, tasks
from seedance.emulator import Emulator
from seedance.lifecycle import history
from seedance.management import doctor
from seedance.models import Account, Callback, GenerationTask, Lease
from seedance.models.lease import ROUND_LEASE
from seedance.queue import shutdown_signal

from . import walk
from .walk import ADMIN, API, SAMPLE_MODEL

BODY = {"prompt": "A paper boat.", "model": SAMPLE_MODEL, "duration": 4, "resolution": "480p"}
FORM = {
    "provider": "default",
    "model_choice": SAMPLE_MODEL,
    "model_name": "",
    "prompt": "A boat of paper. 🛶",
    "duration": "4",
    "resolution": "480p",
    "ratio": "16:9",
    "metadata": "{}",
}
IMAGE = "https://example.com/boat.png"


def media_rows(task=None, *, rows=1):
    """The inline rows of the admin form."""
    items = list(task.media.all()) if task else []
    fields = {"media-TOTAL_FORMS": str(rows), "media-INITIAL_FORMS": str(len(items))}
    for number in range(rows):
        fields |= {f"media-{number}-role": ("first_frame", "last_frame")[number], f"media-{number}-url": IMAGE}
        fields |= {f"media-{number}-id": str(items[number].pk)} if number < len(items) else {}
        fields |= {f"media-{number}-task": str(task.pk)} if task else {}
    return fields


class Steps:
    """Each method is one step, and raises where something is not as it should be."""

    NAMES = (
        "create_in_python",
        "create_over_rest",
        "create_a_batch",
        "claim_side_by_side",
        "send_poll_and_archive",
        "read_the_history_of_a_kind",
        "read_over_rest",
        "wait_over_rest",
        "steer_over_rest",
        "take_a_callback",
        "write_in_the_admin",
        "steer_in_the_admin",
        "pause_and_resume",
        "watch",
        "diagnose_a_lost_connection",
        "prune",
        "delete_the_owner",
    )

    def prepare(self):
        """People, and a provider."""
        users = get_user_model().objects
        self.alice = users.create_user("alice", password="secret")
        self.operator = users.create_superuser("olga", password="secret")
        self.emulator = Emulator(queue_seconds=5, run_seconds=30, real_time=False)
        self.client, self.admin = APIClient(), Client()
        self.client.force_authenticate(self.alice)

    def create_in_python(self):
        self.task = GenerationTask.objects.create_task(
            prompt="A paper boat. 🛶",
            model_name=SAMPLE_MODEL,
            duration=4,
            resolution="480p",
            owner=self.alice,
            submit=True,
        )
        assert GenerationTask.objects.get(pk=self.task.pk).owner == self.alice
        assert [event.what for event in self.task.events.all()] == ["created"]
        assert list(self.alice.seedance_tasks.all()) == [self.task]
        assert OrmQ.objects.using("default").count() == 1  # a worker was called, in the queue's own database

    def create_over_rest(self):
        first = self._post(API, BODY, HTTP_IDEMPOTENCY_KEY="boat")
        again = self._post(API, BODY, HTTP_IDEMPOTENCY_KEY="boat")
        assert (first.status_code, again.status_code) == (202, 202), first.content
        assert (again["Idempotent-Replayed"], again.json()["id"]) == ("true", first.json()["id"])
        assert first.json()["owner"] == "alice"
        self.rest_id = first.json()["id"]

    def create_a_batch(self):
        made = self._post(f"{API}batch/", {"tasks": [BODY, BODY]})
        assert (made.status_code, len(made.json()["tasks"])) == (202, 2), made.content

    def claim_side_by_side(self):
        """Workers that reach for the same rows at the same moment get different ones."""
        rows = [GenerationTask(model_name=SAMPLE_MODEL, prompt="x") for _ in range(60)]
        GenerationTask.objects.bulk_create(rows)
        free = GenerationTask.objects.filter(pk__in=[row.pk for row in rows], lease_until=None)
        assert list(free.order_by("pk")) == rows  # ids sort by time

        def worker(_number):
            mine = []
            while taken := free.claim(5, 60):
                mine += taken
            connections.close_all()
            return mine

        with ThreadPoolExecutor(4) as pool:
            claimed = [row.pk for taken in pool.map(worker, range(4)) for row in taken]
        assert len(claimed) == len(set(claimed)) == 60
        GenerationTask.objects.filter(pk__in=claimed).delete()

    def send_poll_and_archive(self):
        with shutdown_signal() as sign:
            tasks.step(sign)
            self.emulator.finish()
            GenerationTask.objects.get_queryset().poll_now()
            tasks.step(sign)
        while tasks.archive_next():
            pass
        rows = GenerationTask.objects.all()
        assert {row.status for row in rows} == {"succeeded"}, {row.status for row in rows}
        assert all(row.video and row.archived_at for row in rows)
        assert len(rows) == len(self.emulator.creates) == 4

    def read_the_history_of_a_kind(self):
        """Tasks of a kind are those with the same parameters, given or not."""
        now = timezone.now()
        ended = {"status": "succeeded", "submitted_at": now - dt.timedelta(minutes=1), "finished_at": now}
        kinds = [{"duration": 5}, {"duration": 5, "service_tier": "flex"}, {"duration": 5, "frames": 29}, {}]
        rows = [
            GenerationTask(model_name="kind", provider_task_id=f"k-{n}", parameters=parameters, **ended)
            for n, parameters in enumerate([*kinds, {"duration": 5, "service_tier": "default", "seed": 1}])
        ]
        GenerationTask.objects.bulk_create(rows)
        found = [len(history.run_times(row).seconds) for row in rows]
        assert found == [2, 1, 1, 1, 2], found
        GenerationTask.objects.filter(model_name="kind").delete()

    def read_over_rest(self):
        shown = self.client.get(f"{API}{self.rest_id}/")
        assert (shown.status_code, shown.json()["status"], shown.json()["owner"]) == (200, "succeeded", "alice")
        assert self.client.get(f"{API}{self.rest_id}/events/").status_code == 200
        assert self.client.get(f"{API}{self.rest_id}/video/").status_code == 200
        page = self.client.get(API)
        assert page.status_code == 200, page.content
        ids = [row["id"] for row in page.json()["results"]]
        assert ids == sorted(ids, reverse=True)
        assert self.client.get(f"{API}?status=succeeded&metadata.order=17").status_code == 200

    def wait_over_rest(self):
        walk.atomic_selects.clear()
        shown = self.client.get(f"{API}{self.rest_id}/?wait=1")
        assert (shown.status_code, shown.json()["status"]) == (200, "succeeded")
        assert walk.atomic_selects
        assert not any(walk.atomic_selects)

    def steer_over_rest(self):
        again = self._post(f"{API}{self.rest_id}/retry/", {})
        assert (again.status_code, again.json()["status"]) == (202, "pending"), again.content
        address = f"{API}{again.json()['id']}/"
        cancelled = self._post(f"{address}cancel/", {})
        assert (cancelled.status_code, cancelled.json()["status"]) == (202, "cancelled"), cancelled.content
        assert self._post(f"{address}cancel/", {}).status_code == 409
        assert self.client.delete(address).status_code == 204
        assert self.client.get(address).status_code == 404
        kept = self._post(API, {**BODY, "submit": False})
        assert (kept.status_code, kept.json()["status"]) == (202, "new"), kept.content
        sent = self._post(f"{API}{kept.json()['id']}/submit/", {})
        assert (sent.status_code, sent.json()["status"]) == (202, "pending"), sent.content
        self.pending = GenerationTask.objects.get(pk=kept.json()["id"])

    def take_a_callback(self):
        body = json.dumps({"id": "cgt-1", "status": "running"})
        address = f"/seedance/callbacks/{self.pending.callback_token}/"
        assert Client().post(address, body, content_type="application/json").status_code == 204
        callback = Callback.objects.get()
        assert (callback.task, callback.status_word) == (self.pending, "running")
        token = self.pending.callback_token.swapcase()  # some databases compare without case
        assert Client().post(f"/seedance/callbacks/{token}/").status_code == 404

    def write_in_the_admin(self):
        self.admin.force_login(self.operator)
        made = self.admin.post(f"{ADMIN}add/", {**FORM, **media_rows(), "_save": "1"}, follow=True)
        assert made.redirect_chain, made.context["errors"]
        task = GenerationTask.objects.filter(owner=self.operator).get()
        assert made.redirect_chain == [(f"{ADMIN}{task.pk}/change/", 302)]
        assert task.media.count() == 1
        form = {**FORM, **media_rows(task, rows=2), "prompt": "Another boat.", "_save": "1"}
        changed = self.admin.post(f"{ADMIN}{task.pk}/change/", form, follow=True)
        assert changed.redirect_chain, changed.context["errors"]
        task.refresh_from_db()
        assert (task.prompt, task.media.count()) == ("Another boat.", 2)
        self.written = task

    def steer_in_the_admin(self):
        assert self._act("submit_selected", self.written).status_code == 200
        self.written.refresh_from_db()
        assert self.written.status == "pending"
        assert self._act("cancel_selected", self.written, confirmed="1").status_code == 200
        self.written.refresh_from_db()
        assert self.written.status == "cancelled"
        for address in (
            ADMIN,
            f"{ADMIN}?owner=alice",
            f"{ADMIN}{self.task.pk}/change/",
            f"{ADMIN}{self.task.pk}/history/",
        ):
            assert self.admin.get(address).status_code == 200
        assert self.admin.get("/admin/seedance/callback/").status_code == 200
        deleted = self.admin.post(f"{ADMIN}{self.written.pk}/delete/", {"post": "yes"})
        assert deleted.status_code == 302
        assert not GenerationTask.objects.filter(pk=self.written.pk).exists()

    def pause_and_resume(self):
        assert Account.objects.pause("default", code="x", reason="overdue")
        assert Account.objects.paused_aliases() == ["default"]
        assert not tasks.send_pending()
        data = {"action": "resume_selected", "index": "0", "_selected_action": ["default"]}
        assert self.admin.post("/admin/seedance/account/", data).status_code == 302
        assert Account.objects.paused_aliases() == []
        assert tasks.send_pending() == 1

    def watch(self):
        call_command("makemigrations", check_changes=True, dry_run=True, verbosity=0)
        call_command("seedance_schedule", verbosity=0)
        Lease.objects.take(ROUND_LEASE, "walk", 60)
        assert not [finding.code for finding in health.findings() if finding.trouble]

    def diagnose_a_lost_connection(self):
        connection = connections[GenerationTask.objects.db]
        connection.ensure_connection()
        connection.connection.close()
        try:
            assert [finding.mark for finding in doctor._database()] == [doctor.TROUBLE]
        finally:
            connection.connection = None  # a second close is an error on MariaDB

    def prune(self):
        long_ago = timezone.now() - dt.timedelta(days=60)
        GenerationTask.objects.filter(pk=self.rest_id).update(finished_at=long_ago)
        pruned = retention.prune(retention.Policy(tasks=30))
        assert pruned.tasks == 1
        assert not GenerationTask.objects.filter(pk=self.rest_id).exists()

    def delete_the_owner(self):
        address = f"/admin/auth/user/{self.alice.pk}/delete/"
        assert self.admin.get(address).status_code == 200
        assert self.admin.post(address, {"post": "yes"}).status_code == 302
        self.task.refresh_from_db()
        assert self.task.owner is None
        assert GenerationTask.objects.count()

    def _post(self, address, body, **headers):
        return self.client.post(address, json.dumps(body), content_type="application/json", **headers)

    def _act(self, action, *rows, **fields):
        chosen = {"action": action, "index": "0", "_selected_action": [str(row.pk) for row in rows]}
        return self.admin.post(ADMIN, {**chosen, **fields}, follow=True)
