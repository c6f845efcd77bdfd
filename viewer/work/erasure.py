"""Forgetting a person, as pages and API have it done: look where they are named, ask, decide.

It is done by the server itself (`relay/notary/retention.py`), also after a restart; from here it is only asked for.
Looking and asking are for those who see all messages: a person goes from everything, whatever somebody's scope.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from aiohttp import web

from relay.archive.api import Archive, Listing, NotFound
from relay.archive.api.erasure import Mentions
from relay.model.access import Permission
from relay.model.deletion import LONGEST_REASON
from relay.model.erasure import LONGEST_ADDRESS, Erasure, Mention, Standing, address_fault, pattern
from relay.model.event import Kind
from relay.model.hold import Hold
from relay.notary.beside import elsewhere
from viewer.errors import FieldError, refusal
from viewer.identity.people import Person
from viewer.journal import deed
from viewer.keys import CLOCK, CONFIG, ERASING, NEW_ID
from viewer.security import archive_of, require
from viewer.translation import known, say, say_n
from viewer.work import suppressions
from viewer.work.deletion import checked_reason, needs_two
from viewer.work.tasks import TASKS, Steps, Task

MOST_ADDRESSES = 20
"""Of one look, and of one request."""
SHOWN = 20
"""Messages that are shown of those that go, and as many of those that stay."""
LOOK = 0.25
"""Seconds between two words about how far a search is."""
REASONS = (
    say("A legal hold keeps it: it cannot be deleted before the hold is ended."),
    say("It has to be kept for a time that has not passed yet: nobody can delete it before."),
    say("It still waits to be sent."),
    say("It is being sent at this moment: try again when it has ended."),
)
"""Why a message stays as it is, as the archive says it: said here so that it is translated."""


def require_all(request: web.Request, *more: Permission) -> Person:
    """Who asks, if they may erase, and see every message there is; raises 403 otherwise."""
    person = require(request, Permission.READ, Permission.ERASE, *more)
    if not person.scope.is_everything:
        words = say("Only those who see all messages can have a person erased: your scope is narrower.")
        raise refusal(web.HTTPForbidden, words)
    return person


def addresses_in(values: Iterable[str]) -> tuple[str, ...]:
    """The addresses, each once. Raises FieldError."""
    found = tuple({one.lower(): one for one in values}.values())
    if not found:
        raise FieldError("addresses", say("give at least one address"))
    if len(found) > MOST_ADDRESSES:
        raise FieldError("addresses", say("at most %(most)s addresses at a time", most=MOST_ADDRESSES))
    for one in found:
        if len(one) > LONGEST_ADDRESS or address_fault(one):
            raise FieldError("addresses", say("this is not an address: %(address)s", address=one[:100]))
    return found


# -- looking -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Shown:
    """One message of those that were found."""

    mention: Mention
    row: Listing | None
    """None: it is not in the list yet."""
    holds: Sequence[Hold] = ()

    @property
    def why(self) -> str:
        """Why it stays; '' where it goes."""
        return known(self.mention.kept_by)


@dataclass(frozen=True, slots=True)
class Named:
    """Where one address was found."""

    address: str
    mentions: Mentions
    going: Sequence[Shown] = ()
    """The newest of the messages from which the person goes."""
    staying: Sequence[Shown] = ()
    """The newest of those that something keeps as they are."""

    @property
    def messages(self) -> int:
        return len(self.mentions.messages)

    @property
    def kept(self) -> int:
        return sum(bool(one.kept_by) for one in self.mentions.messages)

    @property
    def whole(self) -> int:
        """Messages whose content goes."""
        return sum(one.is_whole and not one.kept_by for one in self.mentions.messages)

    @property
    def parts(self) -> int:
        """Messages of which only the person's part goes."""
        return self.messages - self.kept - self.whole

    @property
    def places(self) -> dict[str, int]:
        """Messages that name the person as, or in: recipient, sender, content, text."""
        names = ("recipient", "sender", "content", "text")
        return {name: sum(name in one.places for one in self.mentions.messages) for name in names}

    @property
    def rows(self) -> dict[str, int]:
        """Other facts that name the person, by what they are: reports, events, views, others."""
        counts = dict.fromkeys(("reports", "events", "views", "others"), 0)
        kinds = {"report": "reports", "payload": "reports", "event": "events", "saved_view": "views"}
        shown = {"message", "delivery", "listing", "document"}
        for table, _, _ in self.mentions.rows:
            if table not in shown:
                counts[kinds.get(table, "others")] += 1
        return counts

    @property
    def first_at(self) -> int | None:
        return min((one.at for one in self.mentions.messages), default=None)

    @property
    def last_at(self) -> int | None:
        return max((one.at for one in self.mentions.messages), default=None)

    @property
    def accounts(self) -> list[tuple[str, str]]:
        """Of what is set up here: (user, application, endpoint, group, setting; its name)."""
        return [(kind, name) for kind, _, name in (one.partition(" ") for one in self.mentions.accounts)]

    @property
    def is_nothing(self) -> bool:
        return not (self.mentions.messages or self.mentions.rows or self.mentions.suppressed or self.mentions.accounts)


