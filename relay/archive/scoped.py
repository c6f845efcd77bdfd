"""The archive as someone with a scope sees it: the same methods, of the messages within the scope and no others.

What takes a query is narrowed by it (`scoping.within`); what takes an id looks first, and raises NotFound for a message
that is elsewhere as for one that is nowhere. What is of no one message, or is the work of the server's own rooms, is
`_refused`. Nothing is handed on by default: a method that this class does not name is not there, and mypy says so where
the viewer takes it for an Archive (`viewer/security.py`). Does not decide what a role may do.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

from relay.archive.api import (
    ApplicationRecord,
    Change,
    Estimate,
    Health,
    Listing,
    NotFound,
    OutOfReach,
    Page,
    Sort,
    StoredContent,
    StoredMessage,
    StoredReport,
    WebSession,
)
from relay.archive.api.deletion import EVERY_DEED, Deeds
from relay.archive.api.export import Whole
from relay.archive.api.ledger import StoredLeaf
from relay.archive.api.queue import Waiting
from relay.archive.api.reindexing import Progress
from relay.archive.api.view import CopyPage, Mailing, MailingPage, View
from relay.archive.api.waiting import EVERYTHING, WaitingFilter, WaitingGroup, WaitingPage, WaitingRow
from relay.archive.query import And, Or, Query, Term, Within
from relay.archive.scoped_holds import ScopedHolds
from relay.archive.scoping import applications_within, may_write, waiting_within, within
from relay.model.deletion import Order, Outcome, Request
from relay.model.delivery import Delivery
from relay.model.event import Event
from relay.model.fetch import Fetch
from relay.model.hold import Hold
from relay.model.message import Message
from relay.model.switch import Switches
from relay.model.token import Token

NEWEST_FIRST = Sort()
PORTION = 100
"""Messages looked for at once."""
LOOKED_AT = 50
"""Values that are tried for being within the scope."""


class ScopedArchive(ScopedHolds):
    """`archive` narrowed to `scope`. Raises OutOfReach for what no scope can narrow."""

    # -- whether a message is within the scope ---------------------------------------------------------------
    async def _require(self, message_id: str) -> None:
        if not await self.within([message_id]):
            raise NotFound(f"no message {message_id}")

    async def within(self, message_ids: Sequence[str]) -> set[str]:
        """Those of these messages that are within the scope."""
        wanted = list(dict.fromkeys(message_ids))
        found: set[str] = set()
        for start in range(0, len(wanted), PORTION):
            ids = Or(tuple(Term("id", message_id) for message_id in wanted[start : start + PORTION]))
            page = await self._archive.search(Query(And((ids, Within(self._scope)))), limit=PORTION)
            found |= {row.id for row in page.rows}
        return found

    async def _require_all(self, message_ids: Sequence[str]) -> None:
        missing = set(message_ids) - await self.within(message_ids)
        if missing:
            raise NotFound(f"no message {min(missing)}")

    # -- reading ---------------------------------------------------------------------------------------------
    async def message(self, message_id: str) -> StoredMessage:
        """Resends that are beyond the scope are left out, as is the parent's id."""
        await self._require(message_id)
        return (await self._near([await self._archive.message(message_id)]))[0]

    async def _near(self, found: Sequence[StoredMessage]) -> list[StoredMessage]:
        """The messages without the ids of related ones beyond the scope."""
        related = {id_ for one in found for id_ in (*one.children, one.message.parent_id) if id_}
        near = await self.within(list(related)) if related else set()
        return [_narrow(one, near) for one in found]

    async def captured(self, query: Query, *, after: int, until: int, limit: int) -> list[tuple[int, str]]:
        return await self._archive.captured(self._narrowed(query), after=after, until=until, limit=limit)

    async def whole(self, message_ids: Sequence[str], most: int) -> list[Whole]:
        near = await self.within(message_ids)
        found = await self._archive.whole([id_ for id_ in message_ids if id_ in near], most)
        narrowed = await self._near([one.stored for one in found])
        return [replace(one, stored=stored) for one, stored in zip(found, narrowed, strict=True)]

    async def holds_of(self, message_id: str) -> list[Hold]:
        return await self._archive.holds_of(message_id) if await self.within([message_id]) else []

    async def leaves_of(self, message_id: str) -> list[StoredLeaf]:
        await self._require(message_id)
        return await self._archive.leaves_of(message_id)

    async def listing(self, message_id: str) -> Listing:
        await self._require(message_id)
        return await self._archive.listing(message_id)

    async def content(self, message_id: str) -> bytes:
        await self._require(message_id)
        return await self._archive.content(message_id)

    async def content_chunks(self, message_id: str) -> AsyncIterator[bytes]:
        await self._require(message_id)
        async for chunk in self._archive.content_chunks(message_id):
            yield chunk

    async def search(
        self,
        query: Query,
        *,
        sort: Sort = NEWEST_FIRST,
        cursor: str | None = None,
        limit: int = 50,
        count_to: int | None = None,
    ) -> Page:
        narrowed = self._narrowed(query)
        return await self._archive.search(narrowed, sort=sort, cursor=cursor, limit=limit, count_to=count_to)

    async def count(self, query: Query, *, at_most: int = 10_000) -> int:
        return await self._archive.count(self._narrowed(query), at_most=at_most)

    async def estimate(self, query: Query, *, at_most: int = 10_000, seconds: float = 0.02) -> Estimate:
        return await self._archive.estimate(self._narrowed(query), at_most=at_most, seconds=seconds)

    async def values(self, field: str, start: str, *, most: int = 8) -> list[str]:
        """Only values of a message within the scope; of those that begin so, the first fifty are looked at."""
        found = await self._archive.values(field, start, most=LOOKED_AT)
        seen: list[str] = []
        for value in found:
            if len(seen) < most and await self.count(Query(Term(field, value, is_phrase=True)), at_most=1):
                seen.append(value)
        return seen

    async def newer(self, query: Query, seq: int, limit: int) -> list[Listing]:
        return await self._archive.newer(self._narrowed(query), seq, limit)

    async def older(self, query: Query, seq: int, limit: int) -> list[Listing]:
        return await self._archive.older(self._narrowed(query), seq, limit)

    def _narrowed(self, query: Query) -> Query:
        return within(query, self._scope)

    async def events(
        self, *, message_id: str | None = None, after: int = 0, limit: int = 1000, query: Query | None = None
    ) -> list[tuple[int, Event]]:
        """Only events about messages: none about people and settings."""
        narrowed = self._narrowed(query or EVERYTHING)
        return await self._archive.events(message_id=message_id, after=after, limit=limit, query=narrowed)

    def changes(self) -> AsyncIterator[Change]:
        return ScopedChanges(self, self._archive.changes())

    async def health(self) -> Health:
        """Without how much there is."""
        return replace(await self._archive.health(), messages=0, commits=0, committed_units=0, commit_seconds=0.0)

    async def progress(self) -> Progress:
        return await self._archive.progress()

    # -- what was reported and fetched -----------------------------------------------------------------------
    async def reports(self, message_id: str) -> list[StoredReport]:
        return await self._archive.reports(message_id) if await self.within([message_id]) else []

    async def tokens_of(self, message_id: str, *, delivery_id: str | None = None) -> list[Token]:
        if not await self.within([message_id]):
            return []
        return await self._archive.tokens_of(message_id, delivery_id=delivery_id)

    async def fetches(self, message_id: str, *, delivery_id: str | None = None) -> list[Fetch]:
        if not await self.within([message_id]):
            return []
        return await self._archive.fetches(message_id, delivery_id=delivery_id)

    # -- what waits ------------------------------------------------------------------------------------------
    async def waiting(self, wanted: WaitingFilter, *, cursor: str | None = None, limit: int = 50) -> WaitingPage:
        return await self._archive.waiting(waiting_within(wanted, self._scope), cursor=cursor, limit=limit)

    async def waiting_count(self, wanted: WaitingFilter, *, at_most: int = 10_000) -> int:
        return await self._archive.waiting_count(waiting_within(wanted, self._scope), at_most=at_most)

    async def waiting_groups(self, query: Query = EVERYTHING) -> list[WaitingGroup]:
        return await self._archive.waiting_groups(self._narrowed(query))

    async def waiting_of(self, delivery_ids: Sequence[str]) -> list[WaitingRow]:
        rows = await self._archive.waiting_of(delivery_ids)
        near = await self.within([row.delivery.message_id for row in rows])
        return [row for row in rows if row.delivery.message_id in near]

    async def change_waiting(self, changes: Sequence[Waiting], events: Sequence[Event]) -> list[str]:
        """One of another message is left alone, as one is that waits no more."""
        near = {row.delivery.id for row in await self.waiting_of([change.delivery.id for change in changes])}
        kept = [change for change in changes if change.delivery.id in near]
        told = [event for event in events if event.delivery_id in near]
        return await self._archive.change_waiting(kept, told)

    async def switches(self) -> Switches:
        """Pauses are of everybody's concern; modes of those applications only that are seen whole."""
        switches = await self._archive.switches()
        names = applications_within(self._scope)
        return replace(switches, modes={name: mode for name, mode in switches.modes.items() if name in names})

    # -- writing ---------------------------------------------------------------------------------------------
    async def add_message(
        self, message: Message, content: StoredContent, deliveries: Sequence[Delivery], events: Sequence[Event]
    ) -> None:
        """A new message must be within the scope, an edited one come from a message of the same application that is."""
        if message.parent_id:
            parent = await self.message(message.parent_id)
            is_near = parent.message.application == message.application
        else:
            is_near = may_write(self._scope, message)
        if not is_near:
            raise OutOfReach("A message of this application or sender is beyond what you may see.")
        about = {event.message_id for event in events} - {message.id, None}
        await self._require_all([str(message_id) for message_id in about])
        await self._archive.add_message(message, content, deliveries, events)

    async def add_deliveries(self, deliveries: Sequence[Delivery], events: Sequence[Event]) -> None:
        await self._require_all([delivery.message_id for delivery in deliveries])
        await self._archive.add_deliveries(deliveries, events)

    async def add_events(self, events: Sequence[Event]) -> None:
        await self._require_all([event.message_id for event in events if event.message_id])
        await self._archive.add_events(events)

    # -- deletion and tags -----------------------------------------------------------------------------------
    async def delete_content(self, orders: Sequence[Order]) -> list[Outcome]:
        await self._require_all([order.message_id for order in orders])
        return await self._archive.delete_content(orders)

    async def ask_deletion(self, request: Request, event: Event) -> bool:
        await self._require(request.message_id)
        return await self._archive.ask_deletion(request, event)

    async def refuse_deletion(self, request_id: str, answer: str, event: Event) -> bool:
        await self.deletion_request(request_id)
        return await self._archive.refuse_deletion(request_id, answer, event)

    async def deletion_request(self, request_id: str) -> Request:
        request = await self._archive.deletion_request(request_id)
        await self._require(request.message_id)
        return request

    async def deletion_requests(self, *, only_open: bool, before: str | None = None, limit: int = 50) -> list[Request]:
        found: list[Request] = []
        while len(found) < limit:
            some = await self._archive.deletion_requests(only_open=only_open, before=before, limit=limit)
            near = await self.within([request.message_id for request in some])
            found += [request for request in some if request.message_id in near]
            if len(some) < limit:
                break
            before = some[-1].id
        return found[:limit]

    async def open_deletion_request(self, message_id: str) -> Request | None:
        return await self._archive.open_deletion_request(message_id) if await self.within([message_id]) else None

    async def deeds(
        self,
        which: Deeds = EVERY_DEED,
        *,
        before: tuple[int, int] | None = None,
        limit: int = 50,
        query: Query | None = None,
    ) -> list[tuple[int, Event]]:
        """Only what was done with messages: nothing about people and settings."""
        narrowed = self._narrowed(query or EVERYTHING)
        return await self._archive.deeds(which, before=before, limit=limit, query=narrowed)

    async def change_tags(
        self, message_ids: Sequence[str], add: Sequence[str], remove: Sequence[str], events: Sequence[Event]
    ) -> list[str]:
        await self._require_all(message_ids)
        return await self._archive.change_tags(message_ids, add, remove, events)

    # -- people ----------------------------------------------------------------------------------------------
    async def session(self, token_hash: bytes, now: int) -> WebSession | None:
        """Whoever has the token's hash has the session."""
        return await self._archive.session(token_hash, now)

    async def applications(self) -> list[ApplicationRecord]:
        names = applications_within(self._scope)
        return [record for record in await self._archive.applications() if record.name in names]

    # -- how they look at messages ---------------------------------------------------------------------------
    async def preferences(self, user: str) -> dict[str, Any]:
        return await self._archive.preferences(user)

    async def put_preference(self, user: str, key: str, value: Any) -> None:
        await self._archive.put_preference(user, key, value)

    async def views(self, user: str) -> list[View]:
        return await self._archive.views(user)

    async def put_view(self, view: View) -> None:
        await self._archive.put_view(view)

    async def remove_view(self, view_id: str) -> None:
        await self._archive.remove_view(view_id)

    async def mailings(self, query: Query, *, cursor: str | None = None, limit: int = 50) -> MailingPage:
        return await self._archive.mailings(within(query, self._scope), cursor=cursor, limit=limit)

    async def mailing(self, mailing_id: int, query: Query) -> Mailing:
        return await self._archive.mailing(mailing_id, within(query, self._scope))

    async def copies(self, query: Query, *, cursor: str | None = None, limit: int = 50) -> CopyPage:
        return await self._archive.copies(within(query, self._scope), cursor=cursor, limit=limit)

    async def place(self, query: Query, at: int) -> str:
        return await self._archive.place(within(query, self._scope), at)

    # -- what no scope can narrow ----------------------------------------------------------------------------
    async def _refused(self, *_arguments: Any, **_named: Any) -> Any:
        raise OutOfReach("This is about all messages; you may see some of them only.")

    # The server's own rooms.
    close = renew = begin_attempts = finish_attempts = release = recover = wait_for_due = _refused
    claim = park = next_due = is_any_expired = forget_lanes = earlier_copies = _refused
    claim_key = give_up_key = _refused
    unindexed = wait_for_unindexed = add_summaries = reindex = rereading = to_reread = reread = _refused
    make_hold = place_hold = lift_hold = end_hold = hold = holds = held_messages = use_term = _refused
    mentions = erasures = erasure = ask_erasure = decide_erasure = end_erasure = erase_messages = erase_rows = _refused
    settled = encryption_state = encryption_settled = is_encrypting = encrypt_all = rotate_keys = _refused
    note_encryption = erase_facts = late_facts = _refused
    add_imported = add_spooled = known_messages = _refused
    leaves_at = tile = ledger_entries = add_checkpoint = add_stamp = _refused
    add_payload = unmapped = mapping_failed = add_reports = match_reports = unmatched_payloads = _refused
    tracking_token = tracking_tokens = add_fetches = clicks_near = link_counts = _refused
    fetches_judged_before = judge = _refused
    use_endpoints = cursors = facts = add_notifications = due_notifications = finish_notifications = _refused
    forget_notifications = _refused
    look_for_changes = days_to_count = count_day = _refused
    # What is of no one message.
    queue_facts = put_switches = change_setting = payload = told_of = rates = latest_capture = _refused
    endpoints = notifications = replay = try_endpoint = _refused
    account = roles = put_role = remove_role = groups = put_group = remove_group = _refused
    users = user = put_user = remove_user = add_session = remove_session = _refused
    tokens = token = add_token = remove_token = _refused
    # Who signs in is found out before anybody has a scope.
    second_factor = put_second_factor = remove_second_factor = use_step = _refused
    recovery_codes = put_recovery_codes = use_recovery_code = remove_factors = _refused
    passkeys = passkey = add_passkey = rename_passkey = remove_passkey = use_passkey = _refused
    identity = identities = add_identity = remove_identity = _refused
    sessions = see_session = strengthen_session = end_sessions = _refused
    put_application = remove_application = setting = put_setting = _refused


class ScopedChanges(AsyncIterator[Change]):
    """The changes of messages within the scope. A reader that stops waiting for one misses none."""

    def __init__(self, archive: ScopedArchive, changes: AsyncIterator[Change]) -> None:
        self._archive = archive
        self._changes = changes
        self._taken: Change | None = None

    async def __anext__(self) -> Change:
        while True:
            if self._taken is None:
                self._taken = await anext(self._changes)
            change = self._taken
            is_near = bool(await self._archive.within([change.message_id]))
            self._taken = None
            if is_near:
                return change


def _narrow(stored: StoredMessage, near: set[str]) -> StoredMessage:
    """The message without ids of others that are not `near`."""
    message = stored.message if stored.message.parent_id in near else replace(stored.message, parent_id=None)
    return replace(stored, message=message, children=tuple(child for child in stored.children if child in near))
