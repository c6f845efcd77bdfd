"""Messages handed in by HTTP: the same modes, limits, rules and commit as those that come by SMTP.

Does not know HTTP (`viewer/api/submit.py`) and does not make messages. An idempotency key stands for one message: its
id is claimed before the message is written, so that who repeats the request after any failure makes or finds that one.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from relay import maillog
from relay.archive.api import ArchiveUnavailable, NotFound, StoredMessage
from relay.archive.api.idempotency import Claim
from relay.archive.content import stored
from relay.intake.credentials import Directory, KnownApplication
from relay.intake.lobby import Lobby
from relay.intake.records import Records, records
from relay.model.delivery import Delivery
from relay.model.handing import AddMessage, Handed, NotTaken, Taken
from relay.model.message import Message, Reception
from relay.rendition.instructions import Unreadable, find, understood
from relay.rendition.traits import traits_of

KEY_KEPT = 24 * 3600 * 1_000_000
"""Microseconds for which a key stands for its message."""
UNAVAILABLE = 503
IN_PROGRESS = NotTaken(409, "A request with this key is being answered at this moment.", "Idempotency-Key")
OTHER_REQUEST = NotTaken(422, "This key was used for another request.", "Idempotency-Key")


class HandingCounter:
    """See `model.handing.Counter`. Shares everything with the SMTP sessions of its lobby."""

    def __init__(self, lobby: Lobby) -> None:
        self._lobby = lobby
        self._busy: set[tuple[str, str]] = set()

    def sign_in(self, username: str, secret: str) -> str | None:
        application = self._directory.sign_in(username, secret.encode("utf-8", "replace"))
        return application.name if application is not None else None

    def knows(self, application: str) -> bool:
        return self._directory.named(application) is not None

    @property
    def _directory(self) -> Directory:
        return self._lobby.directory

    async def take(self, handed: Handed, add_message: AddMessage | None = None) -> Taken | NotTaken:
        work = self._take(handed, add_message or self._lobby.archive.add_message)
        task = asyncio.get_running_loop().create_task(work)
        self._lobby.handings.add(task)
        task.add_done_callback(self._lobby.handings.discard)
        return await asyncio.shield(task)

    async def _take(self, handed: Handed, add: AddMessage) -> Taken | NotTaken:
        if not handed.key:
            return await self._keep(handed, self._lobby.new_id(), add)
        place = (handed.owner, handed.key)
        if place in self._busy:
            return IN_PROGRESS
        self._busy.add(place)
        try:
            return await self._once(handed, add)
        finally:
            self._busy.discard(place)

    async def _once(self, handed: Handed, add: AddMessage) -> Taken | NotTaken:
        now = self._lobby.clock()
        wanted = Claim(handed.owner, handed.key, handed.digest, self._lobby.new_id(), now)
        claim = await self._lobby.archive.claim_key(wanted, forget_before=now - KEY_KEPT)
        if claim.digest != handed.digest:
            return OTHER_REQUEST
        if claim.message_id != wanted.message_id:
            # The same request came before. It may have ended between its two commits: then it is made now.
            try:
                return _found(await self._lobby.archive.message(claim.message_id))
            except NotFound:
                pass
        is_over = True
        try:
            answer = await self._keep(handed, claim.message_id, add)
            # Not kept for all we know: if it was, the same request finds it, and else makes it.
            is_over = isinstance(answer, NotTaken) and answer.status != UNAVAILABLE
        finally:
            if is_over:
                await self._lobby.archive.give_up_key(claim)
        return answer

    async def _keep(self, handed: Handed, message_id: str, add: AddMessage) -> Taken | NotTaken:
        application = self._directory.named(handed.application)
        refusal = self._refusal(handed, application)
        if application is None or refusal is not None:
            return refusal or NotTaken(400, "There is no such application.", "application")
        limit, lobby = application.max_messages_per_hour, self._lobby
        if limit and (seconds := lobby.rates.take(application.name, limit, lobby.clock())):
            return NotTaken(429, f"{application.name} may send {limit} messages an hour.", retry_after=seconds)
        answer: Taken | NotTaken = NotTaken(UNAVAILABLE, "The message could not be kept; nothing was sent.")
        try:
            answer = await self._written(handed, application, message_id, add)
        finally:
            if limit and isinstance(answer, NotTaken):
                lobby.rates.give_back(application.name)
        return answer

    def _refusal(self, handed: Handed, application: KnownApplication | None) -> NotTaken | None:
        if application is None:
            return NotTaken(400, "There is no such application.", "application")
        if self._lobby.is_stopping:
            return NotTaken(UNAVAILABLE, "The server is stopping; nothing was sent.")
        if not application.may_send_as(handed.envelope.sender):
            return NotTaken(403, f"{application.name} may not send as <{handed.envelope.sender}>.", "from")
        if len(handed.envelope.recipients) > self._lobby.smtp.max_recipients:
            return NotTaken(400, f"A message has {self._lobby.smtp.max_recipients} recipients at most.", "to")
        if len(handed.content) > self._lobby.smtp.max_message_size:
            return NotTaken(413, f"A message has {self._lobby.smtp.max_message_size} octets at most.")
        return None

    async def _written(
        self, handed: Handed, application: KnownApplication, message_id: str, add: AddMessage
    ) -> Taken | NotTaken:
        """After commit 1. If we crash before it: nothing was kept, and the key makes the same message when repeated."""
        content = await asyncio.to_thread(stored, handed.content)
        try:
            message, deliveries, events = self._records(handed, application, message_id, content.sha256)
        except Unreadable as cause:
            return NotTaken(400, str(cause), "headers")
        began = asyncio.get_running_loop().time()
        try:
            await add(message, content, deliveries, events)
        except ArchiveUnavailable as cause:
            maillog.message_not_kept(message.id, handed.peer, cause)
            return NotTaken(UNAVAILABLE, "The message could not be kept; nothing was sent.")
        maillog.message_accepted(message, asyncio.get_running_loop().time() - began)
        return Taken(message.id, _summary(deliveries))

    def _records(self, handed: Handed, application: KnownApplication, message_id: str, sha256: bytes) -> Records:
        lobby = self._lobby
        head = handed.content.partition(b"\r\n\r\n")[0] + b"\r\n"
        message = Message(
            id=message_id,
            received_at=lobby.clock(),
            application=application.name,
            mode=application.mode,
            envelope=handed.envelope,
            reception=Reception(peer=handed.peer, helo="", protocol="HTTP", listener="viewer"),
            size=len(handed.content),
            sha256=sha256,
            traits=traits_of(handed.content),
            tags=tuple(dict.fromkeys((*application.tags, *handed.tags))),
        )
        asked = understood(find(head), lobby.clock())
        made = records(message, application, asked, new_id=lobby.new_id, expire_after=lobby.expire_after)
        if handed.owner == f"application:{application.name}":
            return made
        kept, deliveries, events = made
        return kept, deliveries, tuple(replace(event, actor=handed.owner) for event in events)


def _found(kept: StoredMessage) -> Taken:
    return Taken(kept.message.id, _summary(kept.deliveries), is_repeated=True)


def _summary(deliveries: tuple[Delivery, ...]) -> dict[str, tuple[str, str]]:
    return {one.id: (one.recipient.address, one.state.value) for one in deliveries}
