"""What a bundle has in it: names and shapes of the members of `mailwitness-evidence/1`, for writer and checker alike.

    README.txt  verify.py  log.vkey  policy  checkpoint
    timestamps/SIZE/{checkpoint,consistency,NAME.tsr,NAME.pem}
    messages/ID/{original.eml,envelope.json,leaves.jsonl,proofs/INDEX.tlog-proof,smtp.jsonl,tls.json,transforms.json}
    messages/ID/{sent/ATTEMPT.eml,dkim/keys.jsonl,events/PAYLOAD.{json,body,NAME.pem},audit.jsonl}
    manifest.json  manifest.note

JSON is canonical (`canonical.py`); a .jsonl file has one value a line. Times are UTC microseconds, hashes hexadecimal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from relay.ledger.canonical import CanonicalError, canonical, parse_canonical
from relay.ledger.note import Verifier
from relay.ledger.scalars import LedgerError
from relay.model.edit import Edit

FORMAT = "mailwitness-evidence/1"
MANIFEST = "manifest.json"
NOTE = "manifest.note"
README = "README.txt"
VERIFIER = "verify.py"
LOG_KEYS = "log.vkey"
POLICY = "policy"
CHECKPOINT = "checkpoint"
MESSAGES = "messages"
TIMESTAMPS = "timestamps"


class Folder(Mapping[str, bytes]):
    """Members whose names begin with a prefix, by the rest of their names. `whole`: the bundle."""

    def __init__(self, whole: Mapping[str, bytes], prefix: str, names: Iterable[str]) -> None:
        self.whole = whole
        self.prefix = prefix
        self._names = dict.fromkeys(names)

    def __getitem__(self, name: str) -> bytes:
        """Raises LedgerError if there is none: what is asked for belongs there."""
        whole = self.prefix + name
        if whole not in self.whole:
            raise LedgerError(f"{whole} is missing")
        return self.whole[whole]

    def find(self, name: str) -> bytes | None:
        """None: there is none, and none is needed."""
        return self.whole.get(self.prefix + name)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def folders(members: Mapping[str, bytes], top: str) -> dict[str, Folder]:
    """The folders in the folder `top`, by name, in the order of the file."""
    names: dict[str, list[str]] = {}
    for name in members:
        first, _, rest = name.partition("/")
        folder, _, inner = rest.partition("/")
        if first == top and inner:
            names.setdefault(folder, []).append(inner)
    return {folder: Folder(members, f"{top}/{folder}/", inner) for folder, inner in names.items()}


def manifest_text(origin: str, manifest: bytes) -> str:
    """The text of the note that signs the manifest."""
    return f"{FORMAT}\n{origin}\n{hashlib.sha256(manifest).hexdigest()}\n"


def evidence_name(origin: str) -> str:
    """The name under which the log's key signs manifests: never the one under which it signs checkpoints."""
    return f"{origin}/evidence"


def evidence_keys(keys: Iterable[Verifier]) -> list[Verifier]:
    """The keys of a log under the name that signs manifests."""
    return [Verifier(evidence_name(key.name), key.key) for key in keys]


def write_lines(values: Iterable[object]) -> bytes:
    """A .jsonl member."""
    return b"".join(canonical(value) + b"\n" for value in values)


def read_lines(data: bytes) -> list[Any]:
    """The values of a .jsonl member. Raises LedgerError with the number of the line that is none."""
    *lines, rest = data.split(b"\n")
    if rest:
        raise LedgerError("the last line is not ended: something may be missing")
    values = []
    for number, line in enumerate(lines, 1):
        try:
            values.append(parse_canonical(line))
        except CanonicalError as error:
            raise LedgerError(f"line {number}: {error}") from None
    return values


def rebuilt(original: bytes, edits: Sequence[Edit]) -> bytes:
    """The octets that were sent: the original with every edit applied. Raises LedgerError: the edits do not fit it."""
    pieces, position = [], 0
    for edit in edits:
        if not position <= edit.start <= edit.stop <= len(original):
            raise LedgerError(f"the edit {edit.step} [{edit.start}, {edit.stop}) does not fit the original")
        pieces += [original[position : edit.start], edit.replacement]
        position = edit.stop
    return b"".join([*pieces, original[position:]])
