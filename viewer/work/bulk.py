"""Doing one thing with many messages: chosen one by one or by a search, asked about with their number, then a task.

What can be done is a `Kind` (`bulk_kinds.py`); this file knows none of them. What is meant is fixed when the person is
asked: messages captured after that are not.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from aiohttp import web

from relay.archive.api import Archive, Listing, NotFound, Sort
from relay.archive.query import Or, Query, Term, parse_query
from relay.model.access import Permission
from viewer.api.parameters import query_text
from viewer.errors import FieldError
from viewer.keys import CLOCK, CONFIG, NEW_ID
from viewer.security import archive_of, require
from viewer.translation import joined, known, say, say_n, thousands
from viewer.work.resend import obstacle
from viewer.work.tasks import TASKS, Steps, Task

MOST_CHOSEN = 500
"""Messages named one by one."""
MOST = 1_000_000
"""Messages of one task."""
PAGE = 100
AT_ONCE = 8
"""Messages worked on together, so that they share commits."""
OLDEST_FIRST = Sort("date", descending=False)

Each = Callable[[str], Awaitable[str]]
"""Does it with the message of that id: '' when it was done, else the sentence that says why it was left alone."""


Prepare = Callable[[web.Request, Mapping[str, str]], Each]


def _nothing(_request: web.Request, _answers: Mapping[str, str]) -> Each:
    """For a kind that begins in a way of its own."""
    raise web.HTTPBadRequest


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing that must be known beside which messages. With `choices` (value, words) one of them, else a text."""

    name: str
    label: str
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class Selected:
    """The messages meant: `ids`, or all that `q` finds; none captured after `until` (a message's `seq`)."""

    q: str
    ids: tuple[str, ...]
    query: Query
    until: int

    async def pages(self, archive: Archive) -> AsyncIterator[Sequence[Listing]]:
        """Oldest first."""
        cursor: str | None = None
        while True:
            page = await archive.search(self.query, sort=OLDEST_FIRST, cursor=cursor, limit=PAGE)
            yield [row for row in page.rows if row.seq <= self.until]
            cursor = page.next
            if cursor is None:
                return

    async def first(self, archive: Archive, count: int) -> list[Listing]:
        """The newest of them."""
        page = await archive.search(self.query, limit=count)
        return [row for row in page.rows if row.seq <= self.until]

    async def count(self, archive: Archive) -> int:
        return await archive.count(self.query, at_most=MOST)


@dataclass(frozen=True, slots=True)
class Kind:
    """One thing that can be done with messages. Functions of a number give whole sentences."""

    name: str
    icon: str
    permission: Permission
    button: str
    question: Callable[[int], str]
    consequence: str
    done: Callable[[int], str]
    prepare: Prepare = _nothing
    """Checks what was asked, and gives what is done with each message. Raises FieldError or an HTTP refusal."""
    begin: Callable[[web.Request, Selected, Mapping[str, str]], Awaitable[str]] | None = None
    """Begins it in a way of its own instead, and gives the address of the page that shows how far it is."""
    asks: tuple[Ask, ...] = ()
    warnings: Callable[[Archive, Selected, int], Awaitable[list[str]]] | None = None
    """What to know before, in sentences."""
    is_grave: bool = False
    needs_upstream: bool = False

    def obstacle(self, request: web.Request) -> str:
        """Why it cannot be done at all, or ''."""
        return obstacle(request.app[CONFIG]) if self.needs_upstream else ""


@dataclass(slots=True, kw_only=True)
class Bulk(Task):
    """One kind of work on the messages that were selected."""

    kind: Kind
    selected: Selected
    count: int = 0
    """Of those with which it was done."""
    left: Counter[str] = field(default_factory=Counter)
    """How many were left alone, by the sentence that says why."""

    @property
    def told(self) -> str:
        left = [say("%(n)s left alone: %(why)s", n=thousands(n), why=known(why)) for why, n in self.left.most_common(5)]
        return joined(" ", [self.kind.done(self.count), *left])

    def as_json(self) -> dict[str, object]:
        return {
            "id": self.id,
            "kind": self.name,
            "q": self.selected.q,
            "total": self.total,
            "done": self.done,
            "changed": self.count,
            "left": dict(self.left),
            "state": self.state,
        }


def messages(count: int) -> str:
    """`1 message`, `1,234 messages`."""
    return say_n("%(num)s message", "%(num)s messages", count)


def selected(q: str, ids: Sequence[str], now: int, until: int) -> Selected:
    """Raises QuerySyntaxError, and FieldError for too many ids. With ids the search only says where they came from."""
    chosen = tuple(dict.fromkeys(ids))
    if len(chosen) > MOST_CHOSEN:
        raise FieldError(
            "message",
            say(
                "at most %(most_chosen)s can be named one by one; choose all that match instead",
                most_chosen=thousands(MOST_CHOSEN),
            ),
        )
    query = parse_query(query_text(q), now=now)
    if chosen:
        query = Query(Or(tuple(Term("id", message_id) for message_id in chosen)))
    return Selected(q, chosen, query, until)


def checked(kind: Kind, given: Mapping[str, str]) -> dict[str, str]:
    """What the kind asks for. Raises FieldError."""
    answers: dict[str, str] = {}
    for ask in kind.asks:
        value = given.get(ask.name, "").strip()
        known = [choice for choice, _ in ask.choices]
        if known and not value:
            value = known[0]
        if known and value not in known:
            raise FieldError(ask.name, say("must be one of %(known)s", known=", ".join(known)))
        if ask.is_required and not value:
            raise FieldError(ask.name, say("must be given"))
        if len(value) > 500:
            raise FieldError(ask.name, say("at most 500 characters"))
        answers[ask.name] = value
    return answers


async def begin(request: web.Request, kind: Kind, meant: Selected, given: Mapping[str, str], total: int) -> str:
    """Begins the work; the address of the page that shows how far it is. Raises FieldError, and 409 with the reason."""
    person = require(request, kind.permission)
    if reason := kind.obstacle(request):
        raise web.HTTPConflict(text=reason)
    answers = checked(kind, given)
    if kind.begin is not None:
        return await kind.begin(request, meant, answers)
    each = kind.prepare(request, answers)
    task_id = request.app[NEW_ID]()
    task = Bulk(
        id=task_id,
        user=person.name,
        total=total,
        created_at=request.app[CLOCK](),
        name=kind.name,
        address=f"/tasks/{task_id}",
        title=say("%(what)s: %(number)s", what=kind.button, number=messages(total)),
        kind=kind,
        selected=meant,
    )
    request.app[TASKS].begin(task, _steps(task, archive_of(request), each))
    return task.address


async def _steps(task: Bulk, archive: Archive, each: Each) -> Steps:
    async for rows in task.selected.pages(archive):
        for start in range(0, len(rows), AT_ONCE):
            some = rows[start : start + AT_ONCE]
            for why in await asyncio.gather(*(_done(each, row.id) for row in some)):
                if why:
                    task.left[why] += 1
                else:
                    task.count += 1
            yield len(some)


async def _done(each: Each, message_id: str) -> str:
    """One message that cannot be done does not end the task; an archive that fails does."""
    try:
        return await each(message_id)
    except NotFound:
        return say("It is not there any more.")
    except FieldError as error:
        return error.message
    except web.HTTPException as error:
        return error.text or error.reason
