"""The timeline of a task."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from .databases import PrimaryManager
from .event_text import EventTextField
from .status import Status


class Cause(models.TextChoices):
    """Which part of the app made a change; a site may write words of its own."""

    PYTHON = "python", _("Python")
    ADMIN = "admin", _("admin")
    API = "api", _("REST API")
    COMMAND = "command", _("command")
    DISPATCH = "dispatch", _("dispatch")
    POLL = "poll", _("poll")
    LIST = "list", _("task list of the provider")
    LINK = "link", _("link by a person")
    CALLBACK = "callback", _("callback")
    CANCEL = "cancel", _("cancel")
    ARCHIVE = "archive", _("archive")
    ERASE = "erase", _("erase")
    PRUNE = "prune", _("prune")


class TaskEvent(models.Model):
    """One event of a task's timeline: only ever added, together with the change that it records."""

    class What(models.TextChoices):
        CREATED = "created", _("created")
        STATUS = "status", _("status")
        ANSWER = "answer", _("answer")
        ATTENTION = "attention", _("attention")
        ARCHIVED = "archived", _("archived")
        ARCHIVE_FAILED = "archive_failed", _("archive failed")
        NOTE = "note", _("note")

    task = models.ForeignKey("seedance.GenerationTask", on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(_("when"), auto_now_add=True)
    what = models.CharField(_("what"), max_length=20, choices=What)
    from_status = models.CharField(_("from"), max_length=12, choices=Status, blank=True)
    to_status = models.CharField(_("to"), max_length=12, choices=Status, blank=True)
    cause = models.CharField(
        _("cause"), max_length=40, choices=Cause, blank=True, help_text=_("Which part of the app did it.")
    )
    actor = models.CharField(_("actor"), max_length=150, blank=True, help_text=_("Which person asked for it."))
    detail = EventTextField(_("detail"), blank=True)

    objects = PrimaryManager()

    class Meta:
        base_manager_name = "objects"
        ordering = ("pk",)
        verbose_name = _("event")
        verbose_name_plural = _("timeline")

    def __str__(self) -> str:
        return f"{self.what} {self.from_status}→{self.to_status}" if self.to_status else self.what
