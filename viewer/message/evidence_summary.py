"""The page for people on top of an evidence bundle: `summary.html`, and a PDF of it where WeasyPrint is there.

One table for the log, then each message: its facts, what happened with the servers' whole replies, reports, deeds.
Everything in it is also in members that the checker reads; the page itself is only signed. Fetches and runs nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from markupsafe import Markup, escape

from relay.ledger.bundle import LogEvidence
from relay.ledger.checkpoint import Checkpoint
from relay.ledger.note import split_note
from relay.model.delivery import Attempt
from relay.model.event import Event
from relay.model.report import Payload
from relay.notary.gathering import Gathered
from viewer import present, tongue
from viewer.message import engagement
from viewer.message.evidence import NOT_PROVEN, PROVEN, in_iso
from viewer.message.printing import FACTS_STYLE, head, sheet
from viewer.translation import joined, say, say_n, shown

MOST = 500
"""Messages told of one by one; the rest are counted."""
MOST_EVENTS = 300
"""Of one message."""
MOST_IN_PDF = 50
"""Messages of which a PDF is made too."""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

Draw = Callable[[bytes], Awaitable[bytes | None]]
"""Pieces of HTML, as `viewer.message.pdf` takes them, to a PDF; None: it could not be made."""

_STYLE = """
html { background: #fff; color-scheme: light; } main { max-width: 190mm; margin: 0 auto; padding: 16px; }
h2 { font-size: 12pt; margin: 14pt 0 6pt; } article { border-top: 1px solid #bbb; padding-top: 10pt; margin-top: 14pt; }
.events th, .events td { border-bottom: 1px solid #ddd; width: auto; } .events td:first-child { white-space: nowrap; }
li { margin: 0 0 3pt; font-size: 9.5pt; } code { overflow-wrap: anywhere; font-size: 8.5pt; }
"""


class Summary:
    """Notes what is to be told of each message, as text; the octets are let go of."""

    def __init__(self, *, made_by: str, made_at: int, query: str, draw: Draw | None) -> None:
        self._made_by = made_by
        self._made_at = made_at
        self._query = query
        self._draw = draw
        self._articles: list[tuple[str, Markup]] = []
        self._count = 0

    def take(self, gathered: Gathered) -> None:
        self._count += 1
        if len(self._articles) < MOST:
            self._articles.append((gathered.evidence.id, article(gathered)))

    async def members(self, log: LogEvidence) -> Mapping[str, bytes]:
        first = self._first(log)
        members = {"summary.html": self._page(first).encode()}
        if self._draw is not None and len(self._articles) <= MOST_IN_PDF:
            pieces = [("", first), *self._articles]
            style = f"<style>{FACTS_STYLE}{_STYLE}</style>"
            question = json.dumps([{"id": one, "html": f"{style}{html}"} for one, html in pieces])
            if (made := await self._draw(await asyncio.to_thread(question.encode))) is not None:
                members["summary.pdf"] = made
        return members

    def _page(self, first: Markup) -> str:
        articles = Markup("").join(html for _, html in self._articles)
        return (
            f'<!doctype html><html lang="{tongue.language()}"><head><meta charset="utf-8">'
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{escape(self._title())} · Mailwitness</title><style>{FACTS_STYLE}{_STYLE}</style></head>"
            f"<body><main>{first}{articles}</main></body></html>"
        )

    def _title(self) -> str:
        return say_n("Evidence about %(num)s message", "Evidence about %(num)s messages", self._count)

    def _first(self, log: LogEvidence) -> Markup:
        """The first page: what this is, the log, what is proven and what is not."""
        checkpoint = Checkpoint.parse(split_note(log.checkpoint)[0])
        stamps = [
            say("%(who)s over the first %(size)s facts", who=stamp.name, size=f"{anchor.size:,}")
            for anchor in log.anchors
            for stamp in anchor.timestamps
        ]
        rows: list[tuple[str, str]] = [
            (say("Made"), joined(", ", [in_iso(self._made_at), present.actor(self._made_by)])),
            (say("Search"), self._query),
            (say("Log"), log.origin),
            (say("Checkpoint"), say("over %(size)s facts", size=f"{checkpoint.size:,}")),
            (say("Public key"), "\n".join(key.vkey for key in log.keys)),
            (say("Witnesses"), ", ".join(witness.name for witness in log.policy.witnesses)),
            (say("Time stamps"), joined("\n", stamps)),
        ]
        parts = [
            Markup("<h1>{}</h1>").format(self._title()),
            Markup("<p>{}</p>").format(
                say(
                    "This page is for reading; no program checks it. What can be checked lies beside it, and README.txt"
                    " says how: python3 verify.py EVIDENCE.zip --key KEY, with program and key from somewhere else."
                )
            ),
            _table(rows),
            _list(say("What is proven, if the check holds and the key is the log's"), PROVEN),
            _list(say("What is not proven"), NOT_PROVEN),
        ]
        if (unshown := self._count - len(self._articles)) > 0:
            more = say_n(
                "%(num)s more message is in the folder “messages”, but not told of here.",
                "%(num)s more messages are in the folder “messages”, but not told of here.",
                unshown,
            )
            parts.append(Markup("<p><b>{}</b></p>").format(more))
        return Markup("").join(parts)


def article(gathered: Gathered) -> Markup:
    """One message."""
    parts = [head(sheet(gathered.stored, None))]
    if gathered.is_damaged:
        damaged = say("The content in the archive is damaged: it is not the message that came.")
        parts.append(Markup("<p><b>{}</b></p>").format(damaged))
    if gathered.stored.deletion is not None:
        deletion = gathered.stored.deletion
        gone = say("The content was deleted: %(when)s, %(who)s", when=in_iso(deletion.at), who=deletion.by)
        parts.append(Markup("<p>{}</p>").format(gone))
    parts.append(_events(gathered))
    if gathered.withheld:
        parts.append(_withheld(gathered.withheld))
    numbers = _runs([leaf.index for leaf in gathered.evidence.leaves])
    parts.append(Markup("<p>{}</p>").format(say("Facts in the log: %(numbers)s", numbers=numbers)))
    return Markup("<article>{}</article>").format(Markup("").join(parts))


def _events(gathered: Gathered) -> Markup:
    attempts = {attempt.id: attempt for attempt in gathered.stored.attempts}
    names = {one.id: one.recipient.address for one in gathered.stored.deliveries}
    rows = [
        _event(event, attempts.get(str(event.data.get("attempt", ""))), names.get(event.delivery_id or "", ""))
        for event in gathered.events[:MOST_EVENTS]
    ]
    unshown = len(gathered.events) - MOST_EVENTS
    if unshown > 0:
        words = say_n("and %(num)s more fact", "and %(num)s more facts", unshown)
        rows.append(Markup("<tr><td colspan=4>{}</td></tr>").format(words))
    headings = Markup("").join(
        Markup("<th scope=col>{}</th>").format(name)
        for name in (say("When"), say("What happened"), say("Who says so"), say("Grade"))
    )
    return Markup("<h2>{}</h2><table class=events><tr>{}</tr>{}</table>").format(
        say("What happened"), headings, Markup("").join(rows)
    )


def _event(event: Event, attempt: Attempt | None, recipient: str) -> Markup:
    what = [engagement.happened(event)[0]]
    if recipient:
        what.append(recipient)
    note = _reply(attempt) if attempt is not None else present.event_note(event)
    if note:
        what.append(note)
    return Markup("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}: {}</td></tr>").format(
        in_iso(event.at), _lines(what), present.actor(event.actor), event.grade.value, present.GRADES[event.grade]
    )


def _reply(attempt: Attempt) -> str:
    """The whole reply: `250 2.0.0 ok`."""
    reply = attempt.reply
    if reply is None:
        return ""
    return " ".join(str(part) for part in (reply.code, reply.enhanced, reply.text) if part)


def _withheld(payloads: Sequence[Payload]) -> Markup:
    words = say_n(
        "%(num)s report tells of other messages too, and is not in this file; its SHA-256 is in the facts.",
        "%(num)s reports tell of other messages too, and are not in this file; their SHA-256 are in the facts.",
        len(payloads),
    )
    return Markup("<p>{}</p>").format(words)


def _table(rows: Iterable[tuple[str, str]]) -> Markup:
    lines = [
        Markup("<tr><th scope=row>{}</th><td>{}</td></tr>").format(name, _lines([value]))
        for name, value in rows
        if value
    ]
    return Markup("<table>{}</table>").format(Markup("").join(lines))


def _list(title: str, sentences: Iterable[str]) -> Markup:
    items = Markup("").join(Markup("<li>{}</li>").format(one) for one in sentences)
    return Markup("<h2>{}</h2><ul>{}</ul>").format(title, items)


def _lines(values: Iterable[str]) -> Markup:
    """Each on a line of its own; a line end in one is one here."""
    return Markup("<br>").join(escape(line) for value in values for line in str(shown(value)).split("\n"))


def _runs(numbers: Sequence[int]) -> str:
    """`3, 7–9`: the numbers, neighbours drawn together."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(f"{first:,}" if first == last else f"{first:,}–{last:,}" for first, last in runs)