@dataclass(slots=True, kw_only=True)
class Look(Task):
    """A search for some addresses through everything that is kept. What it found is in memory alone, for a day."""

    addresses: tuple[str, ...]
    named: list[Named] = field(default_factory=list)
    seen: int = 0
    """Messages looked through for the address that is being looked for."""
    is_left: bool = False
    """Nobody waits for the search any more."""

    def see(self, seen: int, _all: int) -> None:
        """Called in the thread of the search. Raises Left to end it."""
        if self.is_left or self.is_stopping:
            raise Left
        self.seen = seen


class Left(Exception):
    """A search that nobody waits for."""


async def look(request: web.Request, addresses: Sequence[str]) -> Look:
    """Begins the search. Raises FieldError."""
    person = require_all(request, Permission.BODY)
    archive, found = archive_of(request), addresses_in(addresses)
    last, task_id = (await archive.progress()).last, request.app[NEW_ID]()
    task = Look(
        id=task_id,
        user=person.name,
        total=last * len(found),
        created_at=request.app[CLOCK](),
        name="look",
        address=f"/erasures/looks/{task_id}",
        title=say_n(
            "Where a person is named: %(num)s address", "Where persons are named: %(num)s addresses", len(found)
        ),
        addresses=found,
    )
    request.app[TASKS].begin(task, _steps(archive, request.app[CLOCK], task, last))
    return task


def own_look(request: web.Request) -> Look:
    """The search that the address names, of the person who asks. Raises NotFound."""
    person = require_all(request, Permission.BODY)
    task = request.app[TASKS].get(request.match_info["id"], person.name)
    if not isinstance(task, Look):
        raise NotFound(task.id)
    return task


async def _steps(archive: Archive, clock: Callable[[], int], task: Look, last: int) -> Steps:
    for address in task.addresses:
        told, task.seen = 0, 0
        finding = asyncio.create_task(archive.mentions(address, clock(), task.see))
        try:
            while not finding.done():
                await asyncio.wait({finding}, timeout=LOOK)
                seen = min(task.seen, last)
                yield max(0, seen - told)
                told = max(told, seen)
        finally:
            if not finding.done():
                # Its thread ends at the next look; whoever stopped us needs no answer.
                task.is_left = True
                await asyncio.wait({finding})
            failure = finding.exception()
        if failure is not None:
            raise failure
        task.named.append(await _named(archive, address, finding.result()))
        yield max(0, last - told)


async def _named(archive: Archive, address: str, mentions: Mentions) -> Named:
    newest = sorted(mentions.messages, key=lambda one: one.seq, reverse=True)
    going = [await _shown(archive, one) for one in [one for one in newest if not one.kept_by][:SHOWN]]
    staying = [await _shown(archive, one) for one in [one for one in newest if one.kept_by][:SHOWN]]
    return Named(address, mentions, going, staying)


