"""Checks a bundle as a whole: the list of its files, who signed that, and the log that its facts are in.

What is about one message is in `message_checking.py`. Nothing in here opens files: the bundle is a mapping from names
of members to octets. A key is trusted only if it came from outside; those in the bundle could be a forger's.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from relay.ledger.canonical import parse_canonical
from relay.ledger.checkpoint import Checkpoint
from relay.ledger.finding import Findings, moment
from relay.ledger.hashing import read_hash
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
    Folder,
    evidence_keys,
    folders,
    manifest_text,
)
from relay.ledger.message_checking import check_message
from relay.ledger.note import Opened, Verifier, open_note
from relay.ledger.policy import Accepted, Policy, accept
from relay.ledger.scalars import LedgerError, read_decimal, read_text
from relay.ledger.stamp import StampUnknownError, check_stamp
from relay.ledger.tree import verify_consistency
from relay.model.identifier import ULID_PATTERN

_ULID = re.compile(ULID_PATTERN)
_MEMBERS = {"format", "origin", "made_at", "made_by", "query", "messages", "files"}
_KNOWN = {README, VERIFIER, LOG_KEYS, POLICY, CHECKPOINT, MANIFEST, NOTE, MESSAGES, TIMESTAMPS}
_LOG = "log"


@dataclass(frozen=True, slots=True)
class Trust:
    """What the person who checks knows from elsewhere: keys of the log, and a policy with its witnesses."""

    keys: Sequence[Verifier] = ()
    policy: Policy | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the bundle says it is. `files`: name -> (SHA-256 in hexadecimal, octets)."""

    octets: bytes
    origin: str
    made_at: int
    made_by: str
    messages: tuple[str, ...]
    files: Mapping[str, tuple[str, int]]

    @classmethod
    def parse(cls, octets: bytes) -> Manifest:
        """Raises LedgerError, or what values of another shape raise, if it is none."""
        value = parse_canonical(octets)
        if not isinstance(value, dict) or value.get("format") != FORMAT:
            raise LedgerError(f"it is not of the format {FORMAT}")
        if set(value) != _MEMBERS or not all(isinstance(value[name], str) for name in ("origin", "made_by", "query")):
            raise LedgerError("it does not have the members that the format asks for")
        for message in value["messages"]:
            if _ULID.fullmatch(message) is None:
                raise LedgerError("it names a message that has no id")
        files = {str(name): (str(file["sha256"]), int(file["size"])) for name, file in value["files"].items()}
        return cls(octets, value["origin"], value["made_at"], value["made_by"], tuple(value["messages"]), files)


def check_bundle(members: Mapping[str, bytes], trust: Trust) -> Findings:
    """Everything that can be said about a bundle. `members`: each look-up may read a file, and raises LedgerError if
    that is damaged."""
    findings = Findings()
    manifest: Manifest | None = None
    with findings.about(MANIFEST):
        if MANIFEST not in members:
            raise LedgerError("there is none: this is not an evidence bundle, or not a whole one")
        manifest = Manifest.parse(members[MANIFEST])
    if manifest is None:
        return findings
    _check_files(members, manifest, findings)
    keys: list[Verifier] = []
    with findings.about(LOG_KEYS):
        keys = [Verifier.parse(line) for line in _lines(members[LOG_KEYS], "the list of keys")]
    with findings.about(NOTE):
        _check_signature(members[NOTE], manifest, keys, trust, findings)
    checkpoint: Checkpoint | None = None
    with findings.about(CHECKPOINT):
        checkpoint = _check_log(members, manifest.origin, keys, trust, findings)
    if checkpoint is not None:
        _check_anchors(members, checkpoint, keys, findings)
    found = folders(members, MESSAGES)
    for message in dict.fromkeys(manifest.messages):
        folder = found.get(message) or Folder(members, f"{MESSAGES}/{message}/", ())
        check_message(message, folder, checkpoint, findings)
    _say_what_stays_open(keys, trust, findings)
    return findings


def _check_files(members: Mapping[str, bytes], manifest: Manifest, findings: Findings) -> None:
    failures = findings.failures()
    for name, (sha256, size) in manifest.files.items():
        with findings.about(name):
            if name not in members:
                raise LedgerError("it is in the list of files, but not in the bundle")
            data = members[name]
            if len(data) != size or hashlib.sha256(data).hexdigest() != sha256:
                raise LedgerError("it is not what was put into the bundle: its SHA-256 is another")
    messages = set(manifest.messages)
    for name in members:
        top, *rest = name.split("/")
        if name not in manifest.files and name not in (MANIFEST, NOTE):
            findings.fails(name, "It is in the bundle, but not in the signed list of files.")
        elif top == MESSAGES and (len(rest) < 2 or rest[0] not in messages):
            findings.fails(name, "It belongs to no message that the manifest names.")
        elif top not in _KNOWN:
            findings.unknown(name, "Nothing reads it but people; only that it is unchanged is checked.")
    if findings.failures() == failures:
        findings.holds(MANIFEST, f"All {len(manifest.files)} files are in the bundle, unchanged, and nothing else is.")


