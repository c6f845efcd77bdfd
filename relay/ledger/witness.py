"""What a log asks of a witness, and how a witness decides (c2sp.org/tlog-witness v1, add-checkpoint). No HTTP here.

    old 20852014                                            POST <prefix>/add-checkpoint
    PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=            how the log has grown since: a consistency path
                                                            an empty line
    example.com/behind-the-sofa                             the signed checkpoint
    …

200: the cosignature lines. 409: the size that the witness has seen, to be asked again from there. A witness vouches for
one thing: that every checkpoint it signs continues the one before. So nobody can be shown another history.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from relay.ledger.checkpoint import Checkpoint
from relay.ledger.hashing import EMPTY_ROOT, hash_line, read_hash
from relay.ledger.note import NoteError, SignatureLine, Signer, Verifier, open_note, split_note
from relay.ledger.scalars import LedgerError, read_decimal, read_text, shown
from relay.ledger.tree import ProofError, verify_consistency

SIZE_TYPE = "text/x.tlog.size"
"""Content-Type of the answer 409."""
TEXT_TYPE = "text/plain; charset=utf-8"
LONGEST_PATH_SENT = 63
"""Hashes of a consistency path that a witness takes."""
_MOST_WORDS = 200
_OK, _BAD, _FORBIDDEN, _UNKNOWN, _CONFLICT, _INCONSISTENT = 200, 400, 403, 404, 409, 422


class WitnessError(LedgerError):
    """The request is none, or the answer of a witness is not one that it may give."""


@dataclass(frozen=True, slots=True)
class Request:
    """The checkpoint to be cosigned, and how it continues the tree of `old` leaves. 0: from nothing, without a path."""

    old: int
    path: tuple[bytes, ...]
    checkpoint: str
    """The signed note."""

    def encode(self) -> str:
        """The body of the request."""
        return f"old {self.old}\n" + "".join(f"{hash_line(digest)}\n" for digest in self.path) + f"\n{self.checkpoint}"

    @classmethod
    def parse(cls, body: bytes | str) -> Self:
        """The request that a body writes; `WitnessError` if it is none."""
        head, _, checkpoint = read_text(body, "the request", WitnessError).partition("\n\n")
        first, *lines = head.split("\n")
        if not first.startswith("old ") or len(lines) > LONGEST_PATH_SENT or not checkpoint:
            raise WitnessError(f"not a request to a witness: {shown(head)}")
        old = read_decimal(first.removeprefix("old "), "the old size", WitnessError)
        return cls(old, tuple(read_hash(line, "a hash of the path", WitnessError) for line in lines), checkpoint)


@dataclass(frozen=True, slots=True)
class Cosigned:
    """The witness cosigned: lines to go below the checkpoint (`add_signatures`). `time`: Unix seconds, by its clock."""

    lines: tuple[SignatureLine, ...]
    time: int


@dataclass(frozen=True, slots=True)
class Behind:
    """The witness saw another size last: ask again with a path from `size`, if the log has more leaves than that."""

    size: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The witness did not cosign and will not if asked the same again, unless it was out of order (5yz, 429)."""

    status: int
    words: str
    """What it says, cut to a line's length; anybody's text."""
    is_passing: bool = False


Answer = Cosigned | Behind | Refused


def read_answer(status: int, body: bytes, request: Request, witnesses: Iterable[Verifier]) -> Answer:
    """What a witness answered to the request. `witnesses`: the keys it is known by; lines of others are passed over.

    `WitnessError` or `NoteError`: it answered what it may not, as a signature that is wrong or none of a known key. The
    cosignature is then as if it had not been given.
    """
    if status == _OK:
        return _cosigned(read_text(body, "the answer of the witness", WitnessError), request, tuple(witnesses))
    if status == _CONFLICT:
        text = read_text(body, "the answer of the witness", WitnessError)
        size = read_decimal(text.removesuffix("\n"), "the size that the witness has seen", WitnessError)
        if size != request.old:
            return Behind(size)
        return Refused(status, "the witness has seen another tree of the same size")
    words = " ".join(body[: 4 * _MOST_WORDS].decode("utf-8", "replace").split())[:_MOST_WORDS]
    return Refused(status, words, is_passing=status >= 500 or status in (408, 429))


def _cosigned(body: str, request: Request, witnesses: Sequence[Verifier]) -> Cosigned:
    text, _ = split_note(request.checkpoint)
    opened = open_note(f"{text}\n{body}", witnesses)
    times = [signature.time for signature in opened.signatures if signature.time is not None]
    if opened.text != text or not times:
        raise WitnessError("the answer of the witness has no cosignature of it")
    known = {(witness.name, witness.key_id) for witness in witnesses}
    lines = (line for line in split_note(f"{text}\n{body}")[1] if (line.name, line.key_id) in known)
    return Cosigned(tuple(lines), max(times))


@dataclass(frozen=True, slots=True)
class Seen:
    """The largest tree of a log that a witness has cosigned; so none."""

    size: int = 0
    root: bytes = EMPTY_ROOT


@dataclass(frozen=True, slots=True)
class Decision:
    """What a witness answers. `seen`: to be stored before it is given, and only if what was read is still so."""

    status: int
    body: str
    content_type: str = TEXT_TYPE
    seen: Seen | None = None


def decide(body: bytes | str, logs: Iterable[Verifier], seen: Seen, signer: Signer, now: int) -> Decision:
    """What a witness answers to a request. `logs`: keys of the logs that it witnesses, named by their origin.

    `seen`: what it last cosigned of that log (`Request.parse` and `Checkpoint.parse` say of which).
    `now`: Unix seconds.
    """
    try:
        request = Request.parse(body)
        text, _ = split_note(request.checkpoint)
        checkpoint = Checkpoint.parse(text)
    except LedgerError as error:
        return Decision(_BAD, f"{error}\n")
    keys = [log for log in logs if log.name == checkpoint.origin]
    if not keys:
        return Decision(_UNKNOWN, "the log is not known here\n")
    try:
        open_note(request.checkpoint, keys)
    except NoteError as error:
        return Decision(_FORBIDDEN, f"{error}\n")
    return _decide_growth(request, checkpoint, text, seen, signer, now)


def _decide_growth(
    request: Request, checkpoint: Checkpoint, text: str, seen: Seen, signer: Signer, now: int
) -> Decision:
    if request.old > checkpoint.size:
        return Decision(_BAD, "the old size is larger than the new one\n")
    same_size_other_root = checkpoint.size == seen.size and checkpoint.root != seen.root
    if request.old != seen.size or same_size_other_root:
        return Decision(_CONFLICT, f"{seen.size}\n", SIZE_TYPE)
    try:
        verify_consistency(request.old, checkpoint.size, seen.root, checkpoint.root, request.path)
    except ProofError as error:
        return Decision(_INCONSISTENT, f"{error}\n")
    return Decision(_OK, signer.line(text, now).encode(), seen=Seen(checkpoint.size, checkpoint.root))
