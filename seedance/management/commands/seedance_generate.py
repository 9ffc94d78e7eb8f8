"""One video from the shell."""

import shutil
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from ...exceptions import IdempotencyError
from ...intake import Prepared
from ...models import Cause, GenerationTask, Status
from ...queue import shutdown_signal
from ..request_options import add_request_arguments, prepared
from ..watch import progress_line, wait_for

#: Exit status after Ctrl-C, as shells have it.
INTERRUPTED = 130


class Command(BaseCommand):
    """Makes one task, and on request waits for its video."""

    help = (
        "Makes one video task and has it sent. With --wait stays until the video is stored, and does the work itself "
        "where no cluster does. Exit status 0 when it went well, 1 when not, 130 after Ctrl-C: the task goes on then."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("prompt", nargs="?", default="", help="What to show; may be left out when there are media.")
        parser.add_argument("--owner", metavar="USER", help="Whose task it is.")
        parser.add_argument(
            "--idempotency-key", metavar="KEY", help="The same key again shows the task of the first time."
        )
        parser.add_argument("--wait", action="store_true", help="Stay until the video is stored.")
        parser.add_argument("--output", type=Path, metavar="FILE", help="Copy the video there; implies --wait.")
        add_request_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        output: Path | None = options["output"]
        if output is not None and not output.absolute().parent.is_dir():
            raise CommandError(_("There is no folder %(path)s.") % {"path": output.absolute().parent})
        owner = _user(options["owner"])
        with prepared(options["prompt"], options) as request:
            for warning in request.warnings:
                self.stderr.write(f"{warning.field}: {warning}")
            task = _created(request, owner, options["idempotency_key"])
        text = _("Task %(id)s, %(model)s, made before with this key") if task.is_replay else _("Task %(id)s, %(model)s")
        self.stdout.write(text % {"id": task.pk, "model": task.model_name})
        if options["wait"] or output is not None:
            self._wait(task)
            self._report(task)
        if output is not None:
            self.stdout.write(_("Copied to %(path)s") % {"path": _copy(task, output)})

    def _wait(self, task: GenerationTask) -> None:
        with shutdown_signal() as shutdown, progress_line(self.stdout) as report:
            if wait_for(task, shutdown, report):
                return
        found_by = _("The task goes on. Look at it with “manage.py seedance_sync %(id)s”, or in the admin.")
        raise CommandError(found_by % {"id": task.pk}, returncode=INTERRUPTED)

    def _report(self, task: GenerationTask) -> None:
        if not task.archived_at:
            raise CommandError(_("No video: %(reason)s") % {"reason": _why_not(task)})
        values = {"name": task.video.name, "bytes": task.video_bytes}
        self.stdout.write(_("Stored as %(name)s, %(bytes)d bytes") % values)


def _created(request: Prepared, owner: Any, key: str | None) -> GenerationTask:
    try:
        return GenerationTask.objects.create_prepared(
            request, owner=owner, submit=True, cause=Cause.COMMAND, idempotency_key=key
        )
    except ValidationError as error:  # the site itself refused
        raise CommandError(" ".join(error.messages)) from error
    except IdempotencyError as error:
        raise CommandError(str(error)) from error


def _user(username: str | None) -> Any:
    if username is None:
        return None
    model = get_user_model()
    try:
        return model._default_manager.get_by_natural_key(username)
    except model.DoesNotExist:
        raise CommandError(_("There is no user “%(name)s”.") % {"name": username}) from None


def _why_not(task: GenerationTask) -> str:
    """What is known about a task without a video, in a line."""
    if task.is_final and task.status != Status.SUCCEEDED:
        error = f"{task.error_code} {task.error_message}".strip()
        return f"{task.get_status_display()}. {error}".strip()
    if task.attention:
        return f"{task.get_attention_display()} {task.attention_detail}".strip()
    return str(
        _("sending %(model)s through “%(alias)s” is paused; see “manage.py seedance_doctor”.")
        % {"model": task.model_name, "alias": task.provider}
    )


def _copy(task: GenerationTask, output: Path) -> Path:
    """Copy the stored video, atomically: a reader of the file finds all of it or nothing."""
    target = output / f"{task.pk}{Path(str(task.video.name)).suffix}" if output.is_dir() else output
    try:
        with task.video.open("rb") as video, tempfile.TemporaryDirectory(dir=target.absolute().parent) as folder:
            part = Path(folder) / target.name
            with part.open("wb") as copy:
                shutil.copyfileobj(video, copy)
            part.replace(target)
    except OSError as exc:
        raise CommandError(_("%(path)s: %(reason)s") % {"path": target, "reason": exc}) from exc
    return target
