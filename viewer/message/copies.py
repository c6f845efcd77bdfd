"""A copy as it was sent, for showing: rebuilt, checked against its hash, compared with the original. Pure; in a thread.

Changed parts that are quoted-printable or base64 are compared once more as they decode, where they are small enough.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import takewhile

from relay.model.delivery import Attempt
from relay.model.edit import Edit
from relay.rendition.charsets import to_text
from relay.rendition.decode import decode_body, parameter
from relay.rendition.edit import splice
from relay.rendition.mime import Part, parse, walk
from viewer.message.comparison import Comparison, compare

MAX_DECODED = 200_000
"""Octets of a decoded part that is compared: what changed in it is found by looking, not known."""
MAX_CHUNKS = 4000
MAX_PARTS = 3


@dataclass(frozen=True, slots=True)
class StepFacts:
    """What one step did: how many edits, octets that went, octets that came."""

    step: str
    edits: int
    removed: int
    added: int


@dataclass(frozen=True, slots=True)
class DecodedPart:
    """A changed part as it decodes."""

    number: int
    content_type: str
    transfer_encoding: str
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class Copy:
    """`is_verified`: rebuilt, and its SHA-256 is the one noted before it went out; if not, there is nothing else."""

    is_verified: bool
    steps: tuple[StepFacts, ...] = ()
    comparison: Comparison = field(default_factory=lambda: Comparison(()))
    decoded: tuple[DecodedPart, ...] = ()


def rebuilt(content: bytes, attempt: Attempt) -> bytes | None:
    """The octets sent, or None if they are not those whose hash was kept."""
    try:
        wire = splice(content, attempt.edits)
    except ValueError:
        return None
    return wire if hashlib.sha256(wire).digest() == attempt.wire_sha256 else None


def copy_of(content: bytes, attempt: Attempt) -> Copy:
    wire = rebuilt(content, attempt)
    if wire is None:
        return Copy(is_verified=False)
    decoded = tuple(_decoded(content, wire, attempt.edits)) if attempt.edits else ()
    return Copy(True, steps_of(attempt.edits), compare(content, attempt.edits), decoded)


def steps_of(edits: Sequence[Edit]) -> tuple[StepFacts, ...]:
    """One for each step, in the order in which they first stand in the message."""
    sums: dict[str, list[int]] = {}
    for edit in edits:
        facts = sums.setdefault(edit.step, [0, 0, 0])
        facts[0] += 1
        facts[1] += edit.stop - edit.start
        facts[2] += len(edit.replacement)
    return tuple(StepFacts(step, *facts) for step, facts in sums.items())


def _decoded(content: bytes, wire: bytes, edits: Sequence[Edit]) -> Iterator[DecodedPart]:
    """The first changed leaves with a transfer encoding; none where the two trees differ."""
    before, after = list(walk(parse(content))), list(walk(parse(wire)))
    if len(before) != len(after):
        return
    found = 0
    for part, sent in zip(before, after, strict=True):
        if part.children or part.transfer_encoding not in ("quoted-printable", "base64"):
            continue
        if found == MAX_PARTS or sent.stop - sent.body_start > 2 * MAX_DECODED or not _is_touched(part, edits):
            continue
        old, new = _text(part, content), _text(sent, wire)
        changes = differences(old, new)
        if changes:
            found += 1
            yield DecodedPart(part.number, part.content_type, part.transfer_encoding, compare(old, changes))


def _is_touched(part: Part, edits: Sequence[Edit]) -> bool:
    return any(edit.start < part.stop and edit.stop > part.body_start and edit.step != "line-ends" for edit in edits)


def _text(part: Part, content: bytes) -> bytes:
    """The part decoded, as UTF-8."""
    return to_text(decode_body(part, content), parameter(part.parameters, "charset") or "").encode("utf-8", "replace")


def differences(old: bytes, new: bytes) -> tuple[Edit, ...]:
    """Edits that make `new` of `old`, found tag by tag and line by line; none if there is too much to look at."""
    before, after = _CHUNK.findall(old), _CHUNK.findall(new)
    if old == new or max(len(old), len(new)) > MAX_DECODED or max(len(before), len(after)) > MAX_CHUNKS:
        return ()
    places = [0]
    for chunk in before:
        places.append(places[-1] + len(chunk))
    edits = []
    for kind, first, last, start, stop in SequenceMatcher(None, before, after).get_opcodes():
        if kind != "equal":
            edits.append(_narrowed(places[first], b"".join(before[first:last]), b"".join(after[start:stop])))
    return tuple(edits)


_CHUNK = re.compile(rb"<[^<\n]*\n?|[^<\n]+\n?|\n")
"""A tag with the text behind it, or a line."""


def _narrowed(start: int, old: bytes, new: bytes) -> Edit:
    """The edit without what both have at the beginning and at the end."""
    head = _shared(old, new)
    most = min(len(old), len(new)) - head
    tail = _shared(old[::-1][:most], new[::-1][:most])
    return Edit(start + head, start + len(old) - tail, new[head : len(new) - tail], "decoded")


def _shared(one: bytes, other: bytes) -> int:
    """How many octets both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
