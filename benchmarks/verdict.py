"""The promise, checked row by row against what the provider accepted, which is what a real one would bill."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import av

from seedance.models import FINAL, Attention, GenerationTask, Status

MARKER = re.compile(r"m\d{6}")


@dataclass
class Verdict:
    """What was found: every broken promise as a sentence, and what to count."""

    violations: list[str] = field(default_factory=list)
    #: What happened to tasks that broke a promise or lost their video, for whoever looks into it.
    stories: list[str] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    stored: int = 0
    doubles: int = 0
    lost: int = 0
    #: Unconfirmed rows whose create did, or did not, reach the provider.
    in_doubt_paid: int = 0
    in_doubt_unpaid: int = 0


def evaluate(wanted: Iterable[str], ledger: list[dict[str, Any]], remote_tasks: list[dict[str, Any]]) -> Verdict:
    """Compare rows, the provider's ledger and the provider's tasks.

    Args:
        wanted: markers of all tasks that were created here.
        ledger: accepted creates, each with ``id`` and ``prompt``.
        remote_tasks: the provider's tasks, each with ``id`` and ``status``.
    """
    verdict = Verdict()
    paid: dict[str, list[str]] = {}
    for entry in ledger:
        paid.setdefault(_marker(entry["prompt"]), []).append(entry["id"])
    truth = {task["id"]: task["status"] for task in remote_tasks}
    rows = {task.metadata["marker"]: task for task in GenerationTask.objects.all()}
    for marker in sorted({*wanted, *paid}):
        ids = paid.get(marker, [])
        if len(ids) > 1:
            verdict.doubles += 1
            verdict.violations.append(f"{marker} was paid {len(ids)} times: {', '.join(ids)}")
        if marker not in rows:
            verdict.lost += 1
            verdict.violations.append(f"{marker} has no row")
            continue
        _judge_row(verdict, rows[marker], ids, truth)
    return verdict


def _judge_row(verdict: Verdict, task: GenerationTask, ids: list[str], truth: Mapping[str, str]) -> None:
    verdict.statuses[task.status] += 1
    if task.attention:
        verdict.flags[task.attention] += 1
    if task.status == Status.UNCONFIRMED:
        verdict.in_doubt_paid += bool(ids)
        verdict.in_doubt_unpaid += not ids
    if trouble := _trouble_with(task, ids, truth):
        verdict.violations.append(f"{task.metadata['marker']} {task.status} {task.provider_task_id}: {trouble}")
    if trouble or task.attention == Attention.LOST_MEDIA:
        verdict.stories += _story(task)
    elif task.archived_at:
        verdict.stored += 1


def _trouble_with(task: GenerationTask, ids: list[str], truth: Mapping[str, str]) -> str:
    """What is wrong with a row, ``""`` when nothing is."""
    if task.status == Status.SUBMITTING:
        return "is still being sent"
    if task.provider_task_id and task.provider_task_id not in ids:
        return f"took over somebody else's video; its own is {ids}"
    if not task.provider_task_id and task.status == Status.FAILED:
        return f"is told to be unpaid, but {ids} were paid" if ids else ""
    if task.attention and not task.archived_at:
        return ""
    if task.status not in FINAL:
        return "never came to an end, and no flag says why"
    if task.status != truth[task.provider_task_id]:
        return f"is {truth[task.provider_task_id]} at the provider"
    if task.status == Status.SUCCEEDED:
        return _trouble_with_video(task)
    return ""


def _trouble_with_video(task: GenerationTask) -> str:
    if not task.archived_at:
        return "its video never came home, and no flag says why"
    try:
        with task.video.open("rb") as file, av.open(file) as film:
            next(film.decode(video=0))
    except (OSError, StopIteration, av.error.FFmpegError) as exc:
        return f"its video does not play ({type(exc).__name__})"
    return ""


def _story(task: GenerationTask) -> list[str]:
    lines = [f"{task.metadata['marker']} {task.provider_task_id}"]
    for event in task.events.order_by("pk"):
        what = f"{event.what} {event.from_status} → {event.to_status}" if event.to_status else event.what
        lines.append(f"  {event.at:%H:%M:%S.%f} {what} ({event.cause}) {event.detail[:200]!r}")
    return lines


def _marker(prompt: str) -> str:
    found = MARKER.search(prompt)
    return found[0] if found else prompt
