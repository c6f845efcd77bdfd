"""One thing changed in a bundle: it fails, and the member is named. By a stranger, and by who has the key."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from relay.ledger.canonical import canonical, parse_canonical
from relay.ledger.checking import Trust
from relay.ledger.finding import Report, State
from relay.ledger.layout import MANIFEST, NOTE
from relay.ledger.note import Signer, sign_note
from relay.ledger.policy import Log, Policy
from relay.ledger.proof import TlogProof
from relay.ledger.verifier import verify_stream
from tests.support.archive_values import make_id
from tests.support.evidence import (
    FOLDER,
    ORIGIN,
    OTHER_SEED,
    SEED,
    WitnessedLog,
    a_bundle,
    forged,
    log_evidence,
    members_of,
    packed,
    signed,
    some_evidence,
    written,
)
from tests.support.stamping import Authority
from tests.support.thoroughness import IS_THOROUGH

BUNDLE = a_bundle(Authority())
MEMBERS = members_of(BUNDLE)
MOST_PLACES = 12 if IS_THOROUGH else 4
"""Places of a long member that are tried; the octets of headers are all tried in test_container.py."""
Members = dict[str, bytes]


def said(octets: bytes, trust: Trust = Trust()) -> Report:
    return verify_stream(io.BytesIO(octets), trust)


def failed(octets: bytes, trust: Trust = Trust()) -> str:
    """What fails: subjects and words in lines."""
    report = said(octets, trust)
    assert report.exit_status == 65, report.text()
    return "\n".join(f"{each.subject}: {each.words}" for each in report.findings if each.state is State.FAILS)


def places(data: bytes) -> range:
    return range(0, len(data), len(data) // MOST_PLACES + 1)


@pytest.mark.parametrize("name", MEMBERS)
def test_a_flipped_bit_in_the_file_names_the_member(name: str) -> None:
    start = BUNDLE.index(MEMBERS[name], BUNDLE.index(name.encode())) if MEMBERS[name] else 0
    for place in places(MEMBERS[name]):
        flipped = bytearray(BUNDLE)
        flipped[start + place] ^= 1 << place % 8
        assert f"{name}: " in failed(bytes(flipped))


@pytest.mark.parametrize("name", MEMBERS)
def test_a_flipped_bit_with_a_matching_checksum_names_the_member(name: str) -> None:
    for place in places(MEMBERS[name]):
        flipped = bytearray(MEMBERS[name])
        flipped[place] ^= 1 << place % 8
        assert f"{name}: " in failed(packed({**MEMBERS, name: bytes(flipped)}))


def test_a_flipped_bit_anywhere_in_the_file_is_found() -> None:
    for place in range(0, len(BUNDLE), 127):
        flipped = bytearray(BUNDLE)
        flipped[place] ^= 1 << place % 8
        assert said(bytes(flipped)).exit_status == 65


@pytest.mark.parametrize("name", MEMBERS)
def test_a_missing_member_is_named(name: str) -> None:
    assert f"{name}: " in failed(packed({each: data for each, data in MEMBERS.items() if each != name}))


@pytest.mark.parametrize("name", [name for name, data in MEMBERS.items() if data])
def test_a_member_that_is_cut_off_or_goes_on_is_named(name: str) -> None:
    assert f"{name}: " in failed(packed({**MEMBERS, name: MEMBERS[name][:-1]}))
    assert f"{name}: " in failed(packed({**MEMBERS, name: MEMBERS[name] + b"\n"}))


def test_members_that_changed_places_are_named() -> None:
    names = list(MEMBERS)
    for pair in pairwise(names):
        one, other = pair
        if MEMBERS[one] != MEMBERS[other]:
            told = failed(packed({**MEMBERS, one: MEMBERS[other], other: MEMBERS[one]}))
            assert all(f"{name}: " in told for name in ([MANIFEST] if MANIFEST in pair else pair))


def test_an_added_member_is_named() -> None:
    assert "more.txt: It is in the bundle, but not in the signed list" in failed(packed({**MEMBERS, "more.txt": b""}))


def test_a_bundle_cut_off_anywhere_is_found() -> None:
    for length in range(0, len(BUNDLE), 197):
        assert said(BUNDLE[:length]).exit_status == 65


def test_a_forger_with_another_key_needs_another_list_of_keys() -> None:
    stranger = Signer.from_seed(ORIGIN, OTHER_SEED)
    assert "manifest.note: the note is not signed by any key" in failed(forged(BUNDLE, list, seed=OTHER_SEED))

    def own_key(members: Members) -> None:
        members["log.vkey"] = f"{stranger.verifier.vkey}\n".encode()

    assert "checkpoint: it is of another log" in failed(forged(BUNDLE, own_key, seed=OTHER_SEED))
    key = Signer.from_seed(ORIGIN, SEED).verifier
    assert "manifest.note: the bundle is not signed with the key" in failed(
        forged(BUNDLE, own_key, seed=OTHER_SEED), Trust((key,))
    )


def test_a_checkpoints_signature_signs_no_manifest() -> None:
    """The same key under its other name is no key of bundles: what it signed there cannot be used here."""
    note = sign_note(parse_note(), [Signer.from_seed(ORIGIN, SEED)])
    assert "manifest.note: " in failed(packed({**MEMBERS, NOTE: note.encode()}))


def test_a_note_with_a_line_that_nobody_can_check_is_refused() -> None:
    signers = [Signer.from_seed(f"{ORIGIN}/evidence", SEED), Signer.from_seed("somebody", OTHER_SEED)]
    assert "signatures of keys that are not in" in failed(
        packed({**MEMBERS, NOTE: sign_note(parse_note(), signers).encode()})
    )


def test_a_note_over_another_list_is_refused() -> None:
    note = sign_note("mailwitness-evidence/1\nother\n", [Signer.from_seed(f"{ORIGIN}/evidence", SEED)])
    assert "manifest.json: It is not the list of files that was signed" in failed(
        packed({**MEMBERS, NOTE: note.encode()})
    )


def parse_note() -> str:
    return MEMBERS[NOTE].decode().partition("\n\n")[0] + "\n"


def manifest(**change: Any) -> bytes:
    members = {name: data for name, data in MEMBERS.items() if name not in (MANIFEST, NOTE)}
    return signed(members, {**parse_canonical(MEMBERS[MANIFEST]), **change})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": "mailwitness-evidence/2"}, "it is not of the format"),
        ({"more": 1}, "does not have the members"),
        ({"origin": 7}, "does not have the members"),
        ({"messages": ["../../etc"]}, "a message that has no id"),
        ({"messages": [7]}, "shape"),
        ({"messages": []}, "belongs to no message"),
        ({"messages": [make_id(1), make_id(2)]}, f"messages/{make_id(2)}/leaves.jsonl is missing"),
        ({"files": []}, "shape"),
        ({"files": {"a": {}}}, "shape"),
        ({"made_at": "x"}, "shape"),
        ({"origin": "other.example/log"}, "checkpoint: it is of another log"),
    ],
    ids=str,
)
def test_a_manifest_that_is_signed_but_none_is_refused(change: dict[str, Any], told: str) -> None:
    assert told in failed(manifest(**change))


def test_a_bundle_without_a_manifest_or_with_something_else_is_none() -> None:
    assert "manifest.json: there is none" in failed(packed({"README.txt": b""}))
    assert "manifest.json: not JSON" in failed(packed({MANIFEST: b"{"}))
    assert "manifest.json: it is not of the format" in failed(packed({MANIFEST: b"[]"}))


def edited(name: str, change: Callable[[Any], Any]) -> Callable[[Members], None]:
    """Changes the value of a JSON member; of a .jsonl member, the list of values."""

    def apply(members: Members) -> None:
        lines = members[name].split(b"\n")
        if name.endswith(".jsonl"):
            values = [json.loads(line) for line in lines if line]
            members[name] = b"".join(canonical(value) + b"\n" for value in change(values) or values)
        else:
            value = json.loads(members[name])
            members[name] = canonical(change(value) or value)

    return apply


def put(name: str, data: bytes) -> Callable[[Members], None]:
    return lambda members: members.update({name: data})


def gone(name: str) -> Callable[[Members], None]:
    return lambda members: members.__delitem__(name)


def at(position: int, **values: Any) -> Callable[[Any], Any]:
    return lambda lines: lines[position].update(values)


def proof_of(number: int, **change: Any) -> bytes:
    proof = TlogProof.parse(MEMBERS[f"{FOLDER}proofs/{number}.tlog-proof"])
    parts = {"index": proof.index, "path": proof.path, "checkpoint": proof.checkpoint, "extra": proof.extra}
    return TlogProof(**{**parts, **change}).encode().encode()


LEAVES, SMTP, COPIES = f"{FOLDER}leaves.jsonl", f"{FOLDER}smtp.jsonl", f"{FOLDER}transforms.json"
AUDIT, REPORT, ENVELOPE = f"{FOLDER}audit.jsonl", f"{FOLDER}events/{make_id(1, 300)}", f"{FOLDER}envelope.json"
PROOF = f"{FOLDER}proofs/1.tlog-proof"
SENT = next(name for name in MEMBERS if name.startswith(f"{FOLDER}sent/"))
STAMP = "timestamps/3"
OLD_LEAF = parse_canonical(MEMBERS[LEAVES].split(b"\n")[1])["leaf"]
ELSEWHERE = OLD_LEAF.replace(make_id(1), make_id(2))


@pytest.mark.parametrize(
    ("change", "subject", "told"),
    [
        (put(f"{FOLDER}original.eml", b"Subject: other\r\n\r\n"), f"{FOLDER}original.eml", "not the message that came"),
        (edited(ENVELOPE, lambda value: value.update(application="other")), ENVELOPE, "not what was written down"),
        (put(ENVELOPE, b"{}"), ENVELOPE, "shape"),
        (put(ENVELOPE, b"[]"), ENVELOPE, "shape"),
        (put(ENVELOPE, b'{"received_at":"x"}'), ENVELOPE, "shape"),
        (edited(LEAVES, at(1, index=1)), LEAVES, "there twice"),
        (edited(LEAVES, at(1, index="x")), LEAVES, "shape"),
        (edited(LEAVES, at(1, more=1)), f"{LEAVES}, fact 2", "does not have the members"),
        (edited(LEAVES, at(1, leaf="{}")), f"{LEAVES}, fact 2", "exactly the members"),
        (edited(LEAVES, at(1, leaf=ELSEWHERE)), f"{LEAVES}, fact 2", "another message"),
        (edited(LEAVES, at(1, salt="00" * 32)), f"{LEAVES}, fact 2", "not what was committed to"),
        (edited(LEAVES, at(1, salt=None)), f"{LEAVES}, fact 2", "shape"),
        (edited(LEAVES, at(1, salt="00")), f"{LEAVES}, fact 2", "shape"),
        (edited(LEAVES, at(1, opening={})), f"{LEAVES}, fact 2", "not what was committed to"),
        (edited(LEAVES, at(1, opening=None)), f"{LEAVES}, fact 2", "not what was committed to"),
        (edited(LEAVES, at(1, leaf=OLD_LEAF.replace("sent", "held"))), f"{FOLDER}proofs/2.tlog-proof", "root"),
        (edited(LEAVES, lambda lines: lines[1:]), PROOF, "the proof of a fact that is not here"),
        (put(LEAVES, MEMBERS[LEAVES][:-1]), LEAVES, "last line is not ended"),
        (put(LEAVES, b"{} \n"), LEAVES, "line 1"),
        (put(PROOF, b""), PROOF, "a proof begins with"),
        (put(PROOF, proof_of(1, index=2)), PROOF, "another fact"),
        (put(PROOF, proof_of(1, extra=b"x")), PROOF, "another fact"),
        (put(PROOF, proof_of(1, path=())), PROOF, "path"),
        (put(PROOF, proof_of(1, checkpoint="x\n")), PROOF, "another checkpoint"),
        (gone(PROOF), PROOF, "missing"),
        (edited(SMTP, lambda lines: lines[1:]), SMTP, "of which a fact tells, is missing"),
        (edited(SMTP, at(0, upstream="other")), SMTP, "not as it was written down"),
        (put(SMTP, b"7\n"), SMTP, "shape"),
        (put(SENT, b"other"), SENT, "it is not what was sent"),
        (gone(SENT), SENT, "missing"),
        (put(f"{FOLDER}sent/{make_id(3)}.eml", b""), f"{FOLDER}sent/{make_id(3)}.eml", "Nothing says when"),
        (edited(COPIES, lambda value: at(0, edits=[])(value["copies"])), SENT, "is not what was sent"),
        (
            edited(COPIES, lambda value: at(0, name=None)(value["copies"])),
            f"{COPIES}, copy 1",
            "it is not what was sent",
        ),
        (edited(COPIES, lambda value: value["copies"].pop()), COPIES, "shape"),
        (edited(COPIES, lambda value: {"copies": value["copies"][:1]}), COPIES, "sent something else than it says"),
        (
            edited(COPIES, lambda value: value["copies"][0]["attempts"].append("x")),
            COPIES,
            "attempts that are not there",
        ),
        (edited(COPIES, lambda value: value["copies"][0]["edits"][0].update(replacement="!")), SENT, "base64"),
        (edited(f"{FOLDER}tls.json", at(0, tls_version="SSLv3")), f"{FOLDER}tls.json", "not as the attempts say"),
        (
            edited(f"{FOLDER}dkim/keys.jsonl", at(0, public_key="BBBB")),
            f"{FOLDER}dkim/keys.jsonl",
            "not as the attempts",
        ),
        (put(f"{REPORT}.body", b"{}"), f"{REPORT}.json", "not the one that came"),
        (gone(f"{REPORT}.body"), f"{REPORT}.json", "missing"),
        (put(f"{REPORT}.json", b"{}"), f"{REPORT}.json", "shape"),
        (edited(AUDIT, at(0, actor="user:bob")), AUDIT, "no fact in the log says this"),
        (put(AUDIT, b"{}\n"), AUDIT, "shape"),
        (gone(AUDIT), AUDIT, "missing"),
        (put("policy", b"quorum none\n"), "checkpoint", "signed"),
        (put("policy", b"?\n"), "policy", "not understood"),
        (put("log.vkey", b""), "log.vkey", "cut off"),
        (put("log.vkey", b"x"), "log.vkey", "cut off"),
        (put("log.vkey", b"x\n"), "log.vkey", "verifier key"),
        (put("checkpoint", b"x"), "checkpoint", "empty line"),
        (put(f"{STAMP}/test.tsr", b"x"), f"{STAMP}/test.tsr", "form of a timestamp"),
        (put(f"{STAMP}/test.tsr", Authority().respond(b"x")), f"{STAMP}/test.tsr", "another hash"),
        (put(f"{STAMP}/test.pem", b"-----BEGIN CERTIFICATE-----"), f"{STAMP}/test.tsr", "form of a timestamp"),
        (put(f"{STAMP}/checkpoint", MEMBERS["checkpoint"]), f"{STAMP}/", "another size"),
        (put(f"{STAMP}/consistency", b""), f"{STAMP}/", "path"),
        (put(f"{STAMP}/consistency", b"x\n"), f"{STAMP}/", "base64"),
        (gone(f"{STAMP}/consistency"), f"{STAMP}/", "missing"),
        (put("messages/x", b""), "messages/x", "belongs to no message"),
    ],
)
def test_what_somebody_with_the_key_changed_is_found_by_what_it_says(
    change: Callable[[Members], None], subject: str, told: str
) -> None:
    lines = [line for line in failed(forged(BUNDLE, change)).splitlines() if line.startswith(f"{subject}: ")]
    assert any(told in line for line in lines), failed(forged(BUNDLE, change))


def test_a_bundle_with_another_history_of_the_log_is_found_by_its_timestamp() -> None:
    """The log was written again with another fact in it; the authority's old word does not fit the new tree."""
    log, again = WitnessedLog(), WitnessedLog()
    some_evidence(log)
    again.tree.add(b"another beginning")
    evidence = some_evidence(again)
    stamped = log_evidence(log, Authority()).anchors
    told = failed(written(replace(log_evidence(again), anchors=stamped), evidence))
    assert "timestamps/3/: " in told


def test_a_policy_that_names_another_log_does_not_accept_the_checkpoint() -> None:
    other = Policy((Log(Signer.from_seed(ORIGIN, OTHER_SEED).verifier),))
    assert "checkpoint: " in failed(forged(BUNDLE, put("policy", other.encode().encode())))