async def _shown(archive: Archive, one: Mention) -> Shown:
    holds = await archive.holds_of(one.message_id) if one.kept_by else ()
    try:
        return Shown(one, await archive.listing(one.message_id), holds)
    except NotFound:
        return Shown(one, None, holds)


# -- asking, deciding ----------------------------------------------------------------------------------------------
async def ask(request: web.Request, addresses: Sequence[str], reason: str, *, is_suppressed: bool) -> list[Erasure]:
    """A request for each address; where one person is enough it is approved with that. Returns after commit.

    Raises FieldError: an address that is none, or is being erased; a reason that will not do.
    """
    require_all(request, *([Permission.SUPPRESS] if is_suppressed else []))
    archive, found = archive_of(request), addresses_in(addresses)
    reason = checked_reason(reason)
    check_silent("reason", reason, found)
    open_ = {(one.address or "").lower() for one in await archive.erasures(only_open=True)}
    for address in found:
        if address.lower() in open_:
            words = say("somebody asked for it already, and it is not over yet: %(address)s", address=address)
            raise FieldError("addresses", words)
    if is_suppressed:
        for address in found:
            await suppressions.add(request, address=address, application="", reason="erased", until="")
    standing = Standing.ASKED if needs_two(request) else Standing.APPROVED
    asked = []
    for address in found:
        id_ = request.app[NEW_ID]()
        event = deed(request, Kind.ERASURE_ASKED, erasure=id_, reason=reason)
        one = Erasure(id_, address, event.at, event.actor, reason, standing)
        await archive.ask_erasure(one, event)
        asked.append(one)
    return asked


async def decide(request: web.Request, erasure_id: str, standing: Standing, answer: str = "") -> bool:
    """Approves or refuses; whoever asked for it withdraws it by refusing. Returns after commit.

    False: it is not open any more, or whoever asked for it would approve it. Raises NotFound, FieldError.
    """
    person, archive = require_all(request), archive_of(request)
    one = await archive.erasure(erasure_id)
    answer = " ".join(answer.split())
    if len(answer) > LONGEST_REASON:
        raise FieldError("reason", say("at most %(longest)s characters", longest=LONGEST_REASON))
    check_silent("reason", answer, [one.address] if one.address else [])
    more = {"answer": answer} if answer else {}
    if standing is Standing.REFUSED and one.asked_by == person.actor:
        more["withdrawn"] = "yes"
    event = deed(request, Kind.ERASURE_DECIDED, erasure=one.id, standing=standing.value, **more)
    return await archive.decide_erasure(one.id, standing, event)


def check_silent(name: str, text: str, addresses: Iterable[str]) -> None:
    """Raises FieldError if the text names a person who is to be forgotten: it is kept."""
    if any(pattern(address).search(text) for address in addresses):
        raise FieldError(name, say("it names the person, and is kept"))


def is_withdrawn(one: Erasure) -> bool:
    return one.standing is Standing.REFUSED and one.decided_by == one.asked_by


# -- how far it is ---------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Course:
    """How far an erasure is. `state`: waiting, running, finished; `done` of `total` messages."""

    state: str
    done: int
    total: int
    told: str


def course(request: web.Request, one: Erasure) -> Course:
    """Of one that is approved or done."""
    if one.standing is Standing.DONE:
        return Course("finished", 1, 1, "")
    advance = request.app[ERASING](one.id)
    if advance is None:
        return Course("waiting", 0, 1, "")
    if not advance.named:
        words = say("%(n)s of %(all)s messages looked through.", n=advance.looked, all=advance.all)
        return Course("running", advance.looked, max(advance.all, 1), words)
    words = say("%(n)s of %(all)s messages gone through.", n=advance.done, all=advance.named)
    return Course("running", advance.done, advance.named, words)


def handed_out(request: web.Request) -> Sequence[tuple[str, str]]:
    """Where copies were handed to that are not ours to change: (name of the timetable, '' for the journal; place)."""
    config = request.app[CONFIG]
    return elsewhere(config.export, config.journal.to)
