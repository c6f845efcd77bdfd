"""`mailwitness queue`: what waits and why; retry, cancel, reroute, release; pausing and resuming.

What an operation makes of a delivery is in `relay.model.operation`. Beside a running server the change is the server's
to write, and its courier knows at once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from relay.commands.options import (
    EXIT_DATA,
    EXIT_USAGE,
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
    from relay.archive.api.waiting import WaitingRow
    from relay.config import Config
    from relay.model.delivery import Delivery
    from relay.model.operation import Operated

app = typer.Typer(name="queue", help="What waits to be sent, and why; and changing it.", no_args_is_help=True)

PORTION = 500
"""Deliveries changed in one write."""
MOST = 100_000
TRIES = 5
"""Times that a switch is tried while others turn some too."""

Which = Annotated[
    list[str],
    typer.Argument(metavar="ID…|QUERY", help="Ids of deliveries or messages, or a search as in the viewer."),
]
Sure = Annotated[bool, typer.Option("--yes", help="Do not ask when a search matches more than one.")]
Upstream = Annotated[str | None, typer.Argument(metavar="[UPSTREAM]", help="Without it, all sending.")]


@app.command("list")
def list_waiting(
    which: Annotated[
        list[str] | None, typer.Argument(metavar="[ID…|QUERY]", help="Only these; without it, all that waits.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many deliveries.")] = 50,
    config: ConfigFile = None,
) -> None:
    """List the deliveries that wait, oldest first, and why each does."""
    from relay.clock import now
    from viewer.work.waiting_words import why

    settings = configured(config)
    rows = read_if_any(settings, lambda archive: _chosen(archive, which or [], limit)) or []
    switches = read_if_any(settings, lambda archive: archive.switches())
    if switches is not None and switches.paused is not None:
        typer.echo(f"All sending is {printable(str(switches.paused))}.", err=True)
    lines = []
    for row in rows:
        one = row.delivery
        due = shown_time(one.due_at) if one.due_at is not None else "-"
        reason = why(one, switches, {}, now()).text if switches is not None else ""
        cells = (one.id, one.state.value, due, one.lane or "", one.recipient.address, row.subject, reason)
        lines.append(tuple(printable(cell) for cell in cells))
    table(("ID", "STATE", "DUE", "ROUTE", "RECIPIENT", "SUBJECT", "WHY"), lines)


@app.command()
def retry(which: Which, yes: Sure = False, config: ConfigFile = None) -> None:
    """Make deliveries due now."""
    from relay.clock import now
    from relay.model.operation import retry_now

    _change(configured(config), which, yes, "retry", lambda delivery: retry_now(delivery, now()))


@app.command()
def cancel(which: Which, yes: Sure = False, config: ConfigFile = None) -> None:
    """Never try deliveries again."""
    from relay.model.operation import cancel as cancelled

    _change(configured(config), which, yes, "cancel", cancelled)


@app.command()
def reroute(
    which: Which,
    to: Annotated[str, typer.Option(metavar="UPSTREAM", help="Its name; empty: as the routes say.")],
    yes: Sure = False,
    config: ConfigFile = None,
) -> None:
    """Send deliveries by another upstream, now."""
    from relay.clock import now
    from relay.model.operation import reroute as rerouted

    settings = configured(config)
    _known(settings, to)
    _change(
        settings,
        which,
        yes,
        "reroute",
        lambda delivery: rerouted(delivery, now(), to or None),
        upstream=to or "as the routes say",
    )


@app.command()
def release(which: Which, yes: Sure = False, config: ConfigFile = None) -> None:
    """Send deliveries that wait for approval."""
    from relay.clock import now
    from relay.model.delivery import MICROSECONDS
    from relay.model.operation import release as released

    settings = configured(config)
    expire_after = settings.delivery.expire_after * MICROSECONDS
    _change(settings, which, yes, "release", lambda delivery: released(delivery, now(), expire_after))


@app.command()
def pause(
    upstream: Upstream = None,
    reason: Annotated[str, typer.Option(help="Shown to others.")] = "",
    config: ConfigFile = None,
) -> None:
    """Send nothing more, by one upstream or at all, until resumed. Mail is still taken in and kept."""
    from relay.clock import now
    from relay.model.event import Kind
    from relay.model.switch import Pause

    settings = configured(config)
    _known(settings, upstream or "")
    made = Pause(operator(), now(), reason)
    _switch(settings, Kind.PAUSED, lambda switches: switches.pausing(made, upstream), upstream, reason=reason)
    typer.echo(f"Paused {upstream or 'all sending'}.")


@app.command()
def resume(upstream: Upstream = None, config: ConfigFile = None) -> None:
    """Send again, by one upstream or at all."""
    from relay.model.event import Kind

    settings = configured(config)
    _switch(settings, Kind.RESUMED, lambda switches: switches.resuming(upstream), upstream)
    typer.echo(f"Resumed {upstream or 'all sending'}.")


def _known(settings: Config, upstream: str) -> None:
    names = [one.name for one in settings.upstream]
    if upstream and upstream not in names:
        fail(f"there is no upstream {upstream!r}, expected one of {', '.join(names) or 'none'}", EXIT_DATA)


def _switch(settings: Config, kind: Any, turned: Callable[[Any], Any], upstream: str | None, **data: str) -> None:
    from relay.clock import new_id, now
    from relay.model.event import Event
    from relay.model.switch import Switches

    told = {"upstream": upstream or "", **data}
    facts = {key: value for key, value in told.items() if value}
    for _ in range(TRIES):
        before = read_if_any(settings, lambda archive: archive.switches()) or Switches()
        event = Event(new_id(), now(), kind, f"command:{operator()}", data=facts)
        if write(settings, "put_switches", turned(before), event, before):
            return
    fail("somebody else keeps turning switches: try again", EXIT_DATA)


def _change(
    settings: Config,
    which: Sequence[str],
    is_sure: bool,
    name: str,
    made: Callable[[Delivery], Operated],
    **data: str,
) -> None:
    rows = read(settings, lambda archive: _chosen(archive, which, MOST))
    if not rows:
        fail("nothing that waits matches", EXIT_DATA)
    if len(rows) > 1 and not is_sure and not all(re.fullmatch(ULID_PATTERN, one) for one in which):
        typer.confirm(f"{len(rows):,} deliveries match: {name}?", abort=True, err=True)
    changed = 0
    left: Counter[str] = Counter()
    for start in range(0, len(rows), PORTION):
        changed += _portion(settings, rows[start : start + PORTION], name, made, data, left)
    typer.echo(f"{changed:,} changed.")
    for words, count in left.most_common():
        typer.echo(f"{count:,} left: {words}", err=True)
    if not changed:
        raise typer.Exit(1)


def _portion(
    settings: Config,
    rows: Sequence[WaitingRow],
    name: str,
    made: Callable[[Delivery], Operated],
    data: dict[str, str],
    left: Counter[str],
) -> int:
    from relay.archive.api import Waiting
    from relay.clock import new_id, now
    from relay.model.event import Event
    from relay.model.operation import Refusal

    changes, events = [], []
    for row in rows:
        result = made(row.delivery)
        if isinstance(result, Refusal):
            left[str(result)] += 1
            continue
        after, kind = result
        changes.append(Waiting(after, row.delivery.state))
        told = {"operation": name, **data}
        events.append(Event(new_id(), now(), kind, f"command:{operator()}", after.message_id, after.id, data=told))
    if not changes:
        return 0
    written = write(settings, "change_waiting", changes, events)
    if len(written) < len(changes):
        left["It changed meanwhile."] += len(changes) - len(written)
    return len(written)


async def _chosen(archive: Archive, which: Sequence[str], limit: int) -> list[WaitingRow]:
    """The deliveries meant, oldest first. The command ends where a search cannot be read."""
    if which and all(re.fullmatch(ULID_PATTERN, one) for one in which):
        rows = await archive.waiting_of(which)
        found = {row.delivery.id for row in rows}
        for one in which:
            rows += [] if one in found else await _found(archive, f"id:{one}", limit)
        return rows[:limit]
    if any(not one.strip() for one in which):
        fail("an empty search would mean everything that waits", EXIT_USAGE)
    return await _found(archive, " ".join(which), limit)


async def _found(archive: Archive, query: str, limit: int) -> list[WaitingRow]:
    from relay.archive.api.waiting import WaitingFilter

    wanted = WaitingFilter(query=parsed_query(query))
    rows: list[WaitingRow] = []
    cursor = None
    while len(rows) < limit:
        page = await archive.waiting(wanted, cursor=cursor, limit=min(PORTION, limit - len(rows)))
        rows += page.rows
        cursor = page.next
        if cursor is None:
            break
    return rows
