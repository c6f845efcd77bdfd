"""Mail to the return paths, as it comes by SMTP: taken for tokens that we gave out, kept before it is answered 250.

The door of an `Intake` of its own (`intake/door.py`): the session, its limits and its manners are the intake's. Nothing
is read here: the mapper does that, woken after each mail. Never relays, never answers to anybody but the client.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from relay import maillog
from relay.archive.api import Archive, ArchiveUnavailable, StoredContent
from relay.archive.api.report import Keeping
from relay.archive.content import joined
from relay.feedback.returnpath import ReturnPaths
from relay.model.event import Grade
from relay.model.message import Envelope, Reception
from relay.model.reply import Reply
from relay.model.report import Payload
from relay.model.token import TokenKind

SOURCE = "bounce"
NO_SUCH_PATH = Reply(550, "no such return path here", "5.1.1")
NOT_KEPT = Reply(451, "message could not be kept, try again later", "4.3.0")
FULL = Reply(452, "no space left to keep the message, try again later", "4.3.1")
KEPT = Reply(250, "kept", "2.0.0")
VERDICT = "came to the return path of one copy, whose token nobody else knows; the mail itself is not signed"


class Arrived(Protocol):
    """What the intake hands over: `intake.door.Arrival`."""

    @property
    def envelope(self) -> Envelope: ...
    @property
    def reception(self) -> Reception: ...
    @property
    def content(self) -> StoredContent: ...


class ReturnDoor:
    """`kept`: called after a mail was kept."""

    def __init__(
        self,
        paths: ReturnPaths,
        *,
        archive: Archive,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        kept: Callable[[], None],
    ) -> None:
        self._paths = paths
        self._archive = archive
        self._clock = clock
        self._new_id = new_id
        self._kept = kept

    def use(self, paths: ReturnPaths) -> None:
        """Others from now on."""
        self._paths = paths

    async def refusal(self, address: str) -> Reply | None:
        return None if await self._token(address) else NO_SUCH_PATH

    async def keep(self, arrival: Arrived) -> Reply:
        """250 after the mail is kept, once for each return path that it came to."""
        body = joined(list(arrival.content.frames))
        addresses = dict.fromkeys(recipient.address for recipient in arrival.envelope.recipients)
        try:
            for address in addresses:
                await self._keep_one(arrival, body, self._paths.token(address) or "")
        except ArchiveUnavailable as cause:
            maillog.room_failed("return paths", cause)
            return FULL if cause.is_full else NOT_KEPT
        except Exception as cause:
            maillog.room_failed("return paths", cause)
            return NOT_KEPT
        self._kept()
        return KEPT

    async def _keep_one(self, arrival: Arrived, body: bytes, token: str) -> None:
        payload = Payload(
            id=self._new_id(),
            received_at=self._clock(),
            source=SOURCE,
            grade=Grade.UNSIGNED,
            verdict=VERDICT,
            headers={
                "mail-from": arrival.envelope.sender,
                "helo": arrival.reception.helo,
                "protocol": arrival.reception.protocol,
            },
            body=body,
            peer=arrival.reception.peer,
            return_token=token,
        )
        keeping = await self._archive.add_payload(payload)
        maillog.payload_kept(payload, is_known=keeping is Keeping.KNOWN)

    async def _token(self, address: str) -> str | None:
        token = self._paths.token(address)
        found = await self._archive.tracking_token(token) if token else None
        return found.id if found is not None and found.kind is TokenKind.RETURN else None
