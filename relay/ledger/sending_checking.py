"""Checks what a bundle says was sent: attempts against the facts, sent copies made again from the original.

Part of `message_checking.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from relay.ledger.canonical import canonical, parse_canonical
from relay.ledger.finding import Findings, moment
from relay.ledger.layout import Folder, read_lines, rebuilt
from relay.ledger.scalars import LedgerError, read64
from relay.model.edit import Edit

Facts = Mapping[str, Any]


def check_sending(folder: Folder, openings: Sequence[Facts], original: bytes | None, findings: Findings) -> None:
    """Everything that can be said about the attempts. `openings`: of facts that hold; `original`: None if not here."""
    attempts: list[Facts] = []
    with findings.about(f"{folder.prefix}smtp.jsonl"):
        attempts = read_lines(folder["smtp.jsonl"])
        _check_attempts(f"{folder.prefix}smtp.jsonl", attempts, openings, findings)
    with findings.about(f"{folder.prefix}transforms.json"):
        _check_copies(folder, parse_canonical(folder["transforms.json"])["copies"], attempts, original, findings)
    with findings.about(f"{folder.prefix}tls.json"):
        _check_equal(parse_canonical(folder["tls.json"]), [_tls(attempt) for attempt in attempts])
    with findings.about(f"{folder.prefix}dkim/keys.jsonl"):
        keys = [_key(signature) for attempt in attempts for signature in attempt["signatures"]]
        unique = {canonical(key): key for key in keys}
        _check_equal(read_lines(folder["dkim/keys.jsonl"]), [*unique.values()])


def _check_attempts(subject: str, attempts: Sequence[Facts], openings: Sequence[Facts], findings: Findings) -> None:
    witnessed = {opening["attempt"]["id"]: opening["attempt"] for opening in openings if "attempt" in opening}
    for attempt in attempts:
        identifier = attempt["id"]
        if identifier not in witnessed:
            findings.unknown(subject, f"Whether the attempt {identifier} went like this: no fact in here says so.")
        elif attempt != witnessed.pop(identifier):
            findings.fails(subject, f"The attempt {identifier} is not as it was written down when it ended.")
        else:
            findings.holds(subject, _told(attempt))
    for identifier in witnessed:
        findings.fails(subject, f"The attempt {identifier}, of which a fact tells, is missing.")


def _told(attempt: Facts) -> str:
    """The attempt in a sentence."""
    when = f"{attempt['upstream']}, {moment(attempt['began_at'])}"
    reply = attempt["reply"]
    if reply is None or attempt["is_uncertain"]:
        return f"Attempt {attempt['number']} at {when}: it is not known whether the server took it."
    who = "without an answer of the server" if reply["is_local"] else "the server answered"
    text = " / ".join(str(part) for part in (reply["code"], reply["enhanced"], reply["text"]) if part)
    return f"Attempt {attempt['number']} at {when}: {who}: {text}"


def _check_copies(
    folder: Folder, copies: Sequence[Facts], attempts: Sequence[Facts], original: bytes | None, findings: Findings
) -> None:
    sent: dict[str, str] = {}
    names = set[str]()
    for number, copy in enumerate(copies, 1):
        subject = f"{folder.prefix}{copy['name'] or f'transforms.json, copy {number}'}"
        sent.update(dict.fromkeys(copy["attempts"], copy["sha256"]))
        with findings.about(subject):
            names.add(copy["name"])
            _check_copy(subject, folder, copy, original, findings)
    for attempt in attempts:
        if sent.pop(attempt["id"], None) != attempt["wire_sha256"]:
            raise LedgerError(f"the attempt {attempt['id']} sent something else than it says")
    if sent:
        raise LedgerError(f"it tells of attempts that are not there: {', '.join(sent)}")
    for name in folder:
        if name.startswith("sent/") and name not in names:
            findings.fails(folder.prefix + name, "Nothing says when this was sent.")


def _check_copy(subject: str, folder: Folder, copy: Facts, original: bytes | None, findings: Findings) -> None:
    edits = [_edit(edit) for edit in copy["edits"]]
    if original is None:
        findings.unknown(subject, f"What was sent, SHA-256 {copy['sha256']}: the original is not here.")
        return
    octets = rebuilt(original, edits)
    if hashlib.sha256(octets).hexdigest() != copy["sha256"]:
        raise LedgerError("the original with the changes that are listed is not what was sent")
    if copy["name"] is None or folder[copy["name"]] != octets:
        raise LedgerError("it is not what was sent")
    how = f"with {len(edits)} changes" if edits else "unchanged"
    findings.holds(subject, f"This was sent: the original {how}, SHA-256 {copy['sha256']}.")


def _edit(facts: Facts) -> Edit:
    return Edit(facts["start"], facts["stop"], read64(facts["replacement"], "the replacement"), facts["step"])


def _check_equal(found: object, expected: object) -> None:
    if found != expected:
        raise LedgerError("it is not as the attempts say")


def _tls(attempt: Facts) -> dict[str, Any]:
    return {"attempt": attempt["id"], **{name: attempt[name] for name in ("peer", "tls_version", "tls_cipher")}}


def _key(signature: Facts) -> dict[str, Any]:
    return {name: signature[name] for name in ("domain", "selector", "algorithm", "public_key")}
