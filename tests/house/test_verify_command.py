"""`mailwitness verify`: a bundle in a file, judged as the checker inside it would."""

from __future__ import annotations

from pathlib import Path

from tests.support.evidence import WitnessedLog, a_bundle
from tests.support.nursery import ran


def verify(*arguments: str) -> tuple[int, str, str]:
    """Exit status, what was printed, and what was said on standard error."""
    done = ran("verify", *arguments)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def test_a_sound_bundle_is_told_in_words_and_ends_with_0(tmp_path: Path) -> None:
    file = tmp_path / "evidence.zip"
    file.write_bytes(a_bundle())
    status, text, _ = verify(str(file), "--key", WitnessedLog().signer.verifier.vkey)
    assert status == 0
    assert "It is signed with the key that was given" in text
    assert "Nothing in this file is wrong." in text


def test_a_bundle_with_one_octet_changed_ends_with_65(tmp_path: Path) -> None:
    octets = bytearray(a_bundle())
    octets[octets.index(b"Please pay.")] ^= 1
    (tmp_path / "evidence.zip").write_bytes(octets)
    status, text, _ = verify(str(tmp_path / "evidence.zip"))
    assert status == 65
    assert "original.eml" in text


def test_another_key_than_the_log_has_ends_with_65(tmp_path: Path) -> None:
    (tmp_path / "evidence.zip").write_bytes(a_bundle())
    other = WitnessedLog(seed=b"o" * 32).signer.verifier.vkey
    assert verify(str(tmp_path / "evidence.zip"), "--key", other)[0] == 65


def test_a_policy_from_elsewhere_is_asked_too(tmp_path: Path) -> None:
    (tmp_path / "evidence.zip").write_bytes(a_bundle())
    (tmp_path / "policy").write_text(WitnessedLog().policy.encode())
    status, text, _ = verify(str(tmp_path / "evidence.zip"), "--policy", str(tmp_path / "policy"))
    assert status == 0
    assert "the policy that was given" in text


def test_what_is_no_file_no_key_or_no_policy_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "evidence.zip").write_bytes(a_bundle())
    (tmp_path / "policy").write_bytes(b"\xff")
    assert verify(str(tmp_path / "nothing.zip"))[0] == 64
    assert verify(str(tmp_path / "evidence.zip"), "--key", "nonsense")[0] == 64
    assert verify(str(tmp_path / "evidence.zip"), "--policy", str(tmp_path / "policy"))[0] == 64
    assert verify()[0] == 64
