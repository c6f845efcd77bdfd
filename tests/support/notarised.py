"""Keys of a log, its checkpoints signed when asked for, and messages in an archive with all that evidence can be of."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

from relay.archive.api import Archive, Closing
from relay.archive.api.ledger import StoredCheckpoint
from relay.archive.content import stored
from relay.ledger.checkpoint import Checkpoint
from relay.ledger.layout import evidence_name
from relay.ledger.note import KeyType, Signer, Verifier, sign_note
from relay.ledger.policy import Log, Policy, Witness
from relay.model.delivery import State
from relay.model.edit import Edit
from relay.model.event import Event, Kind
from relay.model.message import Message
from relay.model.reply import Reply
from relay.model.report import ReportKind
from relay.model.signature import Algorithm, Alignment, Signature
from relay.model.token import Token, TokenKind
from relay.notary.evidence import Asked, Evidence
from relay.rendition.edit import splice
from tests.support.archive_reports import a_payload, a_report, reported
from tests.support.archive_values import NOON, SECOND, a_message, an_attempt, captured_event, deliveries_of, new_id

ORIGIN = "mail.example.com/log"
LETTER = b"From: Shop <shop@example.com>\r\nTo: Jane <jane@example.com>\r\nSubject: Invoice 7\r\n\r\nPlease pay.\r\n"
WITNESS = Signer.from_seed("witness.example/north", b"w" * 32, KeyType.COSIGNATURE)


@dataclass
class OwnKeys:
    """`seeds`: of the keys, today's first."""

    seeds: tuple[bytes, ...] = (bytes(range(32)),)
    is_witnessed: bool = False
    origin: str = ORIGIN

    @property
    def _all(self) -> list[Signer]:
        return [Signer.from_seed(self.origin, seed) for seed in self.seeds]

    def signers(self) -> Sequence[Signer]:
        return self._all[:1]

    def evidence_signers(self) -> Sequence[Signer]:
        return [Signer.from_seed(evidence_name(self.origin), self.seeds[0])]

    def verifiers(self) -> Sequence[Verifier]:
        return [signer.verifier for signer in self._all]

    @property
    def policy(self) -> Policy:
        logs = (Log(self.signers()[0].verifier),)
        return (
            Policy(logs, (Witness("north", WITNESS.verifier),), quorum="north") if self.is_witnessed else Policy(logs)
        )


@dataclass
class Notarised:
    """An archive whose log is signed each time somebody asks for it. `cosigned`: the witness signs too."""

    archive: Archive
    keys: OwnKeys = field(default_factory=OwnKeys)
    cosigned: bool = False

    async def checkpoint(self) -> StoredCheckpoint:
        head = await self.archive.ledger_head()
        signers = [*self.keys.signers(), *([WITNESS] if self.cosigned else [])]
        text = Checkpoint(ORIGIN, head.size, head.root).encode()
        kept = StoredCheckpoint(head.size, NOON, sign_note(text, signers, time=NOON // SECOND))
        await self.archive.add_checkpoint(kept)
        return kept

    @property
    def evidence(self) -> Evidence:
        async def keys() -> OwnKeys:
            return self.keys

        return Evidence(self.archive, keys, self.checkpoint)

    async def bundle(self, *ids: str, **more: object) -> bytes:
        """The bundle about these messages."""
        asked = Asked(each(*ids), "user:ann", NOON, **more)  # type: ignore[arg-type]
        return b"".join([piece async for piece in self.evidence.bundle(asked)])


async def each(*ids: str) -> AsyncIterator[str]:
    for one in ids:
        yield one


async def keep(archive: Archive, number: int = 1, *recipients: str, content: bytes = LETTER) -> Message:
    """A message as it is captured."""
    ready = stored(content)
    message = a_message(number, content=ready, recipients=recipients or ("jane@example.com",))
    await archive.add_message(message, ready, deliveries_of(message), [captured_event(message)])
    return message


async def send(archive: Archive, message: Message, content: bytes = LETTER) -> None:
    """Sent to each recipient in a signed and tracked copy, and taken."""
    claims = await archive.claim("me", NOON + 3600 * SECOND, NOON + 7200 * SECOND, 100)
    deliveries = [one for claim in claims for one in claim.deliveries if one.message_id == message.id]
    edits = (Edit(0, 0, b"Received: by us\r\n", "trace"), Edit(len(content), len(content), b"\r\n", "tracking"))
    wire = splice(content, edits)
    signature = Signature("example.com", "s1", Algorithm.ED25519, "AAAA", Alignment.STRICT)
    attempts = [
        replace(
            an_attempt(delivery, 1, edits),
            wire_sha256=hashlib.sha256(wire).digest(),
            wire_size=len(wire),
            signatures=(signature,),
        )
        for delivery in deliveries
    ]
    tokens = [
        Token(new_id(), one.id, message.id, TokenKind.CLICK, NOON, "https://example.com/pay") for one in deliveries
    ]
    await archive.begin_attempts(attempts, tokens)
    reply = Reply(250, "ok queued as 7", "2.0.0")
    closings = []
    for attempt, delivery in zip(attempts, deliveries, strict=True):
        ended = replace(
            attempt,
            finished_at=NOON + SECOND,
            reply=reply,
            peer="192.0.2.1:587",
            tls_version="TLSv1.3",
            provider_id=f"p-{message.id}",
        )
        after = replace(delivery, state=State.SENT, attempts=1, due_at=None, reply=reply, upstream=attempt.upstream)
        event = Event(new_id(), NOON, Kind.SENT, "upstream:u", message.id, delivery.id, data={"attempt": attempt.id})
        closings.append(Closing(ended, after, event))
    await archive.finish_attempts(closings)


async def report(archive: Archive, number: int, *messages: Message, body: bytes = b'{"delivered":1}') -> str:
    """One payload that tells of these messages' delivery; its id."""
    payload = a_payload(number, body=body)
    reports = [
        a_report(payload, ReportKind.DELIVERED, key=f"{number}-{message.id}", provider_id=f"p-{message.id}")
        for message in messages
    ]
    await reported(archive, payload, *reports)
    return payload.id


async def view(archive: Archive, message: Message) -> None:
    await archive.add_events([Event(new_id(), NOON + 2 * SECOND, Kind.VIEWED, "user:ann", message.id)])
