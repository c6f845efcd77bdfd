"""Which waiting deliveries a request means: some by id, those of some messages, or all that a filter matches.

The same names in the address of the queue's page, in its forms and in the API: `q state lane upstream application
domain`, and `delivery` and `message`, which may come many times.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from multidict import MultiMapping

from relay.archive.api import Archive
from relay.archive.api.waiting import WAITING_STATES, WaitingFilter, WaitingRow
from relay.archive.query import And, Or, Term, parse_query
from relay.model.delivery import State
from viewer.api.parameters import query_text
from viewer.errors import FieldError
from viewer.translation import say, thousands

NAMES = ("q", "state", "lane", "upstream", "application", "domain")
MOST_CHOSEN = 1000
"""Deliveries or messages named one by one."""
LONGEST = 300
BATCH = 200
"""Deliveries changed in one commit."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What was given, and what it means. Without ids: all that `wanted` matches."""

    given: Mapping[str, str]
    wanted: WaitingFilter
    delivery_ids: tuple[str, ...] = ()
    message_ids: tuple[str, ...] = ()

    @property
    def is_all(self) -> bool:
        return not self.delivery_ids and not self.message_ids

    @property
    def address(self) -> str:
        """Of the queue's page with this filter."""
        filled = {name: value for name, value in self.given.items() if value}
        return f"/queue?{urlencode(filled)}" if filled else "/queue"

    async def count(self, archive: Archive, at_most: int) -> int:
        if self.delivery_ids:
            return len(await archive.waiting_of(self.delivery_ids))
        return await archive.waiting_count(self.wanted, at_most=at_most)

    async def batches(self, archive: Archive, until: int) -> AsyncIterator[Sequence[WaitingRow]]:
        """What is meant, in batches; of a filter only what was made up to `until`, so that it comes to an end."""
        if self.delivery_ids:
            for start in range(0, len(self.delivery_ids), BATCH):
                yield await archive.waiting_of(self.delivery_ids[start : start + BATCH])
            return
        cursor: str | None = None
        while True:
            page = await archive.waiting(self.wanted, cursor=cursor, limit=BATCH)
            yield [row for row in page.rows if row.delivery.created_at <= until]
            cursor = page.next
            if cursor is None:
                return


def choice(values: MultiMapping[str], now: int) -> Choice:
    """Raises QuerySyntaxError, and FieldError for a state that does not wait or too many ids."""
    given = {name: str(values.get(name, "")).strip()[:LONGEST] for name in NAMES if name != "q"}
    given["q"] = query_text(str(values.get("q", "")).strip())
    named = [tuple(dict.fromkeys(map(str, values.getall(name, [])))) for name in ("delivery", "message")]
    for name, ids in zip(("delivery", "message"), named, strict=True):
        if len(ids) > MOST_CHOSEN:
            raise FieldError(
                name,
                say(
                    "at most %(most_chosen)s can be named one by one; choose all that match instead",
                    most_chosen=thousands(MOST_CHOSEN),
                ),
            )
    wanted = WaitingFilter(
        states=_states(given["state"]),
        lane=given["lane"],
        upstream=given["upstream"],
        application=given["application"],
        domain=given["domain"].removeprefix("@"),
        query=parse_query(given["q"], now=now),
    )
    if named[1]:
        chosen = Or(tuple(Term("id", message_id) for message_id in named[1]))
        wanted = replace(wanted, query=replace(wanted.query, root=And((wanted.query.root, chosen))))
    return Choice(given, wanted, named[0], named[1])


def _states(text: str) -> tuple[State, ...]:
    if not text:
        return ()
    if text not in {state.value for state in WAITING_STATES}:
        raise FieldError(
            "state", say("must be one of %(known)s", known=", ".join(state.value for state in WAITING_STATES))
        )
    return (State(text),)
