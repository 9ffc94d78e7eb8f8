"""Signals of the app. Handlers run after the commit that they report."""

from django.dispatch import Signal

#: A task moved. Arguments: ``task`` (as committed), ``old_status``, ``new_status``.
task_status_changed = Signal()

#: A task's result files are in our storage. Arguments: ``task``.
task_archived = Signal()

#: For ``seedance.tasks`` only: rows were committed that a worker should look at now.
work_available = Signal()
