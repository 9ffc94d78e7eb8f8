"""Diagnose an installation, from the settings to the rows: one result for each check."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from django.core import checks
from django.core.files.base import ContentFile
from django.db import Error as AnyDatabaseError
from django.db import connections, router
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from .. import conf, health, queue
from ..exceptions import (
    AuthenticationError,
    ConfigurationError,
    NotFoundError,
    ProviderError,
    RateLimitError,
    ServerError,
    TransportError,
)
from ..lifecycle import get_client
from ..models import Attention, GenerationTask

OK, WARNING, TROUBLE = "ok", "warning", "trouble"

#: An id that no provider gives out. Asking for it costs nothing.
UNKNOWN_TASK_ID = "cgt-20000101000000-zzzzz"
#: Beginnings of the error codes for an unknown task.
_NO_SUCH_TASK = ("ResourceNotFound", "NotFound", "task_not_exist")


@dataclass(frozen=True)
class Result:
    """The result of one check. ``mark`` is ``ok``, ``warning`` or ``trouble``."""

    mark: str
    subject: str
    text: str


def diagnose() -> Iterator[Result]:
    """Run all checks. Changes nothing, bills nothing, prints no secret."""
    yield from _settings()
    for alias, entry in _entries():
        if isinstance(entry, dict):  # anything else is reported under the settings
            yield from _provider(alias)
    yield from _storage()
    yield from _database()


def _settings() -> Iterator[Result]:
    messages = checks.run_checks(tags=["seedance"])
    for message in messages:
        mark = TROUBLE if message.is_serious() else WARNING
        yield Result(mark, _("settings"), f"{message.id} {message.msg} {message.hint or ''}".strip())
    if not messages:
        yield Result(OK, _("settings"), _("nothing to complain of"))


def _entries() -> list[tuple[str, object]]:
    """The entries of PROVIDERS as they are written, valid or not."""
    written = conf.settings().PROVIDERS
    return list(written.items()) if isinstance(written, dict) else []


# -- The provider ------------------------------------------------------------------------------------------------------


def _provider(alias: str) -> Iterator[Result]:
    subject = _("provider %(alias)s") % {"alias": alias}
    try:
        provider = conf.provider(alias)
        has_key = bool(provider.key.strip())
    except ConfigurationError as exc:
        yield Result(TROUBLE, subject, str(exc))
        return
    if not has_key:
        yield Result(TROUBLE, subject, _("no API_KEY; tasks sent there stay pending"))
        return
    yield Result(OK, subject, _("a key is set for %(url)s") % {"url": provider.BASE_URL})
    yield _reachable(subject, alias)


def _reachable(subject: str, alias: str) -> Result:
    """Ask for a task that does not exist: a host that says so has accepted the key."""
    try:
        get_client(alias).get_task(UNKNOWN_TASK_ID)
    except NotFoundError as exc:
        if exc.code.startswith(_NO_SUCH_TASK) or str(exc).startswith(_NO_SUCH_TASK):
            return Result(OK, subject, _("answers, and accepts the key"))
        return Result(WARNING, subject, _("answers, but in unknown words; check BASE_URL: %(words)s") % {"words": exc})
    except AuthenticationError as exc:
        return Result(TROUBLE, subject, _("refuses the key: %(words)s") % {"words": exc})
    except TransportError as exc:
        return Result(TROUBLE, subject, _("cannot be reached: %(words)s") % {"words": exc})
    except (RateLimitError, ServerError) as exc:
        return Result(WARNING, subject, _("has trouble of its own: %(words)s") % {"words": exc})
    except (ProviderError, ConfigurationError) as exc:
        return Result(
            TROUBLE, subject, _("does not answer like a provider; check BASE_URL: %(words)s") % {"words": exc}
        )
    return Result(OK, subject, _("answers, and accepts the key"))


# -- The storage -------------------------------------------------------------------------------------------------------


def _storage() -> Iterator[Result]:
    subject, content = _("storage"), secrets.token_bytes(16)
    try:
        storage = conf.result_storage()
        name = storage.save(f"seedance/doctor-{content.hex()}.txt", ContentFile(content))
        try:
            with storage.open(name, "rb") as file:
                is_same = file.read() == content
        finally:
            storage.delete(name)
    except Exception as exc:  # storages are pluggable, and so are their errors
        text = _("a small file could not be written, read and deleted: %(error)s")
        yield Result(TROUBLE, subject, text % {"error": f"{type(exc).__name__}: {exc}"})
        return
    if is_same:
        yield Result(OK, subject, _("a small file was written, read and deleted"))
    else:
        yield Result(TROUBLE, subject, _("a small file came back changed"))


# -- The database ------------------------------------------------------------------------------------------------------


def _database() -> Iterator[Result]:
    subject = _("database")
    try:
        unapplied = _unapplied_migrations()
        if unapplied:
            text = _("run “manage.py migrate”: %(names)s") % {"names": ", ".join(unapplied)}
            yield Result(TROUBLE, subject, text)
            return
        yield Result(OK, subject, _("reachable, and migrated"))
        yield from _cluster()
        yield from _work()
        yield from _attention()
    except AnyDatabaseError as exc:  # also InterfaceError, which is no DatabaseError
        yield Result(TROUBLE, subject, f"{type(exc).__name__}: {exc}".strip())


def _unapplied_migrations() -> list[str]:
    executor = MigrationExecutor(connections[router.db_for_write(GenerationTask)])
    ours = [node for node in executor.loader.graph.leaf_nodes() if node[0] in ("seedance", "django_q")]
    return [f"{migration.app_label}.{migration.name}" for migration, _back in executor.migration_plan(ours)]


def _cluster() -> Iterator[Result]:
    subject = _("cluster")
    if health.is_at_work():
        yield Result(OK, subject, _("at work"))
    elif queue.is_installed():
        text = _("no sign of life; keep “manage.py qcluster” or “manage.py seedance_sync --every 5” running")
        yield Result(TROUBLE, subject, text)
    else:
        yield Result(WARNING, subject, _("django_q is not installed; keep “manage.py seedance_sync --every 5” running"))


def _attention() -> Iterator[Result]:
    rows = GenerationTask.objects.exclude(attention="").order_by("attention").values_list("attention")
    counts = list(rows.annotate(Count("pk")))
    for attention, number in counts:
        text = ngettext("%(n)d task: %(why)s", "%(n)d tasks: %(why)s", number)
        values = {"n": number, "why": dict(Attention.choices).get(attention, attention)}
        yield Result(WARNING, _("needs attention"), text % values)
    if not counts:
        yield Result(OK, _("needs attention"), _("no task"))


def _work() -> Iterator[Result]:
    """What ``health`` finds, and a line for each thing that is in order."""
    found = health.findings()
    for subject, code, good in _SUBJECTS:
        if code not in {finding.code for finding in found} and (code != "schedules_missing" or _has_schedules()):
            yield Result(OK, str(subject), str(good))
    subjects = {code: str(subject) for subject, code, _good in _SUBJECTS}
    for finding in found:
        mark = TROUBLE if finding.trouble else WARNING
        yield Result(mark, subjects.get(finding.code, _("work")), str(finding))


def _has_schedules() -> bool:
    return queue.is_installed() and not queue.missing_schedules()


#: Subject, code of its finding in ``health``, and the text where there is none.
_SUBJECTS = (
    (gettext_lazy("schedules"), "schedules_missing", gettext_lazy("in place")),
    (gettext_lazy("accounts"), "account_paused", gettext_lazy("none is paused")),
    (gettext_lazy("models"), "model_paused", gettext_lazy("none is paused")),
    (gettext_lazy("polls"), "polls_late", gettext_lazy("none is late")),
    (gettext_lazy("sends"), "submits_late", gettext_lazy("none is late")),
    (gettext_lazy("links"), "links_expiring", gettext_lazy("no video is about to be lost")),
)
