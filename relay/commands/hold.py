"""`mailwitness hold`: legal holds. What is under one nobody can delete, whatever a rule of retention says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from relay.commands.options import (
    EXIT_DATA,
    ConfigFile,
    configured,
    fail,
    operator,
    read,
    read_if_any,
    shown_time,
    table,
    write,
)
from relay.commands.search import parsed_query, printable
from relay.model.identifier import ULID_PATTERN

if TYPE_CHECKING:
    from relay.archive.api import Archive
    from relay.config import Config
    from relay.model.event import Event, Kind
    from relay.model.hold import Hold

app = typer.Typer(name="hold", help="Legal holds: messages that nobody may delete.", no_args_is_help=True)

PORTION = 200
"""Messages of one write: short for the writer, small for the socket."""

Name = Annotated[str, typer.Argument(metavar="HOLD", help="Name of an open hold, or its id.")]
Which = Annotated[
    list[str],
    typer.Argument(metavar="ID…|QUERY", help="Ids of messages, or a search as in the viewer, of what is there now."),
]
Reason = Annotated[str, typer.Option(help="Why, for those who ask later.")]


@app.command("list")
def list_holds(
    ended: Annotated[bool, typer.Option("--ended", help="Those that are ended too.")] = False,
    config: ConfigFile = None,
) -> None:
    """List the holds, the newest first."""
    found = read_if_any(configured(config), lambda archive: archive.holds(only_open=not ended)) or []
    rows = [
        (
            one.id,
            printable(one.name),
            shown_time(one.made_at),
            one.made_by,
            shown_time(one.ended_at) if one.ended_at is not None else "",
            str(one.messages),
            printable(one.reason),
        )
        for one in found
    ]
    table(("ID", "NAME", "SINCE", "BY", "ENDED", "MESSAGES", "REASON"), rows)


@app.command()
def show(hold: Name, config: ConfigFile = None) -> None:
    """Print the ids of the messages under a hold."""
    settings = configured(config)
    wanted = _hold(settings, hold)
    for message_id in read(settings, lambda archive: _under(archive, wanted.id)):
        typer.echo(message_id)


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The matter.")],
    which: Annotated[
        list[str] | None, typer.Argument(metavar="[ID…|QUERY]", help="Messages to put under it at once.")
    ] = None,
    reason: Reason = "",
    config: ConfigFile = None,
) -> None:
    """Begin a hold."""
    from relay.clock import new_id
    from relay.model.event import Kind
    from relay.model.hold import Hold, name_fault

    if fault := name_fault(name):
        fail(f"{name!r}: {fault}", EXIT_DATA)
    settings = configured(config)
    chosen = _chosen(settings, which) if which else []
    id_ = new_id()
    event = _event(Kind.HOLD_MADE, None, id_, name, reason)
    if not write(settings, "make_hold", Hold(id_, name, reason, event.at, event.actor), event):
        fail(f"there is an open hold {name!r} already", EXIT_DATA)
    typer.echo(f"The hold {name} is open, as {id_}.")
    if which:
        _change(settings, read(settings, lambda archive: archive.hold(id_)), chosen, "place_hold", Kind.HOLD_PLACED)


@app.command()
def place(hold: Name, which: Which, config: ConfigFile = None) -> None:
    """Put messages under a hold. Those that come in later are not under it."""
    from relay.model.event import Kind

    settings = configured(config)
    _change(settings, _hold(settings, hold), _chosen(settings, which), "place_hold", Kind.HOLD_PLACED)


@app.command()
def lift(hold: Name, which: Which, reason: Reason = "", config: ConfigFile = None) -> None:
    """Take messages from under a hold."""
    from relay.model.event import Kind

    settings = configured(config)
    _change(settings, _hold(settings, hold), _chosen(settings, which), "lift_hold", Kind.HOLD_LIFTED, reason)


@app.command()
def end(hold: Name, reason: Reason = "", config: ConfigFile = None) -> None:
    """End a hold: what no other keeps can be deleted again."""
    from relay.model.event import Kind

    settings = configured(config)
    wanted = _hold(settings, hold)
    if not write(settings, "end_hold", wanted.id, _event(Kind.HOLD_ENDED, None, wanted.id, wanted.name, reason)):
        fail(f"the hold {wanted.name!r} was ended before", EXIT_DATA)
    typer.echo(f"The hold {wanted.name} is ended; {wanted.messages:,} messages were under it.")


def _hold(settings: Config, text: str) -> Hold:
    found = read_if_any(settings, lambda archive: archive.holds(only_open=True)) or []
    wanted = [one for one in found if text in (one.id, one.name)]
    if not wanted:
        fail(f"there is no open hold {text!r}", EXIT_DATA)
    return wanted[0]


def _chosen(settings: Config, which: list[str]) -> list[str]:
    """The ids of the messages that are named or found."""
    if all(re.fullmatch(ULID_PATTERN, one) for one in which):
        return which
    query = parsed_query(" ".join(which))

    async def found(archive: Archive) -> list[str]:
        ids: list[str] = []
        cursor = None
        while True:
            page = await archive.search(query, cursor=cursor, limit=PORTION)
            ids += [row.id for row in page.rows]
            cursor = page.next
            if cursor is None:
                return ids

    return read(settings, found)


async def _under(archive: Archive, hold_id: str) -> list[str]:
    ids: list[str] = []
    while some := await archive.held_messages(hold_id, after=ids[-1] if ids else ""):
        ids += some
    return ids


def _change(settings: Config, hold: Hold, chosen: list[str], errand: str, kind: Kind, reason: str = "") -> None:
    if not chosen:
        fail("no message matches", EXIT_DATA)
    changed = 0
    for start in range(0, len(chosen), PORTION):
        some = chosen[start : start + PORTION]
        events = [_event(kind, message_id, hold.id, hold.name, reason) for message_id in some]
        changed += len(write(settings, errand, hold.id, some, events))
    words = "put under" if errand == "place_hold" else "taken from under"
    typer.echo(f"{changed:,} messages {words} the hold {hold.name}; {len(chosen) - changed:,} were so before.")


def _event(kind: Kind, message_id: str | None, hold_id: str, name: str, reason: str) -> Event:
    from relay.clock import new_id, now
    from relay.model.event import Event

    data = {"hold": hold_id, "name": name, **({"reason": reason} if reason else {})}
    return Event(new_id(), now(), kind, f"command:{operator()}", message_id, data=data)
