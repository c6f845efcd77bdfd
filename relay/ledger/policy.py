"""What must have signed a checkpoint for it to be believed: logs, witnesses and a quorum (c2sp.org/tlog-policy).

    log mail.example.com/log+530d903a+AekyeRrm…
    witness north witness.example/north+…
    witness south witness.example/south+…
    group both all north south
    quorum both

A checkpoint is good if one of the logs signed it and the quorum cosigned it. A group takes part if at least so many of
its members do (`any`: one, `all`: each, or a number); `quorum none` asks for no witness. Nothing may be named before
the line that says what it is, so groups cannot run in circles; each name is a member once, so no witness counts twice.
Stricter than the specification in two things: a policy is UTF-8, and its last line has its end, so none is cut off.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from relay.ledger.checkpoint import Checkpoint
from relay.ledger.note import KeyType, Opened, Verifier, open_note
from relay.ledger.scalars import LedgerError, read_decimal, read_text, shown

NONE = "none"
"""The quorum that asks for nobody."""
_ALLOWED = re.compile(r"[\t\n\x20-\x7e\x80-\U0010ffff]*")
_BLANK = re.compile(r"[ \t]+")
_WORD = re.compile(r"[\x21-\x7e\x80-\U0010ffff]+")


class PolicyError(LedgerError):
    """The policy cannot be read, or a checkpoint does not meet it."""


@dataclass(frozen=True, slots=True)
class Log:
    verifier: Verifier
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Witness:
    name: str
    """Within this policy only; the key has a name of its own."""
    verifier: Verifier
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Takes part if at least `threshold` of its members (witnesses or groups) do."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """Whom to believe. `PolicyError`: it names what it does not say, or something twice."""

    logs: tuple[Log, ...]
    witnesses: tuple[Witness, ...] = ()
    groups: tuple[Group, ...] = ()
    """Each after the groups that it names."""
    quorum: str = NONE

    def __post_init__(self) -> None:
        _check_keys("log", KeyType.ED25519, [log.verifier for log in self.logs])
        _check_keys("witness", KeyType.COSIGNATURE, [witness.verifier for witness in self.witnesses])
        for url in [log.url for log in self.logs] + [witness.url for witness in self.witnesses]:
            _check_word(url or NONE)
        named, members = {NONE}, set[str]()
        for name in (witness.name for witness in self.witnesses):
            _define(name, named)
        for group in self.groups:
            for member in group.members:
                if member == NONE or member not in named or member in members:
                    raise PolicyError(f"group {group.name} names {shown(member)}, which is not a free member")
                members.add(member)
            if not 1 <= group.threshold <= len(group.members):
                raise PolicyError(f"group {group.name} asks for {group.threshold} of {len(group.members)} members")
            _define(group.name, named)
        if self.quorum not in named:
            raise PolicyError(f"the quorum {shown(self.quorum)} is not said to be anything")

    @classmethod
    def parse(cls, octets: bytes | str) -> Self:
        """The policy that the lines of a file write; `PolicyError` (`NoteError`: of a key) says what is wrong."""
        whole = read_text(octets, "the policy", PolicyError)
        if not _ALLOWED.fullmatch(whole):
            raise PolicyError("the policy has a control character in it")
        *lines, rest = whole.split("\n")
        if rest:
            raise PolicyError("the last line of the policy is not ended: something may be missing")
        reading = _Reading([], [], [], [], {NONE})
        for line in lines:
            words = [word for word in _BLANK.split(line) if word]
            if words and not words[0].startswith("#"):
                reading.take(words)
        if len(reading.quorum) != 1:
            raise PolicyError(f"a policy has one quorum line, not {len(reading.quorum)}")
        return cls(tuple(reading.logs), tuple(reading.witnesses), tuple(reading.groups), reading.quorum[0])

    def encode(self) -> str:
        """The lines of the file: logs, witnesses, groups, quorum."""
        lines = [["log", log.verifier.vkey, log.url or ""] for log in self.logs]
        lines += [["witness", witness.name, witness.verifier.vkey, witness.url or ""] for witness in self.witnesses]
        lines += [["group", group.name, str(group.threshold), *group.members] for group in self.groups]
        lines += [["quorum", self.quorum]]
        return "".join(" ".join(line).rstrip() + "\n" for line in lines)

    @property
    def verifiers(self) -> tuple[Verifier, ...]:
        """All keys, of logs and of witnesses."""
        return (*(log.verifier for log in self.logs), *(witness.verifier for witness in self.witnesses))

    def is_met_by(self, witnesses: Iterable[str]) -> bool:
        """Whether the quorum is reached if the witnesses of these names have cosigned."""
        taking_part = {NONE, *witnesses}
        for group in self.groups:
            if sum(member in taking_part for member in group.members) >= group.threshold:
                taking_part.add(group.name)
        return self.quorum in taking_part


@dataclass(frozen=True, slots=True)
class Witnessed:
    """Who cosigned, and when (Unix seconds, by the witness's clock)."""

    witness: Witness
    time: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """A checkpoint that meets a policy, who signed it, and who cosigned."""

    checkpoint: Checkpoint
    log: Log
    witnessed: tuple[Witnessed, ...]


def accept(note: bytes | str, policy: Policy) -> Accepted:
    """What the signed checkpoint says, if the policy believes it.

    `NoteError`: it is no checkpoint, or a known signature is wrong. `PolicyError`: no log of the policy signed it in
    its own name, or the quorum did not cosign.
    """
    opened = open_note(note, policy.verifiers)
    checkpoint = Checkpoint.parse(opened.text)
    log = _log_of(checkpoint, opened, policy)
    times = {signature.verifier: signature.time for signature in opened.signatures if signature.time is not None}
    witnessed = [Witnessed(each, times[each.verifier]) for each in policy.witnesses if each.verifier in times]
    if not policy.is_met_by(each.witness.name for each in witnessed):
        names = ", ".join(each.witness.name for each in witnessed) or "nobody"
        raise PolicyError(f"the quorum {policy.quorum} is not reached: the checkpoint is cosigned by {names}")
    return Accepted(checkpoint, log, tuple(witnessed))


def _log_of(checkpoint: Checkpoint, opened: Opened, policy: Policy) -> Log:
    signed = {signature.verifier for signature in opened.signatures}
    for log in policy.logs:
        if log.verifier in signed and log.verifier.name == checkpoint.origin:
            return log
    raise PolicyError(f"no known key of the log {checkpoint.origin} signed the checkpoint")


@dataclass(frozen=True, slots=True)
class _Reading:
    """The lines of a policy so far. `named`: what a later line may name."""

    logs: list[Log]
    witnesses: list[Witness]
    groups: list[Group]
    quorum: list[str]
    named: set[str]

    def take(self, words: list[str]) -> None:
        match words:
            case ["log", vkey, *url] if len(url) < 2:
                self.logs.append(Log(Verifier.parse(vkey), *url))
            case ["witness", name, vkey, *url] if len(url) < 2:
                _define(name, self.named)
                self.witnesses.append(Witness(name, Verifier.parse(vkey), *url))
            case ["group", name, count, *members] if members:
                threshold = {"any": 1, "all": len(members)}.get(count)
                if threshold is None:
                    threshold = read_decimal(count, f"the number of members of group {name}", PolicyError)
                self._check_before(members)
                _define(name, self.named)
                self.groups.append(Group(name, threshold, tuple(members)))
            case ["quorum", name]:
                self._check_before([name])
                self.quorum.append(name)
            case _:
                raise PolicyError(f"the policy has a line that is not understood: {shown(' '.join(words))}")

    def _check_before(self, names: list[str]) -> None:
        for name in names:
            if name not in self.named:
                raise PolicyError(f"the policy names {shown(name)} before it says what it is")


def _define(name: str, named: set[str]) -> None:
    _check_word(name)
    if name in named:
        raise PolicyError(f"the policy says twice what {shown(name)} is")
    named.add(name)


def _check_word(word: str) -> None:
    if not _WORD.fullmatch(word):
        raise PolicyError(f"not a word of a policy: {shown(word)}")


def _check_keys(what: str, kind: KeyType, verifiers: list[Verifier]) -> None:
    for verifier in verifiers:
        if verifier.type != kind:
            raise PolicyError(f"the key {verifier.name} is not of the type of a {what}'s")
    if len({verifier.key for verifier in verifiers}) != len(verifiers):
        raise PolicyError(f"the policy names the same key for two of kind {what}")
