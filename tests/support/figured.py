"""An archive of random mail in every state, for the figures, and the figures counted one by one in Python."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from ulid import ULID

from relay.archive.api import Archive, Closing
from relay.archive.content import stored
from relay.model.delivery import Attempt, Delivery, State
from relay.model.event import Event, Kind
from relay.model.fetch import Fetch, Verdict
from relay.model.figure import DAY, Sums, subject_pattern
from relay.model.message import Envelope, Message, Mode, Reception, Recipient
from relay.model.reply import Reply
from relay.model.signature import Algorithm, Alignment, Signature
from relay.model.summary import Addressee, Summary
from relay.model.token import Token, TokenKind

FIRST = 20_600
"""A day."""
DAYS = 5
APPLICATIONS = ("shop", "crm", "billing")
AUTHORS = ("ann@example.com", "bob@example.com", "news@mail.example.org", "")
TAGS = ("spring", "summer")
SUBJECTS = ("Your invoice INV-{}", "Welcome", "Offer {} for you")
PLACES = ("gmail.com", "example.net", "Example.NET")
AT_REST = (State.CAPTURED, State.HELD, State.SUPPRESSED, State.CANCELLED)
REPLIES = {
    State.SENT: Reply(250, "ok", "2.0.0"),
    State.FAILED: Reply(550, "no such user", "5.1.1"),
    State.DEFERRED: Reply(451, "later", "4.7.0"),
}


@dataclass
class Piece:
    """One message of the archive, with all that was put in about it."""

    message: Message
    author: str
    tags: tuple[str, ...]
    subject: str
    deliveries: list[Delivery]
    attempts: list[Attempt]
    tokens: list[Token]
    fetches: list[Fetch]

    @property
    def day(self) -> int:
        return self.message.received_at // DAY


class Mill:
    """Makes pieces; the same seed makes the same."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self._last = seed << 40

    def new_id(self) -> str:
        self._last += 1
        return str(ULID.from_int(self._last))

    async def fill(self, archive: Archive, count: int) -> list[Piece]:
        return [await self.add(archive) for _ in range(count)]

    async def add(self, archive: Archive) -> Piece:
        chance = self.chance
        received_at = (FIRST * DAY) + chance.randrange(DAYS * DAY)
        content = stored(b"Subject: x\r\n\r\n")
        author = chance.choice(AUTHORS)
        sender = chance.choice((author, "bounce@mail.example.org", "x@bounces.example.com", ""))
        tags = tuple(tag for tag in TAGS if chance.random() < 0.4)
        recipients = [f"u{chance.randrange(4)}@{chance.choice(PLACES)}" for _ in range(chance.choice((1, 1, 1, 3)))]
        message = Message(
            id=self.new_id(),
            received_at=received_at,
            application=chance.choice(APPLICATIONS),
            mode=Mode.RELAY,
            envelope=Envelope(sender, tuple(map(Recipient, recipients))),
            reception=Reception("192.0.2.7:41234", "client.example", "ESMTP", "smtp"),
            size=content.size,
            sha256=content.sha256,
        )
        subject = chance.choice(SUBJECTS).format(chance.randrange(1000))
        deliveries = [self._delivery(message, recipient) for recipient in message.envelope.recipients]
        events = [Event(self.new_id(), received_at, Kind.CAPTURED, "relay", message.id)]
        await archive.add_message(message, content, deliveries, events)
        piece = Piece(message, author, tags, subject, deliveries, [], [], [])
        for place, delivery in enumerate(deliveries):
            if delivery.state is State.QUEUED and chance.random() < 0.9:
                await self._try(archive, piece, place)
        if chance.random() < 0.9:
            senders = (Addressee("", author),) if author else ()
            summary = Summary(subject=subject, senders=senders, tags=tags)
            await archive.add_summaries([(message.id, summary)])
        else:
            piece.author, piece.tags, piece.subject = "", (), ""
        return piece

    def _delivery(self, message: Message, recipient: Recipient) -> Delivery:
        state = self.chance.choice(AT_REST) if self.chance.random() < 0.2 else State.QUEUED
        at = message.received_at
        return Delivery(self.new_id(), message.id, recipient, state, at, due_at=at if state is State.QUEUED else None)

    async def _try(self, archive: Archive, piece: Piece, place: int) -> None:
        chance, delivery = self.chance, piece.deliveries[place]
        state = chance.choice((State.SENT, State.SENT, State.SENT, State.FAILED, State.DEFERRED))
        at = piece.message.received_at + chance.randrange(10_000_000)
        alignment = chance.choice(tuple(Alignment))
        signature = Signature("example.com", chance.choice("ab"), Algorithm.RSA, "key", alignment)
        attempt = Attempt(
            self.new_id(), delivery.id, piece.message.id, 1, "provider", at, (), bytes(32), 24,
            tls_version=chance.choice(("TLSv1.2", "TLSv1.3", None)),
            signatures=(signature,) if chance.random() < 0.7 else (),
            sender=chance.choice((None, "r@example.com")),
        )  # fmt: skip
        kinds = [kind for kind in (TokenKind.OPEN, TokenKind.CLICK) if chance.random() < 0.7]
        tokens = [Token(self.new_id(), delivery.id, piece.message.id, kind, at, "", 0) for kind in kinds]
        await archive.begin_attempts([attempt], tokens)
        closed = replace(attempt, finished_at=at + chance.randrange(5_000_000), reply=REPLIES[state], peer="192.0.2.1")
        due_at = at + DAY if state is State.DEFERRED else None
        after = replace(delivery, state=state, due_at=due_at, attempts=1, reply=closed.reply, upstream="provider")
        event = Event(
            self.new_id(), closed.finished_at or 0, Kind(state.value), "relay", delivery.message_id, delivery.id
        )
        await archive.finish_attempts([Closing(closed, after, event)])
        piece.deliveries[place] = after
        piece.attempts.append(closed)
        piece.tokens += tokens
        for token in tokens:
            for verdict in Verdict:
                if chance.random() < 0.3:
                    fetch = Fetch(self.new_id(), token.id, at + DAY, "GET", "", "", verdict, "", 1)
                    await archive.add_fetches([fetch])
                    piece.fetches.append(fetch)


