"""Checks what a bundle has about one message: its facts against the log, and what came in against its facts.

What was sent is in `sending_checking.py`. Where a fact is erased, or was never in the bundle, what hangs on it is
unknown, not wrong.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from relay.ledger.canonical import parse_canonical
from relay.ledger.checkpoint import Checkpoint
from relay.ledger.finding import Findings, moment
from relay.ledger.hashing import leaf_hash
from relay.ledger.layout import CHECKPOINT, Folder, read_lines
from relay.ledger.leaf import Leaf, commit
from relay.ledger.proof import SUFFIX, TlogProof
from relay.ledger.scalars import LedgerError, read_text
from relay.ledger.sending_checking import check_sending
from relay.ledger.tree import verify_inclusion

LEAVES = "leaves.jsonl"
_READ = re.compile(
    r"original\.eml|envelope\.json|leaves\.jsonl|proofs/.+|smtp\.jsonl|tls\.json|transforms\.json|sent/.+"
    r"|dkim/keys\.jsonl|events/[^.]+\.(?:json|body|[^.]+\.pem)|audit\.jsonl"
)
_UNVERIFIABLE = {"D": "with a shared secret or not at all: the operator could have made it", "E": "not at all: a guess"}


@dataclass(frozen=True, slots=True)
class Fact:
    """A leaf that was read, and its opening if it has one and that is the one committed to."""

    leaf: Leaf
    opening: Mapping[str, Any] | None


def check_message(message: str, folder: Folder, checkpoint: Checkpoint | None, findings: Findings) -> None:
    """Everything that can be said about this message. `checkpoint`: None if the bundle's own does not hold."""
    facts: list[Fact] = []
    with findings.about(folder.prefix + LEAVES):
        facts = _check_leaves(message, folder, checkpoint, findings)
    openings = [fact.opening for fact in facts if fact.opening is not None]
    original = _check_original(folder, openings, findings)
    check_sending(folder, openings, original, findings)
    _check_payloads(folder, openings, findings)
    with findings.about(f"{folder.prefix}audit.jsonl"):
        _check_audit(folder, facts, findings)
    for name in folder:
        if _READ.fullmatch(name) is None:
            findings.unknown(folder.prefix + name, "Nothing reads it; only that it is unchanged is checked.")


def _check_leaves(message: str, folder: Folder, checkpoint: Checkpoint | None, findings: Findings) -> list[Fact]:
    lines = read_lines(folder[LEAVES])
    subject, failures = folder.prefix + LEAVES, findings.failures()
    facts, proofs = [], set[str]()
    for line in lines:
        name = f"proofs/{int(line['index'])}{SUFFIX}"
        if name in proofs:
            raise LedgerError(f"the fact {line['index']} is there twice")
        proofs.add(name)
        with findings.about(f"{subject}, fact {line['index']}"):
            facts.append(_fact(line, message))
            with findings.about(folder.prefix + name):
                _check_proof(folder, name, line, checkpoint)
    for name in folder:
        if name.startswith("proofs/") and name not in proofs:
            findings.fails(folder.prefix + name, "It is the proof of a fact that is not here.")
    if findings.failures() == failures:
        findings.holds(subject, f"All {len(facts)} facts are in the log, and say what was committed to.")
    for fact in facts:
        if fact.opening is None:
            at = moment(fact.leaf.at)
            findings.unknown(subject, f"What the fact {fact.leaf.event} ({fact.leaf.kind}, {at}) said: that is erased.")
    return facts


def _fact(line: Mapping[str, Any], message: str) -> Fact:
    if set(line) != {"index", "leaf", "opening", "salt"}:
        raise LedgerError("it does not have the members that the format asks for")
    leaf = Leaf.parse(line["leaf"].encode())
    if leaf.message != message:
        raise LedgerError("it is about another message")
    if line["salt"] is None and line["opening"] is None:
        return Fact(leaf, None)
    salt = bytes.fromhex(line["salt"])
    if salt.hex() != line["salt"] or commit(salt, line["opening"]) != leaf.commitment:
        raise LedgerError("what it says is not what was committed to in the log")
    return Fact(leaf, line["opening"])


def _check_proof(folder: Folder, name: str, line: Mapping[str, Any], checkpoint: Checkpoint | None) -> None:
    proof = TlogProof.parse(folder[name])
    if checkpoint is None:
        raise LedgerError("there is no good checkpoint that it could lead to")
    if proof.checkpoint != read_text(folder.whole[CHECKPOINT], "the checkpoint"):
        raise LedgerError("it leads to another checkpoint than the bundle's")
    if proof.index != line["index"] or proof.extra is not None:
        raise LedgerError("it is the proof of another fact")
    entry = leaf_hash(line["leaf"].encode())
    verify_inclusion(entry, proof.index, checkpoint.size, proof.path, checkpoint.root)


