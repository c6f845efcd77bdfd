"""`mailwitness search QUERY`: the messages that match, newest first, one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from relay.commands.options import EXIT_DATA, ConfigFile, configured, fail, read, shown_time, table

if TYPE_CHECKING:
    from relay.archive.api import Archive, Listing
    from relay.archive.query import Query

PAGE = 200


def register(app: typer.Typer) -> None:
    @app.command()
    def search(
        query: Annotated[
            str, typer.Argument(metavar="QUERY", help="As in the viewer: from:ann subject:invoice after:7d")
        ],
        limit: Annotated[int, typer.Option(min=1, help="At most so many messages.")] = 50,
        config: ConfigFile = None,
    ) -> None:
        """Find messages. Prints id, time, sender, recipients, status and subject."""
        settings = configured(config)
        parsed = parsed_query(query)
        rows = read(settings, lambda archive: _found(archive, parsed, limit))
        table(("ID", "TIME", "FROM", "TO", "STATUS", "SUBJECT"), [_cells(row) for row in rows])


def parsed_query(text: str) -> Query:
    """The query, or the end of the command with what is wrong with it."""
    from relay.archive.query import QuerySyntaxError, parse_query
    from relay.clock import now

    try:
        return parse_query(text, now=now())
    except QuerySyntaxError as error:
        fail(f"{text}\n{' ' * error.start}{'^' * max(1, error.stop - error.start)} {error}", EXIT_DATA)


async def _found(archive: Archive, query: Query, limit: int) -> list[Listing]:
    rows: list[Listing] = []
    cursor = None
    while len(rows) < limit:
        page = await archive.search(query, cursor=cursor, limit=min(PAGE, limit - len(rows)))
        rows += page.rows
        cursor = page.next
        if cursor is None:
            break
    return rows


def _cells(row: Listing) -> tuple[str, ...]:
    more = row.recipient_count - len(row.recipients)
    to = ", ".join(row.recipients) + (f" +{more}" if more > 0 else "")
    states = ", ".join(
        state.value if count == row.recipient_count else f"{count} {state.value}" for state, count in row.states.items()
    )
    return tuple(printable(cell) for cell in (row.id, shown_time(row.received_at), row.sender, to, states, row.subject))


def printable(text: str) -> str:
    """The text without what could steer a terminal or break the line: the sender of a message chose it."""
    return "".join(character if character.isprintable() else " " for character in text)