def _check_signature(
    note: bytes, manifest: Manifest, keys: Sequence[Verifier], trust: Trust, findings: Findings
) -> None:
    opened = open_note(note, evidence_keys(keys))
    if opened.text != manifest_text(manifest.origin, manifest.octets):
        findings.fails(MANIFEST, "It is not the list of files that was signed.")
        return
    _check_own(opened, note)
    signer = opened.signatures[0].verifier
    trusted = _trusted(trust)
    if trusted and not any(each.verifier in evidence_keys(trusted) for each in opened.signatures):
        raise LedgerError("the bundle is not signed with the key that was given")
    made = f"made {moment(manifest.made_at)} by {manifest.made_by}"
    findings.holds(NOTE, f"The list of files is signed by {signer.name} ({signer.key_id.hex()}); {made}.")


def _check_own(opened: Opened, note: bytes) -> None:
    """A bundle's own note has no lines that nobody can check: something could be hidden in them."""
    if opened.unknown:
        raise LedgerError("it has signatures of keys that are not in the bundle")
    read_text(note, "the note")


def _check_log(
    members: Mapping[str, bytes], origin: str, keys: Sequence[Verifier], trust: Trust, findings: Findings
) -> Checkpoint:
    note = members[CHECKPOINT]
    policy = None
    with findings.about(POLICY):
        policy = Policy.parse(members[POLICY])
    if policy is None:
        raise LedgerError("without the policy it cannot be said who had to sign it")
    accepted = accept(note, policy)
    checkpoint = accepted.checkpoint
    if checkpoint.origin != origin or accepted.log.verifier not in keys:
        raise LedgerError("it is of another log than the bundle")
    _say_accepted(accepted, "the bundle's own policy", findings)
    with findings.about(CHECKPOINT):
        _check_trusted(note, accepted.log.verifier, trust, findings)
    return checkpoint


def _check_trusted(note: bytes, signer: Verifier, trust: Trust, findings: Findings) -> None:
    if trust.policy is not None:
        _say_accepted(accept(note, trust.policy), "the policy that was given", findings)
    if trust.keys:
        if signer not in trust.keys:
            raise LedgerError("the log is not signed with the key that was given")
        findings.holds(_LOG, f"It is signed with the key that was given, {signer.vkey}.")


def _say_accepted(accepted: Accepted, by: str, findings: Findings) -> None:
    checkpoint, signer = accepted.checkpoint, accepted.log.verifier
    words = f"The log {checkpoint.origin} with {checkpoint.size} facts is signed by its key {signer.key_id.hex()}"
    findings.holds(CHECKPOINT, f"{words}; {by} asks for no more.")
    for each in accepted.witnessed:
        at = moment(each.time * 1_000_000)
        findings.holds(CHECKPOINT, f"The witness {each.witness.verifier.name} saw the log so, and no other, {at}.")


def _check_anchors(
    members: Mapping[str, bytes], checkpoint: Checkpoint, keys: Sequence[Verifier], findings: Findings
) -> None:
    for size, folder in folders(members, TIMESTAMPS).items():
        with findings.about(folder.prefix):
            _check_anchor(folder, size, checkpoint, keys)
            digest = hashlib.sha256(folder["checkpoint"]).digest()
            for name in folder:
                if name.endswith(".tsr"):
                    _check_timestamp(folder, name.removesuffix(".tsr"), digest, size, findings)


def _check_anchor(folder: Folder, size: str, checkpoint: Checkpoint, keys: Sequence[Verifier]) -> None:
    """Returns if the stamped checkpoint is of the same log, earlier or later in its life."""
    stamped = Checkpoint.parse(open_note(folder["checkpoint"], keys).text)
    if stamped.origin != checkpoint.origin or stamped.size != read_decimal(size, "the size in the folder's name"):
        raise LedgerError("the stamped checkpoint is of another log, or of another size")
    lines = _lines(folder["consistency"], "the consistency path", may_be_empty=True)
    path = [read_hash(line, "a hash of the consistency path") for line in lines]
    old, new = sorted((stamped, checkpoint), key=_size)
    verify_consistency(old.size, new.size, old.root, new.root, path)


def _check_timestamp(folder: Folder, name: str, digest: bytes, size: str, findings: Findings) -> None:
    subject = f"{folder.prefix}{name}.tsr"
    with findings.about(subject):
        try:
            stamp = check_stamp(folder[f"{name}.tsr"], digest, folder.find(f"{name}.pem") or b"")
            words = f"{stamp.authority} saw the log with its first {size} facts {moment(stamp.at)}"
            findings.holds(subject, f"{words}; the timestamp is signed with its certificate.")
            findings.unknown(
                subject,
                f"Whether that authority is to be trusted. SHA-256 of its certificate: {stamp.certificate_sha256}.",
            )
        except StampUnknownError as error:
            findings.unknown(subject, f"{error}.")


def _say_what_stays_open(keys: Sequence[Verifier], trust: Trust, findings: Findings) -> None:
    if not _trusted(trust):
        which = ", ".join(key.vkey for key in keys) or "none"
        findings.unknown(_LOG, f"Whether its key is the right one. Compare it with one from elsewhere: {which}.")
    findings.unknown(_LOG, "Whether there are further facts about these messages: a bundle has those put into it.")
    findings.unknown(_LOG, "Whether a fact was true when it was written down. Only that it was not changed since is.")


def _trusted(trust: Trust) -> list[Verifier]:
    return [*trust.keys, *(() if trust.policy is None else (log.verifier for log in trust.policy.logs))]


def _size(checkpoint: Checkpoint) -> int:
    return checkpoint.size


def _lines(data: bytes, what: str, *, may_be_empty: bool = False) -> list[str]:
    *lines, rest = read_text(data, what).split("\n")
    if rest or not (lines or may_be_empty):
        raise LedgerError(f"{what} is cut off")
    return lines
