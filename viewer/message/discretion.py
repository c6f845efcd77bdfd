"""The archive as someone sees it who may not see everything of a message: without bodies, attachments, or secrets.

The one place where it is taken out: handlers get a message with what may not be seen gone, rows without snippets, links
and facts with secrets hidden. What only the true octets are good for (downloads, edited copies, the copy as sent) is
refused. All other methods are handed on. Which messages are seen is decided before (`relay/archive/scoped.py`).
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, cast

from relay.archive.api import Archive, Change, OutOfReach
from relay.archive.api.waiting import WaitingFilter
from relay.archive.query import And, Node, Not, Or, Query, Term
from relay.model.access import Permission
from relay.model.delivery import Attempt, Delivery
from relay.model.event import Event
from relay.model.message import Message
from viewer.message.masking import Rule, masked, masked_snippet, withheld
from viewer.translation import say

HIDDEN = say("Secrets in this message are hidden from you, so you cannot have the original. Ask an administrator.")
NOT_WHOLE = say("You may not see all of a message, so you cannot have the original.")
NO_ORIGINALS = say("You may not see all of these messages, so they cannot be exported whole; choose CSV.")
ELSEWHERE = ("from", "to", "cc", "recipient", "sender", "subject", "filename")
"""Where a word is looked for by those who may not see bodies."""
AS_THEY_ARE = (str, bytes, int, Attempt, Delivery, Message, Change)
"""Values that quote nothing of a message's text, or are no field of one that does."""


@dataclass(frozen=True, slots=True)
class Discretion:
    """What is not shown. `rules`: none for those who may see secrets."""

    rules: tuple[Rule, ...]
    bodies: bool
    attachments: bool

    @property
    def is_needed(self) -> bool:
        return bool(self.rules) or not self.bodies or not self.attachments

    def shown(self, value: Any) -> Any:
        """A value that the archive gave, with what may not be seen taken out."""
        if isinstance(value, AS_THEY_ARE):
            return value
        if isinstance(value, Event):
            return replace(value, data=self._texts(value.data)) if self.rules else value
        if is_dataclass(value) and not isinstance(value, type):
            return self._dataclass(value)
        if isinstance(value, Mapping):
            return {key: self.shown(one) for key, one in value.items()}
        if isinstance(value, tuple) and type(value) is tuple:
            return tuple(self.shown(one) for one in value)
        return [self.shown(one) for one in value] if isinstance(value, list) else value

    def _dataclass(self, value: Any) -> Any:
        changed: dict[str, Any] = {}
        for field in fields(value):
            old = getattr(value, field.name)
            hide = _TEXTS.get(field.name) if isinstance(old, str) else None
            new = hide(self, old) if hide else self.shown(old)
            if new is not old and new != old:
                changed[field.name] = new
        return replace(value, **changed) if changed else value

    def _texts(self, value: Any) -> Any:
        if isinstance(value, str):
            return masked(value, self.rules, "body", "headers", "subject")
        if isinstance(value, Mapping):
            return {key: self._texts(one) for key, one in value.items()}
        return [self._texts(one) for one in value] if isinstance(value, list | tuple) else value

    def subject(self, text: str) -> str:
        return masked(text, self.rules, "subject", "headers")

    def snippet(self, text: str) -> str:
        return masked_snippet(text, self.rules) if self.bodies else ""

    def body(self, text: str) -> str:
        return masked(text, self.rules, "body") if self.bodies else ""

    def header(self, text: str) -> str:
        return masked(text, self.rules, "headers")

    def query(self, query: Query) -> Query:
        """The query that does not tell whether a word is in a body, if they may not be seen."""
        return query if self.bodies else Query(_without_bodies(query.root))

    def asked(self, value: Any) -> Any:
        """An argument, narrowed."""
        if isinstance(value, Query):
            return self.query(value)
        return replace(value, query=self.query(value.query)) if isinstance(value, WaitingFilter) else value

    def content(self, content: bytes) -> bytes:
        return withheld(content, self.rules, bodies=self.bodies, attachments=self.attachments)


