"""Notifies the workers, once per commit, that there is work."""

from collections.abc import Callable
from weakref import WeakKeyDictionary, ref

from django.db import connections, transaction

from ..signals import work_available

#: Connection -> the function that waits for its commit. Django drops the function with a rollback, and so it goes here.
_scheduled: "WeakKeyDictionary[object, ref[Callable[[], None]]]" = WeakKeyDictionary()


def wake_workers(using: str) -> None:
    """Send ``work_available`` after the current transaction, once however often this is called before its commit.

    A queue that cannot be reached is logged, not raised: the row is stored, and the next round finds it.
    """
    connection = connections[using]
    waiting = _scheduled.get(connection)
    if waiting is not None and waiting() is not None:
        return

    def send() -> None:
        _scheduled.pop(connection, None)
        work_available.report(sender=None)

    _scheduled[connection] = ref(send)
    transaction.on_commit(send, using=using)