def sums_of(pieces: list[Piece], place: str = "") -> Sums:
    """The figures of these messages, counted one by one; of the copies to one domain only, if it is given."""
    total = Sums()
    for piece in pieces:
        copies = [one for one in piece.deliveries if not place or _domain(one.recipient.address) == place]
        for delivery in copies:
            total += _copy(piece, delivery)
        among = {delivery.id for delivery in copies}
        for attempt in piece.attempts:
            if attempt.delivery_id in among:
                total += _attempt(piece, attempt)
        total += Sums(messages=int(bool(copies)))
    return total


def _copy(piece: Piece, delivery: Delivery) -> Sums:
    def verdicts(kind: TokenKind) -> set[Verdict]:
        ids = {token.id for token in piece.tokens if token.delivery_id == delivery.id and token.kind is kind}
        return {fetch.verdict for fetch in piece.fetches if fetch.token_id in ids}

    def has(kind: TokenKind) -> int:
        return int(any(token.kind is kind for token in piece.tokens if token.delivery_id == delivery.id))

    opens, clicks = verdicts(TokenKind.OPEN), verdicts(TokenKind.CLICK)
    return replace(
        Sums(copies=1, tracked=has(TokenKind.OPEN), linked=has(TokenKind.CLICK)),
        opened=int(Verdict.HUMAN in opens),
        prefetched=int(bool(opens) and Verdict.HUMAN not in opens),
        clicked=int(Verdict.HUMAN in clicks),
        scanned=int(bool(clicks) and Verdict.HUMAN not in clicks),
        **{delivery.state.value: 1},
    )


def _attempt(piece: Piece, attempt: Attempt) -> Sums:
    assert attempt.reply is not None
    assert attempt.finished_at is not None
    took = attempt.finished_at - attempt.began_at
    sums = Sums(replies=1, reply_time=took, slowest=took)
    if not attempt.reply.is_positive:
        return sums
    path = _domain(piece.message.envelope.sender if attempt.sender is None else attempt.sender)
    own = _domain(piece.author)
    is_within = path == own or path.endswith(f".{own}") or own.endswith(f".{path}")
    return replace(
        sums,
        handed=1,
        encrypted=int(attempt.tls_version is not None),
        signed=int(bool(attempt.signatures)),
        aligned=int(any(one.alignment is not Alignment.NONE for one in attempt.signatures)),
        envelope_aligned=int(bool(path) and bool(own) and is_within),
    )


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()


def pattern_of(piece: Piece) -> str:
    return subject_pattern(piece.subject)
