"""Tell the workers, once per commit, that there is something to do."""

from django.db import connections, transaction

from ..signals import work_available


def wake_workers(using: str) -> None:
    """Send ``work_waiting`` after the commit under way, however often this is called before it.

    A queue that cannot be reached is logged, not raised: the row is safe, and the next round finds it.
    """
    if not any(entry[1] is _send for entry in connections[using].run_on_commit):
        transaction.on_commit(_send, using=using)


def _send() -> None:
    work_available.report(sender=None)
