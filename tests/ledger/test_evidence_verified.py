"""A bundle that is sound: what is said to hold, what stays unknown, and what follows from keys given from outside."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from relay.ledger.bundle import MessageEvidence
from relay.ledger.checking import Trust
from relay.ledger.container import Container
from relay.ledger.finding import Finding, Report, State, moment
from relay.ledger.layout import Folder
from relay.ledger.note import KeyType, Signer, Verifier
from relay.ledger.policy import Log, Policy, Witness
from relay.ledger.scalars import LedgerError
from relay.ledger.verifier import BundleFile, main, verify, verify_stream
from relay.model.edit import Edit
from relay.model.message import Reception, Recipient
from tests.support.archive_values import a_message, an_attempt, captured_event, deliveries_of, make_id
from tests.support.evidence import (
    CONTENT,
    FOLDER,
    ORIGIN,
    OTHER_SEED,
    SEED,
    WITNESS,
    WitnessedLog,
    a_bundle,
    log_evidence,
    members_of,
    some_evidence,
    written,
)
from tests.support.stamping import Authority

KEY = Signer.from_seed(ORIGIN, SEED).verifier
OTHER_KEY = Signer.from_seed(ORIGIN, OTHER_SEED).verifier
NORTH = (Witness("north", WITNESS.verifier),)


def said(octets: bytes, trust: Trust = Trust()) -> Report:
    return verify_stream(io.BytesIO(octets), trust)


def words(report: Report, state: State, subject: str) -> str:
    found = [finding.words for finding in report.findings if finding.state is state and finding.subject == subject]
    return " | ".join(found)


def test_everything_about_a_message_holds() -> None:
    report = said(a_bundle(Authority()), Trust((KEY,)))
    assert report.is_sound
    assert report.exit_status == 0
    assert "30 files" in words(report, State.HOLDS, "manifest.json")
    assert "made 2026-01-01 12:00:00 UTC by user:ann" in words(report, State.HOLDS, "manifest.note")
    assert "7 facts" in words(report, State.HOLDS, "checkpoint")
    assert "witness.example/north saw" in words(report, State.HOLDS, "checkpoint")
    assert "with the key that was given" in words(report, State.HOLDS, "log")
    assert "CN=Test Stamps saw the log with its first 3 facts" in words(report, State.HOLDS, "timestamps/3/test.tsr")
    assert "All 6 facts are in the log" in words(report, State.HOLDS, f"{FOLDER}leaves.jsonl")
    assert "application shop" in words(report, State.HOLDS, f"{FOLDER}envelope.json")
    assert hashlib.sha256(CONTENT).hexdigest() in words(report, State.HOLDS, f"{FOLDER}original.eml")
    assert "250 / 2.0.0 / ok\nqueued as 7" in words(report, State.HOLDS, f"{FOLDER}smtp.jsonl")
    assert "without an answer of the server: 421" in words(report, State.HOLDS, f"{FOLDER}smtp.jsonl")
    assert "user:ann, 2026-01-01 12:00:00 UTC: viewed." in words(report, State.HOLDS, f"{FOLDER}audit.jsonl")
    assert "webhook:ses" in words(report, State.HOLDS, f"{FOLDER}events/{make_id(1, 300)}.json")
    sent = [finding for finding in report.findings if finding.subject.startswith(f"{FOLDER}sent/")]
    assert ["with 2 changes" in sent[0].words, "unchanged" in sent[1].words] == [True, True]


def test_of_what_was_imported_no_more_is_said_than_that() -> None:
    log, reception = WitnessedLog(), Reception("import", "", "", "")
    message = replace(a_message(1), size=len(CONTENT), sha256=hashlib.sha256(CONTENT).digest(), reception=reception)
    log.record(captured_event(message), message=message)
    evidence = MessageEvidence(message.id, log.leaves(), message, CONTENT, (), (), (), ())
    report = said(written(log_evidence(log), evidence))
    assert report.is_sound
    assert "was imported 2026-01-01" in words(report, State.HOLDS, f"{FOLDER}envelope.json")
    assert "imported, not witnessed" in words(report, State.UNKNOWN, f"{FOLDER}envelope.json")


def test_what_cannot_be_known_is_said() -> None:
    report = said(a_bundle(Authority()))
    assert report.is_sound
    assert KEY.vkey in words(report, State.UNKNOWN, "log")
    assert "further facts" in words(report, State.UNKNOWN, "log")
    assert "authority is to be trusted" in words(report, State.UNKNOWN, "timestamps/3/test.tsr")
    assert "no fact in here says so" in words(report, State.UNKNOWN, f"{FOLDER}smtp.jsonl")
    assert "shared secret" in words(report, State.UNKNOWN, f"{FOLDER}events/{make_id(1, 301)}.json")


def test_the_text_for_people_has_its_parts_in_order_and_nothing_reaches_the_terminal() -> None:
    findings = (
        Finding(State.HOLDS, "a", "good"),
        Finding(State.UNKNOWN, "b", "open"),
        Finding(State.FAILS, "c", "bad \x1b[2J"),
    )
    text = Report(findings).text()
    assert text.index("DOES NOT HOLD") < text.index("Holds") < text.index("Cannot be known")
    assert "bad \\x1b[2J" in text
    assert text.endswith("This file is NOT sound evidence.\n")
    assert said(a_bundle()).text().endswith("Nothing in this file is wrong.\n")


def test_another_key_than_the_one_given_is_a_failure() -> None:
    report = said(a_bundle(), Trust((OTHER_KEY,)))
    assert report.exit_status == 65
    assert "not signed with the key that was given" in words(report, State.FAILS, "manifest.note")
    assert "not signed with the key that was given" in words(report, State.FAILS, "checkpoint")
    assert "All 6 facts" in words(report, State.HOLDS, f"{FOLDER}leaves.jsonl")


def test_a_policy_from_outside_is_asked() -> None:
    report = said(a_bundle(), Trust(policy=Policy((Log(KEY),), NORTH, quorum="north")))
    assert report.is_sound
    assert "the policy that was given asks for no more" in words(report, State.HOLDS, "checkpoint")
    assert "Compare it" not in words(report, State.UNKNOWN, "log")
    south = Witness("south", Signer.from_seed("south", SEED, KeyType.COSIGNATURE).verifier)
    report = said(a_bundle(), Trust(policy=Policy((Log(KEY),), (south,), quorum="south")))
    assert "quorum south is not reached" in words(report, State.FAILS, "checkpoint")
    report = said(a_bundle(), Trust(policy=Policy((Log(OTHER_KEY),))))
    assert report.exit_status == 65


def test_the_log_may_have_had_another_key_before() -> None:
    log = WitnessedLog()
    evidence = some_evidence(log)
    both = replace(log_evidence(log), keys=(KEY, OTHER_KEY), policy=Policy((Log(KEY), Log(OTHER_KEY))))
    assert said(written(both, evidence), Trust((KEY,))).is_sound
    assert said(written(both, evidence, seed=OTHER_SEED)).is_sound


def test_erased_facts_stay_proven_and_say_nothing() -> None:
    log = WitnessedLog()
    evidence = some_evidence(log)
    erased = [replace(leaf, salt=None, opening=None) for leaf in evidence.leaves]
    report = said(written(log_evidence(log), replace(evidence, leaves=erased, original=None, message=None)))
    assert report.is_sound
    assert "All 6 facts are in the log" in words(report, State.HOLDS, f"{FOLDER}leaves.jsonl")
    assert words(report, State.UNKNOWN, f"{FOLDER}leaves.jsonl").count("erased") == 6
    assert "the envelope is not here" in words(report, State.UNKNOWN, FOLDER)
    assert "the fact was erased" in words(report, State.UNKNOWN, f"{FOLDER}audit.jsonl")
    assert "original is not here" in words(report, State.UNKNOWN, f"{FOLDER}transforms.json, copy 1")
    assert "erased" not in words(report, State.HOLDS, f"{FOLDER}leaves.jsonl")


def test_of_a_deleted_message_the_hash_is_left() -> None:
    log = WitnessedLog()
    evidence = some_evidence(log)
    report = said(written(log_evidence(log), replace(evidence, original=None)))
    assert report.is_sound
    assert hashlib.sha256(CONTENT).hexdigest() in words(report, State.UNKNOWN, f"{FOLDER}original.eml")


def test_without_the_fact_of_capture_the_envelope_is_the_operators_word() -> None:
    log = WitnessedLog()
    evidence = some_evidence(log)
    others = [leaf for leaf in evidence.leaves if leaf.opening and "message" not in leaf.opening]
    report = said(written(log_evidence(log), replace(evidence, leaves=others)))
    assert report.is_sound
    assert "the fact that says so is not here" in words(report, State.UNKNOWN, f"{FOLDER}envelope.json")


def test_many_messages_are_in_one_bundle() -> None:
    log = WitnessedLog()
    evidence = some_evidence(log)
    second = replace(
        evidence, id=make_id(9), message=None, original=None, attempts=(), payloads=(), audit=(), leaves=()
    )
    report = said(written(log_evidence(log), evidence, second))
    assert report.is_sound
    assert "All 0 facts" in words(report, State.HOLDS, f"messages/{make_id(9)}/leaves.jsonl")


def test_an_uncertain_attempt_is_told_as_one() -> None:
    log = WitnessedLog()
    evidence = some_evidence(log)
    uncertain = replace(evidence.attempts[0], is_uncertain=True)
    event = replace(captured_event(evidence.message), id=make_id(1, 5010))  # type: ignore[arg-type]
    log.record(event, attempt=uncertain)
    leaves = [leaf for leaf in log.leaves() if leaf.opening and leaf.opening.get("attempt", {}).get("number") != 1]
    leaves.append(log.leaves()[-1])
    report = said(written(log_evidence(log), replace(evidence, leaves=leaves, attempts=(uncertain,))))
    assert report.is_sound
    assert "not known whether the server took it" in words(report, State.HOLDS, f"{FOLDER}smtp.jsonl")


def test_what_only_people_read_is_named_as_such() -> None:
    log = WitnessedLog()
    evidence = some_evidence(log)
    extra = {"summary.html": b"<p>", f"{FOLDER}notes.txt": b"x"}
    report = said(written(log_evidence(log), evidence, extra=extra))
    assert report.is_sound
    assert "Nothing reads it" in words(report, State.UNKNOWN, "summary.html")
    assert "Nothing reads it" in words(report, State.UNKNOWN, f"{FOLDER}notes.txt")


@pytest.mark.parametrize("anchored", [1, 7], ids=["earlier", "the-same"])
def test_a_timestamp_may_be_of_any_checkpoint_of_the_log(anchored: int) -> None:
    log = WitnessedLog()
    evidence = some_evidence(log)
    report = said(written(log_evidence(log, Authority(), anchored), evidence))
    assert report.is_sound
    assert f"first {anchored} facts" in words(report, State.HOLDS, f"timestamps/{anchored}/test.tsr")


def test_a_timestamp_by_unknown_means_is_unknown() -> None:
    log = WitnessedLog()
    evidence = some_evidence(log)
    authority = Authority(embeds=False)
    log_said = log_evidence(log, authority)
    (anchor,) = log_said.anchors
    bare = replace(anchor, timestamps=[replace(stamp, chain=b"") for stamp in anchor.timestamps])
    report = said(written(replace(log_said, anchors=(bare,)), evidence))
    assert report.is_sound
    assert "certificate that signed it is not here" in words(report, State.UNKNOWN, "timestamps/3/test.tsr")


def test_a_damaged_archive_makes_a_bundle_that_fails() -> None:
    log = WitnessedLog()
    evidence = some_evidence(log)
    attempt = replace(evidence.attempts[2], edits=(Edit(9_000, 9_001, b"", "trace"),))
    report = said(written(log_evidence(log), replace(evidence, attempts=(*evidence.attempts[:2], attempt))))
    assert "does not fit the original" in words(report, State.FAILS, f"{FOLDER}transforms.json, copy 3")


def test_other_programs_open_it_and_its_first_page_says_what_is_not_proven() -> None:
    with zipfile.ZipFile(io.BytesIO(a_bundle())) as other:
        assert other.testzip() is None
        page = other.read("README.txt").decode()
    assert "What it does NOT prove" in page
    assert max(len(line) for line in page.splitlines()) <= 120


def test_the_same_facts_make_the_same_bundle() -> None:
    assert a_bundle() == a_bundle()


def test_a_thousand_recipients_are_told_in_time() -> None:
    """Attempts, copies and keys are looked up, not searched for each other."""
    log = WitnessedLog()
    evidence = some_evidence(log)
    assert evidence.message is not None
    crowd = tuple(Recipient(f"r{number}@example.com") for number in range(1000))
    message = replace(evidence.message, envelope=replace(evidence.message.envelope, recipients=crowd))
    attempts = tuple(replace(an_attempt(each), wire_sha256=message.sha256) for each in deliveries_of(message))
    octets = written(log_evidence(log), replace(evidence, message=None, attempts=attempts, leaves=(), audit=()))
    assert said(octets).is_sound
    assert len(members_of(octets)) < 30


def run(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    status = main(arguments)
    out, err = capsys.readouterr()
    return status, out, err


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, policy = tmp_path / "bundle.zip", tmp_path / "policy"
    path.write_bytes(a_bundle())
    policy.write_text(Policy((Log(KEY),)).encode())
    assert run([str(path)], capsys)[0] == 0
    status, out, _ = run([str(path), "--key", KEY.vkey, "--key", OTHER_KEY.vkey, "--policy", str(policy)], capsys)
    assert status == 0
    assert out.endswith("Nothing in this file is wrong.\n")
    assert run([str(path), "--key", OTHER_KEY.vkey], capsys)[0] == 65
    for wrong in ([], [str(path), "--colour"], [str(tmp_path / "none")], [str(path), "--key", "none"]):
        status, out, err = run(wrong, capsys)
        assert (status, out, bool(err)) == (64, "", True)
    assert run(["--help"], capsys)[0] == 0
    path.write_bytes(b"PK")
    assert "the file: after the beginning" in run([str(path)], capsys)[1]


def test_several_keys_may_be_given(tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    path.write_bytes(a_bundle())
    assert verify(str(path), f"{OTHER_KEY.vkey} {KEY.vkey}").is_sound
    assert Verifier.parse(KEY.vkey) == KEY


def test_a_file_is_a_mapping_of_its_members() -> None:
    octets = a_bundle()
    members = BundleFile(Container(io.BytesIO(octets)))
    assert dict(members) == members_of(octets)
    assert len(members) == len(list(members))
    assert members.get("none") is None


def test_a_folder_is_a_mapping_in_which_what_is_missing_is_named() -> None:
    folder = Folder({"a/b": b"1"}, "a/", ["b"])
    assert (dict(folder), len(folder), folder.find("c")) == ({"b": b"1"}, 1, None)
    with pytest.raises(LedgerError, match="a/c is missing"):
        folder["c"]


def test_a_time_beyond_all_years_is_refused() -> None:
    with pytest.raises(LedgerError, match="years"):
        moment(2**62)