_TEXTS: dict[str, Callable[[Discretion, str], str]] = {
    "subject": Discretion.subject,
    "snippet": Discretion.snippet,
    "body_text": Discretion.body,
    "header_text": Discretion.header,
    "url": Discretion.body,
}
"""Fields of the archive's values that quote a message. The address of a tracked link stands in a body."""


def _without_bodies(node: Node) -> Node:
    match node:
        case Term(field="body"):
            return Or(())
        case Term(field=""):
            return Or(tuple(replace(node, field=field) for field in ELSEWHERE))
        case Not(inner):
            return Not(_without_bodies(inner))
        case And(nodes):
            return And(tuple(map(_without_bodies, nodes)))
        case Or(nodes):
            return Or(tuple(map(_without_bodies, nodes)))
        case _:
            return node


class Discreet:
    """An archive with `discretion`. Made by `discreet`."""

    def __init__(self, archive: Archive, discretion: Discretion) -> None:
        self._archive = archive
        self._discretion = discretion

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._archive, name)
        asked, shown = self._discretion.asked, self._discretion.shown

        async def answered(answer: Any) -> Any:
            return shown(await answer)

        async def each(answers: AsyncIterator[Any]) -> AsyncIterator[Any]:
            async for answer in answers:
                yield shown(answer)

        def call(*arguments: Any, **named: Any) -> Any:
            answer = method(*map(asked, arguments), **{key: asked(value) for key, value in named.items()})
            return answered(answer) if inspect.isawaitable(answer) else each(answer)

        return call

    def changes(self) -> AsyncIterator[Change]:
        return self._archive.changes()

    async def content(self, message_id: str) -> bytes:
        """The message as it may be seen."""
        return await asyncio.to_thread(self._discretion.content, await self._archive.content(message_id))

    async def original(self, message_id: str) -> bytes:
        """The true octets. Raises OutOfReach where some of them may not be seen."""
        content = await self._archive.content(message_id)
        if await asyncio.to_thread(self._discretion.content, content) != content:
            is_whole = self._discretion.bodies and self._discretion.attachments
            raise OutOfReach(HIDDEN if is_whole else NOT_WHOLE)
        return content

    async def content_chunks(self, message_id: str) -> AsyncIterator[bytes]:
        yield await self.original(message_id)

    async def whole(self, message_ids: Sequence[str], most: int) -> Any:
        """Many messages with their true octets: not for them."""
        raise OutOfReach(NO_ORIGINALS)

    async def payload(self, payload_id: str) -> Any:
        """What a provider sent may quote any message."""
        raise OutOfReach(NO_ORIGINALS.partition(";")[0] + ".")


def discreet(archive: Archive, permissions: frozenset[Permission], rules: tuple[Rule, ...]) -> Archive:
    """The archive as it is seen with these permissions."""
    discretion = Discretion(
        () if Permission.SECRETS in permissions else rules,
        Permission.BODY in permissions,
        Permission.ATTACHMENTS in permissions,
    )
    return cast(Archive, Discreet(archive, discretion)) if discretion.is_needed else archive


async def original(archive: Archive, message_id: str) -> bytes:
    """The true octets of a message, for what is of no use without them. Raises NotFound, Gone, OutOfReach."""
    return await (archive.original(message_id) if isinstance(archive, Discreet) else archive.content(message_id))


async def whole_in_pieces(archive: Archive, message_id: str) -> AsyncIterator[bytes]:
    """The same, piece by piece. Raises here, not at the first piece: an answer that has begun cannot be refused."""
    if not isinstance(archive, Discreet):
        return archive.content_chunks(message_id)
    content = await archive.original(message_id)

    async def pieces() -> AsyncIterator[bytes]:
        yield content

    return pieces()


def require_originals(archive: Archive) -> None:
    """Raises OutOfReach for those who may not have messages whole."""
    if isinstance(archive, Discreet):
        raise OutOfReach(NO_ORIGINALS)
