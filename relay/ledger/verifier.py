"""Checks an evidence bundle in a file, offline, and says in plain words what holds, what does not, and what stays open.

This is also the program `verify.py` that lies in each bundle (`standalone.py`).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO

from relay.ledger.checking import Trust, check_bundle
from relay.ledger.container import Container, ContainerError
from relay.ledger.finding import Finding, Report, State
from relay.ledger.note import Verifier
from relay.ledger.policy import Policy
from relay.ledger.scalars import LedgerError

USAGE_ERROR = 64
"""EX_USAGE: it was called wrongly, or there is no such file."""


class BundleFile(Mapping[str, bytes]):
    """The members of a container; each is read when it is asked for."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._names = dict.fromkeys(container.names)

    def __getitem__(self, name: str) -> bytes:
        return self._container.read(name)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def verify_stream(stream: BinaryIO, trust: Trust) -> Report:
    """What can be said about the bundle that a seekable stream has. OSError as the stream raises it."""
    try:
        container = Container(stream)
    except ContainerError as error:
        return Report((Finding(State.FAILS, "the file", f"{error}."),))
    return Report(tuple(check_bundle(BundleFile(container), trust).found))


def verify(path: str, key: str | None = None, *, policy: str | None = None) -> Report:
    """What can be said about the bundle in a file.

    `key`: a verifier key of the log (`name+id+key`) from elsewhere, several with spaces between; `policy`: the text of
    a policy from elsewhere (c2sp.org/tlog-policy). Raises OSError; LedgerError: key or policy are none.
    """
    keys = tuple(Verifier.parse(each) for each in (key or "").split())
    trust = Trust(keys, None if policy is None else Policy.parse(policy))
    with open(path, "rb") as stream:
        return verify_stream(stream, trust)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Exit status: 0 nothing is wrong, 65 something is, 64 it was called wrongly."""
    parser = argparse.ArgumentParser(description="Checks an evidence bundle of Mailwitness, offline.")
    parser.add_argument("file", help="the bundle, a .zip file")
    parser.add_argument(
        "--key", action="append", default=[], help="a public key of the log, from elsewhere; repeatable"
    )
    parser.add_argument("--policy", metavar="FILE", help="whom to believe, from elsewhere (c2sp.org/tlog-policy)")
    try:
        options = parser.parse_args(arguments)
    except SystemExit as leaving:
        return USAGE_ERROR if leaving.code else 0
    try:
        policy = None
        if options.policy:
            with open(options.policy, encoding="utf-8") as lines:
                policy = lines.read()
        report = verify(options.file, " ".join(options.key), policy=policy)
    except (LedgerError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return USAGE_ERROR
    sys.stdout.write(report.text())
    return report.exit_status
