"""Values that begin as a person has begun to type: read from indexes, a few of each, never from messages.

Each value is found by a seek behind the one before, so that a value of a million messages costs what one of one does.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

SOURCES = {
    "tag": ("message_tag", "tag"),
    "application": ("message", "application"),
    "ref": ("message_reference", "code"),
    "recipient": ("addressed", "address"),
    "from": ("listing", "author"),
}
"""Field of the language -> table and indexed column."""

_BEGINNINGS = """
    WITH RECURSIVE found(value) AS (
        SELECT (SELECT {column} FROM {table} WHERE {column} >= :start ORDER BY {column} LIMIT 1)
        UNION ALL
        SELECT (SELECT {column} FROM {table} WHERE {column} > found.value ORDER BY {column} LIMIT 1)
        FROM found WHERE found.value < :stop
    )
    SELECT value FROM found WHERE value < :stop AND value <> '' LIMIT :most
"""


async def values(connection: AsyncConnection, field: str, start: str, most: int) -> list[str]:
    """The values of the field that begin so, in order. Raises KeyError for a field that has no index of values."""
    table, column = SOURCES[field]
    begun = start if field == "application" else start.casefold()
    given = {"start": begun, "stop": begun + "\U0010ffff", "most": most}
    rows = await connection.exec_driver_sql(_BEGINNINGS.format(table=table, column=column), given)
    return [str(row[0]) for row in rows]
