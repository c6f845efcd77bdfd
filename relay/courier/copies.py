"""The copies of one message for one upstream: one that all recipients share, or one for each.

A copy of its own has who is to be told apart: by pixel and links, by the return path, by what the provider reports, by
the address to unsubscribe at; and who stands in for another (mode redirect). A token in a shared copy could not tell
who it was, and would tell the others of it. Without such a wish nothing is parsed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from relay.config import Upstream
from relay.courier.desk import Desk
from relay.courier.ledger import Copy
from relay.courier.marking import failure, tokens_of
from relay.courier.rendering import Rendition, render
from relay.model.delivery import Delivery
from relay.model.edit import Edit
from relay.model.event import Event, Kind
from relay.model.message import Message
from relay.model.token import Token, TokenKind
from relay.rendition.addition import original_edits, reason_without_unsubscribe, unsubscribe_edits
from relay.rendition.edit import merge
from relay.rendition.metadata import Place, place
from relay.rendition.tracking import Survey

Made = TypeVar("Made")

LARGE = 128 * 1024
"""Octets from which rendering is done in a thread."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What sets one recipient's copy apart from another's."""

    tracking: Survey | None = None
    identifier: Place | None = None
    unsubscribe_at: str = ""
    """The base of the address; '': the message gets none."""
    return_domain: str = ""

    @property
    def are_any(self) -> bool:
        is_tracked = self.tracking is not None and bool(self.tracking.pages)
        return is_tracked or self.identifier is not None or bool(self.unsubscribe_at or self.return_domain)

    @property
    def reasons(self) -> list[str]:
        """What was left alone, in words."""
        reasons = list(self.tracking.skipped) if self.tracking is not None else []
        return reasons + ([self.identifier.reason] if self.identifier is not None and self.identifier.reason else [])


class Copies:
    """Made once the content is in memory; `of` gives the copies one after the other."""

    def __init__(self, desk: Desk, upstream: Upstream, message: Message, content: bytes) -> None:
        self._desk, self._upstream, self._message, self._content = desk, upstream, message, content
        self._plain: Rendition | None = None

    async def of(self, deliveries: Sequence[Delivery]) -> AsyncIterator[Copy]:
        """Each delivery in one copy. Raises ValueError, SigningFailed, ArchiveError."""
        wishes, refused = await self._wishes()
        if not any(delivery.attempts for delivery in deliveries):
            await self._explain([*wishes.reasons, *refused])
        if not wishes.are_any and all(delivery.original is None for delivery in deliveries):
            yield Copy(tuple(deliveries), await self._render(()))
            return
        for delivery in deliveries:
            yield await self._copy(delivery, wishes)

    async def _wishes(self) -> tuple[Wishes, list[str]]:
        """What the configuration asks for this message, and what of it is refused and why."""
        marking, provider = self._desk.marking, self._upstream.provider
        if marking is None and not provider:
            return Wishes(), []
        found = await self._long(marking.survey, self._message, self._content) if marking else None
        spot = await self._long(place, self._content, provider.value) if provider else None
        base = marking.unsubscribe_base(self._message, self._content) if marking else ""
        refusal = reason_without_unsubscribe(self._content) if base else ""
        domain = marking.bounces.domain if marking and self._message.envelope.sender else ""
        return Wishes(found, spot, "" if refusal else base, domain), [refusal] if refusal else []

    async def _copy(self, delivery: Delivery, wishes: Wishes) -> Copy:
        now, marking = self._desk.clock(), self._desk.marking
        tokens: list[Token] = []
        steps: list[Sequence[Edit]] = []
        sender = None
        if delivery.original is not None:
            steps.append(original_edits(delivery.original))
        if wishes.unsubscribe_at and marking:
            tokens.append(self._token(marking.new_token(), delivery, TokenKind.UNSUBSCRIBE, now))
            steps.append(unsubscribe_edits(f"{wishes.unsubscribe_at}/u/{tokens[-1].id}"))
        if wishes.identifier is not None:
            steps.append(wishes.identifier.edits(delivery.id))
        if wishes.return_domain and marking:
            tokens.append(self._token(marking.new_return_token(), delivery, TokenKind.RETURN, now))
            sender = f"{marking.bounces.local_part}+{tokens[-1].id}@{wishes.return_domain}"
        if wishes.tracking is not None and wishes.tracking.pages and marking:
            try:
                tracked = await self._long(wishes.tracking.copy, marking.new_token)
                rendition = await self._render((*steps, tracked.edits))
                tokens += tokens_of(tracked.tokens, self._message.id, delivery.id, now)
                return Copy((delivery,), rendition, tuple(tokens), sender)
            except ValueError as error:
                if not delivery.attempts:
                    await self._explain([failure(error)])
        return Copy((delivery,), await self._render(steps), tuple(tokens), sender)

    def _token(self, id: str, delivery: Delivery, kind: TokenKind, now: int) -> Token:
        return Token(id, delivery.id, self._message.id, kind, now)

    async def _render(self, steps: Sequence[Sequence[Edit]]) -> Rendition:
        """The copy with these edits; the one without any is made once."""
        edits = merge(*steps)
        if edits:
            return await self._rendered(edits)
        if self._plain is None:
            self._plain = await self._rendered(())
        return self._plain

    async def _rendered(self, edits: tuple[Edit, ...]) -> Rendition:
        desk = self._desk
        arguments = (desk.settings.trace, desk.hostname, desk.signer, desk.clock(), edits)
        return await self._long(render, self._message, self._content, *arguments)

    async def _explain(self, reasons: Sequence[str]) -> None:
        """Writes down, when the message is first sent, what was left alone and why."""
        if not reasons:
            return
        event = Event(
            id=self._desk.new_id(),
            at=self._desk.clock(),
            kind=Kind.NOT_TRACKED,
            actor="relay",
            message_id=self._message.id,
            data={"reasons": list(reasons)},
        )
        await self._desk.archive.add_events([event])

    async def _long(self, work: Callable[..., Made], *arguments: Any) -> Made:
        """What `work` makes of `arguments`; in a thread if the content is large."""
        if len(self._content) < LARGE:
            return work(*arguments)
        return await asyncio.to_thread(work, *arguments)
