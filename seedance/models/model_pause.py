"""Models that an account may not use: paused until a person resumes them."""

from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .databases import PrimaryQuerySet
from .event_text import EventText


class ModelPauseQuerySet(PrimaryQuerySet["ModelPause"]):
    """Pausing and resuming models; a row is a pause."""

    def pause(self, provider: str, model_name: str, *, code: str, reason: str) -> bool:
        """Send nothing more to this model of this account. False when it was paused before."""
        values: dict[str, Any] = {"paused_at": timezone.now(), "code": code[:128], "reason": reason}
        return self.get_or_create(provider=provider, model_name=model_name, defaults=values)[1]

    def resume(self) -> int:
        """Send to these models again. Returns how many were paused."""
        return self.delete()[0]


class ModelPause(models.Model):
    """One model of one account to which nothing is sent, with the reason for people."""

    provider = models.CharField(_("provider"), max_length=50, editable=False)
    model_name = models.CharField(_("model"), max_length=128, editable=False)
    paused_at = models.DateTimeField(_("paused since"), editable=False)
    code = models.CharField(_("error code"), max_length=128, blank=True, editable=False)
    reason = models.TextField(_("reason"), blank=True, editable=False)

    objects = ModelPauseQuerySet.as_manager()

    class Meta:
        ordering = ("provider", "model_name")
        verbose_name = _("paused model")
        verbose_name_plural = _("paused models")
        constraints = (models.UniqueConstraint(fields=["provider", "model_name"], name="seedance_model_pause"),)

    def __str__(self) -> str:
        return f"{self.provider}: {self.model_name}"

    @property
    def detail(self) -> str:
        """The flag's detail of a task that waits for it."""
        return EventText("model_paused", model=self.model_name, reason=self.reason)
