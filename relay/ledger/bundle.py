"""Writes an evidence bundle: everything about some messages, to be checked offline by someone who does not trust us.

Gets facts and octets, writes members in order (`layout.py`) into a ZIP (`container.py`), the signed manifest last.
Memory: one message. Reads no archive and signs with the function it is given.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from relay.ledger.canonical import canonical
from relay.ledger.container import Pack
from relay.ledger.hashing import hash_line
from relay.ledger.layout import (
    CHECKPOINT,
    FORMAT,
    LOG_KEYS,
    MANIFEST,
    MESSAGES,
    NOTE,
    POLICY,
    README,
    TIMESTAMPS,
    VERIFIER,
    manifest_text,
    rebuilt,
    write_lines,
)
from relay.ledger.note import Signer, Verifier, sign_note
from relay.ledger.opening import attempt_facts, message_facts, opening_of, payload_facts
from relay.ledger.policy import Policy
from relay.ledger.proof import SUFFIX, TlogProof
from relay.ledger.readme import README_TEXT
from relay.ledger.scalars import LedgerError
from relay.model.delivery import Attempt
from relay.model.edit import Edit
from relay.model.event import Event
from relay.model.message import Message
from relay.model.report import Payload
from relay.model.token import Token


@dataclass(frozen=True, slots=True)
class LeafEvidence:
    """A leaf, where it is in the log, and what opens it. `salt` and `opening` are None once they are erased."""

    entry: bytes
    """The octets in the log (`Leaf.encode`)."""
    index: int
    path: tuple[bytes, ...]
    """To the root of the bundle's checkpoint, `tree.inclusion_path(index, size, …)`."""
    salt: bytes | None = None
    opening: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class PayloadEvidence:
    """What a provider reported. `certificates`: name (letters, digits, hyphens) -> PEM of what its signature needs."""

    payload: Payload
    certificates: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MessageEvidence:
    """All about one message. What is not known any more is left out; its hash stays in the facts."""

    id: str
    leaves: Sequence[LeafEvidence]
    message: Message | None = None
    original: bytes | None = None
    """The content as it came; None: deleted."""
    attempts: Sequence[Attempt] = ()
    """With their edits; finished or open, in their order."""
    payloads: Sequence[PayloadEvidence] = ()
    audit: Sequence[Event] = ()
    """What people and commands did."""
    tokens: Sequence[Token] = ()
    """The pixels and links in the sent copies."""


@dataclass(frozen=True, slots=True)
class Timestamp:
    """An answer of a time-stamping authority (RFC 3161, DER) for the SHA-256 of a signed checkpoint, octet for octet.

    `name`: letters, digits, hyphens. `chain`: certificates and revocation data in PEM, b"" if the response has them.
    """

    name: str
    response: bytes
    chain: bytes = b""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A checkpoint that others stamped, the stamps, and how the log's tree leads from it to the bundle's checkpoint.

    `consistency`: `tree.consistency_path` between the two sizes, the smaller first; () if they are the same.
    """

    size: int
    checkpoint: str
    timestamps: Sequence[Timestamp]
    consistency: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class LogEvidence:
    """The log that the facts are in. `keys`: of the log, today's first, then those it was signed with before."""

    origin: str
    checkpoint: str
    """The signed note; every path leads to its root."""
    keys: Sequence[Verifier]
    policy: Policy
    anchors: Sequence[Anchor] = ()


class BundleWriter:
    """Writes a bundle piece by piece; `write` takes octets, in order, and is never asked to go back.

    `log` first, then any number of messages, then `close`. Raises ContainerError for a message that was there before.
    """

    def __init__(
        self,
        write: Callable[[bytes], object],
        log: LogEvidence,
        *,
        verifier: bytes,
        made_at: int,
        made_by: str,
        query: str = "",
    ) -> None:
        """`verifier`: the file made by `standalone.py`. `made_at`: UTC microseconds. `query`: what was searched for."""
        self._pack = Pack(write)
        self._log = log
        self._facts = {"made_at": made_at, "made_by": made_by, "query": query}
        self._files: dict[str, dict[str, Any]] = {}
        self._messages: list[str] = []
        self.add(README, README_TEXT.encode())
        self.add(VERIFIER, verifier)
        for name, data in log_members(log):
            self.add(name, data)

    def add(self, name: str, data: bytes) -> None:
        """Writes a member that nothing in here reads: a summary for people, `summary.html`."""
        self._pack.add(name, data)
        self._files[name] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}

    def add_message(self, evidence: MessageEvidence) -> None:
        self._messages.append(evidence.id)
        for name, data in message_members(evidence, self._log.checkpoint):
            self.add(f"{MESSAGES}/{evidence.id}/{name}", data)

    def close(self, signers: Iterable[Signer]) -> None:
        """Writes the manifest and its note. `signers`: the log's key under `layout.evidence_name(origin)`."""
        manifest = canonical(
            {
                "format": FORMAT,
                "origin": self._log.origin,
                **self._facts,
                "messages": self._messages,
                "files": self._files,
            }
        )
        self._pack.add(MANIFEST, manifest)
        self._pack.add(NOTE, sign_note(manifest_text(self._log.origin, manifest), signers).encode())
        self._pack.close()


