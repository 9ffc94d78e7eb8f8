"""Many guarded updates in few round trips.

``bulk_update`` builds one CASE per column and row, and one ``update`` per row is one round trip each; here rows
with the same columns share one prepared statement. Django has no public way to ask for the SQL of an update, therefore
``sql.UpdateQuery``.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, cast

from django.db import connections, models
from django.db.models import sql


def update_each(updates: Iterable[tuple[models.QuerySet[Any], Mapping[str, Any]]], using: str) -> int:
    """Run many ``rows.update(**values)``; returns how many rows that changed in all.

    Args:
        updates: querysets without joins, each with the columns to write.
    """
    statements: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for rows, values in updates:
        query = cast(sql.UpdateQuery, rows.query.chain(sql.UpdateQuery))
        query.add_update_values(dict(values))
        statement, parameters = query.get_compiler(using).as_sql()
        statements[statement].append(tuple(parameters))
    changed = 0
    with connections[using].cursor() as cursor:
        for statement, rows_of_parameters in statements.items():
            cursor.executemany(statement, rows_of_parameters)
            changed += cursor.rowcount
    return changed
