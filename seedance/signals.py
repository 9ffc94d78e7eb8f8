"""Signals of the app; ``docs/signals.md`` tells when and in which process each is sent, and how to test a receiver."""

import logging
from typing import Any

from django.dispatch import Signal

logger = logging.getLogger(__name__)


class AfterCommitSignal(Signal):
    """Reports what is committed already: every receiver is called, and one that fails is logged and stops nobody."""

    def report(self, sender: Any, **arguments: Any) -> None:
        """Call every receiver; raises nothing."""
        self.send_robust(sender, **arguments)

    def _log_robust_failure(self, receiver: Any, err: Exception) -> None:
        # Django's own method asks the receiver for ``__qualname__``, which a partial or an object has not; the
        # AttributeError would then keep all later receivers from being called.
        name = getattr(receiver, "__qualname__", "") or type(receiver).__qualname__
        logger.error("signal receiver failed receiver=%s error=%s", name, type(err).__name__, exc_info=err)


#: Before a row is written. Arguments: ``task`` (not saved yet), ``owner``. A receiver may raise ``Veto``.
task_creating = Signal()

#: After the claim, before the create call. Arguments: ``task``. A receiver may raise ``Veto``.
task_submitting = Signal()

#: After commit: a task moved. Arguments: ``task`` (as committed), ``old_status``, ``new_status``.
task_status_changed = AfterCommitSignal()

#: After commit: a task's result files are in our storage. Arguments: ``task``.
task_archived = AfterCommitSignal()

#: After commit: a task was flagged for people. Arguments: ``task``, ``reason`` (a value of ``Attention``).
task_needs_attention = AfterCommitSignal()

#: After commit: sending through an account was paused. Arguments: ``account``.
account_paused = AfterCommitSignal()

#: For ``seedance.tasks`` only: rows were committed that a worker should look at now.
work_available = AfterCommitSignal()
