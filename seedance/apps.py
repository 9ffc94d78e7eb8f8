"""The app configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SeedanceConfig(AppConfig):
    """Registers system checks, the redaction of logs, and the signal handlers that wake workers."""

    name = "seedance"
    verbose_name = _("Seedance videos")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register and connect everything."""
        from . import checks, queue, redaction, tasks
        from .signals import work_available

        checks.register()
        redaction.install()
        work_available.connect(tasks.enqueue_dispatch)
        if queue.is_installed():
            queue.on_worker_start(tasks.on_worker_start)
