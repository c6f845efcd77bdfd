"""`mailwitness dkim new` makes keys that the configuration takes; `dkim check` asks a real name server about them."""

from __future__ import annotations

import re
import stat
import subprocess
from pathlib import Path

import pytest

from relay.commands.options import EXIT_CONFIGURATION, EXIT_FAILED, EXIT_USAGE
from relay.rendition.keyring import read_key
from relay.resolver import LookupFailed, Resolver
from tests.support.nameserver import Nameserver, Zone
from tests.support.nursery import ran

ROOT = Path(__file__).resolve().parents[2]
NAME = "s1._domainkey.example.com"


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return ran("dkim", *arguments, cwd=folder, env={"PATH": "/usr/bin:/bin"})


def make(folder: Path, selector: str, algorithm: str = "rsa") -> str:
    """Makes a key, adds its lines to config.toml; gives the record's text as printed."""
    made = run(folder, "new", "Example.com", "-s", selector, "-a", algorithm, "-o", f"{selector}.pem")
    assert made.returncode == 0, made.stderr
    before, mark, lines = made.stdout.partition("# For config.toml:\n")
    assert mark
    with (folder / "config.toml").open("a") as file:
        file.write(lines)
    match = re.search(r"^(\S+)\. IN TXT \( (.*) \)$", before, re.MULTILINE)
    assert match is not None
    assert match[1] == f"{selector}._domainkey.example.com"
    return match[2]


def check(folder: Path, zone: Zone, *arguments: str, is_broken: bool = False) -> subprocess.CompletedProcess[str]:
    with Nameserver(zone, is_broken=is_broken) as server:
        return run(folder, "check", "--nameserver", server.address, *arguments)


@pytest.mark.parametrize("algorithm", ["rsa", "ed25519"])
def test_a_new_key_is_for_its_owner_alone_and_right_once_published(tmp_path: Path, algorithm: str) -> None:
    record = make(tmp_path, "s1", algorithm)
    assert stat.S_IMODE((tmp_path / "s1.pem").stat().st_mode) == 0o600
    assert all(len(string) <= 255 for string in re.findall(r'"([^"]*)"', record))
    assert read_key((tmp_path / "s1.pem").read_bytes(), "example.com", "s1").algorithm == f"{algorithm}-sha256"
    said = check(tmp_path, {NAME: [record]})
    assert (said.returncode, said.stdout) == (0, f"{NAME} ({algorithm}-sha256): ok\n")


def test_two_selectors_are_checked_the_one_that_does_not_sign_as_well(tmp_path: Path) -> None:
    record = make(tmp_path, "s1", "ed25519")
    make(tmp_path, "s2", "ed25519")
    with (tmp_path / "config.toml").open("a") as file:
        file.write("active = false\n")
    said = check(tmp_path, {NAME: [record]})
    assert said.returncode == EXIT_FAILED
    assert said.stdout.splitlines() == [
        f"{NAME} (ed25519-sha256): ok",
        "s2._domainkey.example.com (ed25519-sha256, not active): there is no TXT record",
    ]


def test_what_is_wrong_with_a_record_is_said(tmp_path: Path) -> None:
    record = make(tmp_path, "s1", "ed25519")
    wrong: list[tuple[Zone, str]] = [
        ({NAME: []}, "there is no TXT record"),
        ({NAME: ['"v=DKIM1; k=ed25519; p="']}, "p= is empty: the key is revoked, every signature by it fails"),
        ({NAME: [record, '"v=spf1 -all"']}, "there are 2 TXT records, expected one: which is used is left to chance"),
        ({NAME: [record.replace("ed25519", "rsa")]}, "k=rsa, expected k=ed25519: the file holds such a key"),
    ]
    for zone, expected in wrong:
        said = check(tmp_path, zone)
        assert (said.returncode, said.stdout) == (EXIT_FAILED, f"{NAME} (ed25519-sha256): {expected}\n")
    noted = check(tmp_path, {NAME: [record.replace("v=DKIM1;", "v=DKIM1; t=y;")]})
    assert noted.returncode == 0
    assert noted.stdout.splitlines()[1].startswith("  note: t=y says")


def test_a_record_too_long_for_one_datagram_is_asked_for_again(tmp_path: Path) -> None:
    record = make(tmp_path, "s1")
    notes = " ".join('"' + "n" * 250 + '"' for _ in range(6))
    assert check(tmp_path, {NAME: [f'{record} "; n=" {notes}']}).stdout.endswith(": ok\n")


def test_a_dns_that_does_not_answer_says_nothing_of_the_record(tmp_path: Path) -> None:
    make(tmp_path, "s1", "ed25519")
    said = check(tmp_path, {}, is_broken=True)
    assert said.returncode == EXIT_FAILED
    assert said.stdout == f"{NAME} (ed25519-sha256): the DNS does not answer: NoNameservers\n"


def test_wrong_arguments_are_told(tmp_path: Path) -> None:
    no_domain = run(tmp_path, "new", "exa mple", "-s", "s1", "-o", "k.pem")
    assert (no_domain.returncode, (tmp_path / "k.pem").exists()) == (EXIT_USAGE, False)
    assert "is no domain" in no_domain.stderr
    no_folder = run(tmp_path, "new", "example.com", "-s", "s1", "-o", "missing/k.pem")
    assert (no_folder.returncode, no_folder.stdout) == (EXIT_FAILED, "")
    no_key = run(tmp_path, "check")
    assert (no_key.returncode, no_key.stderr) == (EXIT_FAILED, "the configuration has no [[dkim.key]]\n")
    make(tmp_path, "s1", "ed25519")
    no_address = run(tmp_path, "check", "--nameserver", "ns.example.com")
    assert (no_address.returncode, no_address.stderr[:16]) == (EXIT_USAGE, "'ns.example.com'")


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    make(tmp_path, "s1", "ed25519")
    before = (tmp_path / "s1.pem").read_bytes()
    again = run(tmp_path, "new", "example.com", "-s", "s1", "-o", "s1.pem")
    assert again.returncode == EXIT_FAILED
    assert "File exists" in again.stderr
    assert (tmp_path / "s1.pem").read_bytes() == before


def test_a_key_that_others_may_read_is_a_configuration_error(tmp_path: Path) -> None:
    make(tmp_path, "s1", "ed25519")
    (tmp_path / "s1.pem").chmod(0o640)
    said = run(tmp_path, "check")
    assert said.returncode == EXIT_CONFIGURATION
    assert said.stderr.endswith("may be read by others (mode 0640), expected mode 0600\n")


@pytest.mark.parametrize("text", ["127.0.0.1", "127.0.0.1:5353", "::1", "[::1]:5353"])
def test_name_servers_are_given_by_address(text: str) -> None:
    Resolver(text)


@pytest.mark.parametrize(
    "text", ["ns.example.com", "127.0.0.1:x", "127.0.0.1:0", "127.0.0.1:65536", "[::1]", "[::1]:", ":53"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no address"):
        Resolver(text)


def test_the_strings_of_a_record_are_kept_apart() -> None:
    with Nameserver({"a.example": ['"one" "two"'], "b.example": []}) as server:
        resolver = Resolver(server.address)
        assert resolver.txt("a.example") == [(b"one", b"two")]
        assert resolver.txt("b.example") == resolver.txt("c.example") == []
    with Nameserver({}, is_broken=True) as server, pytest.raises(LookupFailed):
        Resolver(server.address).txt("a.example")
