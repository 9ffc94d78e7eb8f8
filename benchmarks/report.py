"""Check every row against the creates that the provider accepted, which a real one would bill."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import av

from seedance.models import FINAL, Attention, GenerationTask, Status

MARKER = re.compile(r"m\d{6}")


@dataclass
class Report:
    """What was found: every violation as a sentence, and counters."""

    violations: list[str] = field(default_factory=list)
    #: The timelines of tasks with a violation or a lost video.
    timelines: list[str] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    stored: int = 0
    paid_twice: int = 0
    lost: int = 0
    #: Unconfirmed rows whose create did, or did not, reach the provider.
    unconfirmed_paid: int = 0
    unconfirmed_unpaid: int = 0


def evaluate(wanted: Iterable[str], ledger: list[dict[str, Any]], remote_tasks: list[dict[str, Any]]) -> Report:
    """Compare rows, the provider's ledger and the provider's tasks.

    Args:
        wanted: markers of all tasks that were created here.
        ledger: accepted creates, each with ``id`` and ``prompt``.
        remote_tasks: the provider's tasks, each with ``id`` and ``status``.
    """
    report = Report()
    paid: dict[str, list[str]] = {}
    for entry in ledger:
        paid.setdefault(_marker(entry["prompt"]), []).append(entry["id"])
    truth = {task["id"]: task["status"] for task in remote_tasks}
    rows = {task.metadata["marker"]: task for task in GenerationTask.objects.all()}
    for marker in sorted({*wanted, *paid}):
        ids = paid.get(marker, [])
        if len(ids) > 1:
            report.paid_twice += 1
            report.violations.append(f"{marker} was paid {len(ids)} times: {', '.join(ids)}")
        if marker not in rows:
            report.lost += 1
            report.violations.append(f"{marker} has no row")
            continue
        _check_row(report, rows[marker], ids, truth)
    return report


def _check_row(report: Report, task: GenerationTask, ids: list[str], truth: Mapping[str, str]) -> None:
    report.statuses[task.status] += 1
    if task.attention:
        report.flags[task.attention] += 1
    if task.status == Status.UNCONFIRMED:
        report.unconfirmed_paid += bool(ids)
        report.unconfirmed_unpaid += not ids
    if problem := _problem(task, ids, truth):
        report.violations.append(f"{task.metadata['marker']} {task.status} {task.provider_task_id}: {problem}")
    if problem or task.attention == Attention.LOST_MEDIA:
        report.timelines += _timeline(task)
    elif task.archived_at:
        report.stored += 1


def _problem(task: GenerationTask, ids: list[str], truth: Mapping[str, str]) -> str:
    """What is wrong with a row, ``""`` when nothing is."""
    if task.status == Status.SUBMITTING:
        return "is still being sent"
    if task.provider_task_id and task.provider_task_id not in ids:
        return f"has the video of another task; its own is {ids}"
    if not task.provider_task_id and task.status == Status.FAILED:
        return f"counts as unpaid, but {ids} were paid" if ids else ""
    if task.attention and not task.archived_at:
        return ""
    if task.status not in FINAL:
        return "never ended, and no flag says why"
    if task.status != truth[task.provider_task_id]:
        return f"is {truth[task.provider_task_id]} at the provider"
    if task.status == Status.SUCCEEDED:
        return _video_problem(task)
    return ""


def _video_problem(task: GenerationTask) -> str:
    if not task.archived_at:
        return "its video was never stored, and no flag says why"
    try:
        with task.video.open("rb") as file, av.open(file) as video:
            next(video.decode(video=0))
    except (OSError, StopIteration, av.error.FFmpegError) as exc:
        return f"its video does not play ({type(exc).__name__})"
    return ""


def _timeline(task: GenerationTask) -> list[str]:
    lines = [f"{task.metadata['marker']} {task.provider_task_id}"]
    for event in task.events.order_by("pk"):
        what = f"{event.what} {event.from_status} → {event.to_status}" if event.to_status else event.what
        lines.append(f"  {event.at:%H:%M:%S.%f} {what} ({event.cause}) {event.detail[:200]!r}")
    return lines


def _marker(prompt: str) -> str:
    found = MARKER.search(prompt)
    return found[0] if found else prompt
