"""Install or repair the django-q2 schedules."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from ... import queue


class Command(BaseCommand):
    """Calls ``queue.install_schedules``."""

    help = "Installs or repairs the django-q2 schedules of django-seedance; twice does no harm."

    def handle(self, *args: Any, **options: Any) -> None:
        if not queue.is_installed():
            raise CommandError(_("django_q is not in INSTALLED_APPS; run “seedance_sync --every 5” instead."))
        repaired = queue.install_schedules()
        if repaired:
            self.stdout.write(_("Installed: %(names)s.") % {"names": ", ".join(repaired)})
        else:
            self.stdout.write(_("All schedules are in place."))