def _check_original(folder: Folder, openings: list[Mapping[str, Any]], findings: Findings) -> bytes | None:
    """The original, if it is here; what fits it to the facts is said."""
    original = None
    with findings.about(f"{folder.prefix}original.eml"):
        original = folder.find("original.eml")
    with findings.about(f"{folder.prefix}envelope.json"):
        if "envelope.json" not in folder:
            findings.unknown(folder.prefix, "Who handed the message in, and for whom: the envelope is not here.")
            return original
        envelope = parse_canonical(folder["envelope.json"])
        witnessed = [opening["message"] for opening in openings if "message" in opening]
        subject = f"{folder.prefix}envelope.json"
        at, application = moment(envelope["received_at"]), envelope["application"]
        if not witnessed:
            findings.unknown(
                subject, "Whether it is what was written down at the time: the fact that says so is not here."
            )
        elif envelope not in witnessed:
            raise LedgerError("it is not what was written down when the message came")
        else:
            findings.holds(subject, _came(envelope, at, application))
        if _is_imported(envelope):
            findings.unknown(
                subject,
                "Whether and when it was sent, by whom and to whom: it was imported, not witnessed. Sender, recipients"
                " and date are what the source claimed.",
            )
        _compare_original(f"{folder.prefix}original.eml", original, envelope, findings)
    return original


def _is_imported(envelope: Mapping[str, Any]) -> bool:
    return bool(envelope["reception"]["peer"] == "import")


def _came(envelope: Mapping[str, Any], at: str, application: str) -> str:
    if _is_imported(envelope):
        return f"The message was imported {at} for the application {application}: from then on it is in the log."
    return f"The message came {at} from the application {application}, for whom it says."


def _compare_original(subject: str, original: bytes | None, envelope: Mapping[str, Any], findings: Findings) -> None:
    size, sha256 = envelope["size"], envelope["sha256"]
    if original is None:
        findings.unknown(subject, f"What the message said: it is not here. It had {size} octets, SHA-256 {sha256}.")
    elif (len(original), hashlib.sha256(original).hexdigest()) != (size, sha256):
        findings.fails(subject, "It is not the message that came: its SHA-256 is another than the envelope's.")
    else:
        findings.holds(subject, f"It is the message of the envelope, octet for octet: {size} octets, SHA-256 {sha256}.")


def _check_payloads(folder: Folder, openings: list[Mapping[str, Any]], findings: Findings) -> None:
    witnessed = [opening["payload"] for opening in openings if "payload" in opening]
    for name in [name for name in folder if name.startswith("events/") and name.endswith(".json")]:
        with findings.about(folder.prefix + name):
            facts = parse_canonical(folder[name])
            body = folder[f"{name.removesuffix('.json')}.body"]
            if (len(body), hashlib.sha256(body).hexdigest()) != (facts["size"], facts["sha256"]):
                raise LedgerError("the report is not the one that came: its SHA-256 is another")
            _say_payload(folder.prefix + name, facts, facts in witnessed, findings)


def _say_payload(subject: str, facts: Mapping[str, Any], is_witnessed: bool, findings: Findings) -> None:
    at = moment(facts["received_at"])
    if is_witnessed:
        findings.holds(subject, f"The report of {facts['source']} is as it came {at} (grade {facts['grade']}).")
    else:
        findings.unknown(subject, "Whether it came like this: no fact in here says so.")
    if facts["grade"] in _UNVERIFIABLE:
        findings.unknown(
            subject, f"Whether the provider made it. It was authenticated {_UNVERIFIABLE[facts['grade']]}."
        )


def _check_audit(folder: Folder, facts: list[Fact], findings: Findings) -> None:
    subject = f"{folder.prefix}audit.jsonl"
    known = [_deed(fact) for fact in facts if fact.opening is not None]
    erased = {fact.leaf.event for fact in facts if fact.opening is None}
    for deed in read_lines(folder["audit.jsonl"]):
        if deed["event"] in erased:
            findings.unknown(subject, f"Whether {deed['event']} was so: the fact was erased.")
        elif deed in known:
            findings.holds(subject, f"{deed['actor']}, {moment(deed['at'])}: {deed['kind']}.")
        else:
            findings.fails(subject, f"{deed['event']}: no fact in the log says this.")


def _deed(fact: Fact) -> dict[str, Any]:
    leaf, opening = fact.leaf, fact.opening or {}
    said = {name: opening.get(name) for name in ("actor", "data", "grade")}
    ids = {"event": leaf.event, "message": leaf.message, "delivery": leaf.delivery}
    return {**ids, "at": leaf.at, "kind": leaf.kind, **said}