def log_members(log: LogEvidence) -> Iterator[tuple[str, bytes]]:
    """(name, octets) of what a bundle says of the log."""
    yield LOG_KEYS, "".join(f"{key.vkey}\n" for key in log.keys).encode()
    yield POLICY, log.policy.encode().encode()
    yield CHECKPOINT, log.checkpoint.encode()
    for anchor in log.anchors:
        folder = f"{TIMESTAMPS}/{anchor.size}"
        yield f"{folder}/checkpoint", anchor.checkpoint.encode()
        yield f"{folder}/consistency", "".join(f"{hash_line(digest)}\n" for digest in anchor.consistency).encode()
        for stamp in anchor.timestamps:
            yield f"{folder}/{stamp.name}.tsr", stamp.response
            if stamp.chain:
                yield f"{folder}/{stamp.name}.pem", stamp.chain


def message_members(evidence: MessageEvidence, checkpoint: str) -> Iterator[tuple[str, bytes]]:
    """(name within the message's folder, octets) of all that is known about a message."""
    if evidence.original is not None:
        yield "original.eml", evidence.original
    if evidence.message is not None:
        yield "envelope.json", canonical(message_facts(evidence.message))
    yield "leaves.jsonl", write_lines(_leaf_line(leaf) for leaf in evidence.leaves)
    for leaf in evidence.leaves:
        yield f"proofs/{leaf.index}{SUFFIX}", TlogProof(leaf.index, leaf.path, checkpoint).encode().encode()
    yield "smtp.jsonl", write_lines(attempt_facts(attempt) for attempt in evidence.attempts)
    yield "tls.json", canonical([_tls_facts(attempt) for attempt in evidence.attempts])
    yield from _copies(evidence)
    keys = {canonical(key): key for attempt in evidence.attempts for key in _key_facts(attempt)}
    yield "dkim/keys.jsonl", write_lines(keys.values())
    for each in evidence.payloads:
        yield f"events/{each.payload.id}.json", canonical(payload_facts(each.payload))
        yield f"events/{each.payload.id}.body", each.payload.body
        for name, certificate in each.certificates.items():
            yield f"events/{each.payload.id}.{name}.pem", certificate
    yield "audit.jsonl", write_lines(_deed_facts(event) for event in evidence.audit)


def _copies(evidence: MessageEvidence) -> Iterator[tuple[str, bytes]]:
    """The sent copies, one for all attempts that sent the same octets, and how they come from the original."""
    shared: dict[tuple[bytes, Any], list[Attempt]] = {}
    for attempt in evidence.attempts:
        shared.setdefault((attempt.wire_sha256, attempt.edits), []).append(attempt)
    copies = []
    for (sha256, edits), attempts in shared.items():
        octets = _sent(evidence.original, edits)
        name = None if octets is None else f"sent/{attempts[0].id}.eml"
        if octets is not None and name is not None:
            yield name, octets
        ids = [attempt.id for attempt in attempts]
        copies.append({"name": name, "attempts": ids, "sha256": sha256.hex(), "edits": [*map(_edit_facts, edits)]})
    links = [
        {"id": token.id, "delivery": token.delivery_id, "kind": token.kind, "part": token.part, "url": token.url}
        for token in evidence.tokens
    ]
    yield "transforms.json", canonical({"copies": copies, "links": links})


def _sent(original: bytes | None, edits: Sequence[Edit]) -> bytes | None:
    """None: it cannot be made. A bundle of a damaged archive is written all the same, and then fails the check."""
    try:
        return None if original is None else rebuilt(original, edits)
    except LedgerError:
        return None


def _edit_facts(edit: Edit) -> dict[str, Any]:
    replacement = b64encode(edit.replacement).decode()
    return {"start": edit.start, "stop": edit.stop, "replacement": replacement, "step": edit.step}


def _leaf_line(evidence: LeafEvidence) -> dict[str, Any]:
    return {
        "index": evidence.index,
        "leaf": evidence.entry.decode(),
        "salt": None if evidence.salt is None else evidence.salt.hex(),
        "opening": evidence.opening,
    }


def _tls_facts(attempt: Attempt) -> dict[str, Any]:
    facts = attempt_facts(attempt)
    return {"attempt": attempt.id, **{name: facts[name] for name in ("peer", "tls_version", "tls_cipher")}}


def _key_facts(attempt: Attempt) -> Iterator[dict[str, Any]]:
    for key in attempt_facts(attempt)["signatures"]:
        yield {name: key[name] for name in ("domain", "selector", "algorithm", "public_key")}


def _deed_facts(event: Event) -> dict[str, Any]:
    """What stands in the leaf of the event, and what opens it."""
    ids = {"event": event.id, "message": event.message_id, "delivery": event.delivery_id}
    return {**ids, "at": event.at, "kind": event.kind, **opening_of(event)}
