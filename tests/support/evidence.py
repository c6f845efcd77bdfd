"""A log with one message in it, the bundle about it, and bundles that somebody with the key has changed."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from relay.ledger.bundle import (
    Anchor,
    BundleWriter,
    LeafEvidence,
    LogEvidence,
    MessageEvidence,
    PayloadEvidence,
    Timestamp,
)
from relay.ledger.canonical import canonical, parse_canonical
from relay.ledger.checkpoint import Checkpoint
from relay.ledger.container import Container, Pack
from relay.ledger.layout import MANIFEST, NOTE, evidence_name, manifest_text
from relay.ledger.leaf import Leaf, commit
from relay.ledger.note import KeyType, Signer, sign_note
from relay.ledger.opening import opening_of
from relay.ledger.policy import Log, Policy, Witness
from relay.ledger.tree import consistency_path, inclusion_path
from relay.model.edit import Edit
from relay.model.event import Event, Grade, Kind
from relay.model.reply import Reply, local_reply
from relay.model.report import Payload
from relay.model.signature import Algorithm, Alignment, Signature
from relay.model.token import Token, TokenKind
from relay.rendition.edit import splice
from tests.support.archive_values import NOON, SECOND, a_message, an_attempt, captured_event, deliveries_of, make_id
from tests.support.grown_tree import GrownTree
from tests.support.stamping import Authority

ORIGIN = "mail.example.com/log"
SEED, OTHER_SEED = bytes(range(32)), bytes(range(1, 33))
CONTENT = b"Subject: invoice 7\r\nFrom: shop@example.com\r\n\r\nPlease pay.\r\n"
WITNESS = Signer.from_seed("witness.example/north", b"w" * 32, KeyType.COSIGNATURE)
FOLDER = f"messages/{make_id(1)}/"


class Stored:
    """Content as `a_message` wants it: its size and hash."""

    size = len(CONTENT)
    sha256 = hashlib.sha256(CONTENT).digest()


@dataclass
class WitnessedLog:
    """A log in memory: facts go in, leaves with their openings come out."""

    seed: bytes = SEED
    tree: GrownTree = field(default_factory=GrownTree)
    facts: list[tuple[int, bytes, bytes, dict[str, Any]]] = field(default_factory=list)
    """(index, entry, salt, opening) of facts about the message."""

    @property
    def signer(self) -> Signer:
        return Signer.from_seed(ORIGIN, self.seed)

    @property
    def policy(self) -> Policy:
        witness = Witness("north", WITNESS.verifier)
        return Policy((Log(self.signer.verifier),), (witness,), quorum="north")

    def record(self, event: Event, **about: Any) -> None:
        salt = hashlib.sha256(event.id.encode()).digest()
        opening = opening_of(event, **about)
        entry = Leaf(
            event.id, event.at, event.kind, commit(salt, opening), event.message_id, event.delivery_id
        ).encode()
        if event.message_id == make_id(1):
            self.facts.append((self.tree.size, entry, salt, opening))
        self.tree.add(entry)

    def checkpoint(self, size: int) -> str:
        """Signed and cosigned."""
        text = Checkpoint(ORIGIN, size, self.tree.roots[size]).encode()
        return sign_note(text, [self.signer, WITNESS], time=NOON // SECOND)

    def leaves(self) -> list[LeafEvidence]:
        return [
            LeafEvidence(entry, index, inclusion_path(index, self.tree.size, self.tree.node), salt, opening)
            for index, entry, salt, opening in self.facts
        ]


def some_evidence(log: WitnessedLog) -> MessageEvidence:
    """Everything there can be: attempts with three ends, two reports, a deed; the facts of it are recorded."""
    message = replace(
        a_message(1, recipients=("jane@example.com", "joe@example.net")), size=Stored.size, sha256=Stored.sha256
    )
    deliveries = deliveries_of(message)
    edits = (Edit(0, 0, b"Received: by us\r\n", "trace"), Edit(52, 58, b"PLEASE", "tracking"))
    wire = splice(CONTENT, edits)
    sha256 = hashlib.sha256(wire).digest()
    signature = Signature("example.com", "s1", Algorithm.ED25519, "AAAA", Alignment.STRICT)
    sent = replace(
        an_attempt(deliveries[0], 1, edits),
        wire_sha256=sha256,
        wire_size=len(wire),
        signatures=(signature,),
        finished_at=NOON + SECOND,
        reply=Reply(250, "ok\nqueued as 7", "2.0.0"),
        peer="192.0.2.1:587",
        tls_version="TLSv1.3",
    )
    deferred = replace(
        an_attempt(deliveries[1], 1), wire_sha256=Stored.sha256, reply=local_reply(421, "4.4.1", "no route")
    )
    unseen = replace(an_attempt(deliveries[1], 2), wire_sha256=Stored.sha256)
    payload = Payload(
        make_id(1, 300), NOON, "webhook:ses", Grade.SIGNED, "verified", {"x-sig": "abc"}, b'{"delivered":1}'
    )
    shared = Payload(make_id(1, 301), NOON, "webhook:mailgun", Grade.UNSIGNED, "HMAC", {}, b'{"opened":1}')
    viewed = Event(make_id(1, 5003), NOON, Kind.VIEWED, "user:ann", message.id)
    log.record(Event(make_id(9, 5000), NOON, Kind.CAPTURED, "relay", make_id(9)))
    log.record(captured_event(message), message=message)
    log.record(Event(make_id(1, 5001), NOON, Kind.SENT, "upstream:a", message.id, sent.delivery_id), attempt=sent)
    log.record(
        Event(make_id(1, 5002), NOON, Kind.DEFERRED, "relay", message.id, deferred.delivery_id), attempt=deferred
    )
    log.record(
        Event(make_id(1, 5004), NOON, Kind.DELIVERED, "webhook:ses", message.id, grade=Grade.SIGNED), payload=payload
    )
    log.record(viewed)
    log.record(Event(make_id(1, 5005), NOON, Kind.OPENED, "beacon", message.id))
    token = Token(make_id(1, 400), sent.delivery_id, message.id, TokenKind.CLICK, NOON, "https://example.com/")
    return MessageEvidence(
        message.id,
        log.leaves(),
        message,
        CONTENT,
        (sent, deferred, unseen),
        (PayloadEvidence(payload, {"key": b"-----BEGIN PUBLIC KEY-----\n"}), PayloadEvidence(shared)),
        (viewed,),
        (token,),
    )


def log_evidence(log: WitnessedLog, authority: Authority | None = None, anchored: int = 3) -> LogEvidence:
    """With a timestamp over the checkpoint of `anchored` facts, if there is an authority."""
    size = log.tree.size
    anchors = []
    if authority is not None:
        stamped = log.checkpoint(anchored)
        stamp = Timestamp("test", authority.respond(stamped.encode()), authority.pem())
        anchors.append(Anchor(anchored, stamped, (stamp,), consistency_path(anchored, size, log.tree.node)))
    return LogEvidence(ORIGIN, log.checkpoint(size), (log.signer.verifier,), log.policy, anchors)


def written(
    log: LogEvidence, *messages: MessageEvidence, seed: bytes = SEED, extra: Mapping[str, bytes] | None = None
) -> bytes:
    """The bundle."""
    out = io.BytesIO()
    writer = BundleWriter(out.write, log, verifier=b"# verify.py\n", made_at=NOON, made_by="user:ann", query="invoice")
    for message in messages:
        writer.add_message(message)
    for name, data in (extra or {}).items():
        writer.add(name, data)
    writer.close([Signer.from_seed(evidence_name(log.origin), seed)])
    return out.getvalue()


def a_bundle(authority: Authority | None = None) -> bytes:
    log = WitnessedLog()
    evidence = some_evidence(log)
    return written(log_evidence(log, authority), evidence)


def members_of(octets: bytes) -> dict[str, bytes]:
    container = Container(io.BytesIO(octets))
    return {name: container.read(name) for name in container.names}


def packed(members: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    pack = Pack(out.write)
    for name, data in members.items():
        pack.add(name, data)
    pack.close()
    return out.getvalue()


def forged(octets: bytes, change: Callable[[dict[str, bytes]], object], seed: bytes = SEED) -> bytes:
    """The bundle after a change of its members, with a new list of files, signed again by who has the key."""
    members = members_of(octets)
    manifest = parse_canonical(members.pop(MANIFEST))
    del members[NOTE]
    change(members)
    manifest["files"] = {
        name: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)} for name, data in members.items()
    }
    return signed(members, manifest, seed)


def signed(members: Mapping[str, bytes], manifest: Mapping[str, Any], seed: bytes = SEED) -> bytes:
    """A bundle of these members and this manifest."""
    listed = canonical(manifest)
    origin = str(manifest.get("origin", ORIGIN))
    note = sign_note(manifest_text(origin, listed), [Signer.from_seed(evidence_name(ORIGIN), seed)])
    return packed({**members, MANIFEST: listed, NOTE: note.encode()})
