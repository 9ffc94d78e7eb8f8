"""Callbacks of providers, stored as they arrived."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from .databases import PrimaryManager


class Callback(models.Model):
    """One callback. It only says which task to poll; its other content is not used."""

    task = models.ForeignKey("seedance.GenerationTask", on_delete=models.CASCADE, related_name="callbacks")
    received_at = models.DateTimeField(_("received"), auto_now_add=True, db_index=True)
    body = models.TextField(_("body"), blank=True)
    provider_task_id = models.CharField(_("provider task id"), max_length=128, blank=True)
    status_word = models.CharField(_("status"), max_length=40, blank=True)

    objects = PrimaryManager()

    class Meta:
        base_manager_name = "objects"
        ordering = ("-pk",)
        verbose_name = _("callback")
        verbose_name_plural = _("callbacks")

    def __str__(self) -> str:
        return f"{self.status_word or '?'} {self.received_at:%Y-%m-%d %H:%M:%S}"
