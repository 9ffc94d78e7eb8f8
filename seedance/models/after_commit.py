"""Work after a commit; a failure is logged, not raised. Also notifies the workers, once per commit."""

import logging
from collections.abc import Callable
from weakref import WeakKeyDictionary, ref

from django.db import connections, transaction
from django.db.models.fields.files import FieldFile

from ..signals import work_available

logger = logging.getLogger(__name__)

#: Connection -> the function that waits for its commit. Django drops the function with a rollback, and so it goes here.
_scheduled: "WeakKeyDictionary[object, ref[Callable[[], None]]]" = WeakKeyDictionary()


def after_commit(action: Callable[[], object], *, using: str | None, what: str) -> None:
    """Run something once the transaction under way is committed; at once where there is none.

    Not Django's ``robust=True``: in Django 5.2 and 6.0 that reads ``__qualname__`` of what failed, which a
    ``functools.partial`` has not, and then stops everything that waits for the same commit.

    Args:
        using: the alias whose commit is waited for.
        what: an event phrase for the log.
    """

    def run() -> None:
        try:
            action()
        except Exception:  # whatever a site or a storage raises: the rows are committed
            logger.exception("after commit failed what=%s", what)

    transaction.on_commit(run, using=using)


def delete_after_commit(file: FieldFile | None, *, using: str | None) -> None:
    """Delete a stored file once its row no longer names it; nothing for an empty column."""
    if not file or not file.name:
        return
    storage, name = file.storage, file.name
    after_commit(lambda: storage.delete(name), using=using, what="delete file")


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
