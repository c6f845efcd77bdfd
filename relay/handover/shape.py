"""What a signed export has in it: the files of `mailwitness-export/1`, for writer and checker alike.

    custody.txt  checkpoint  log.vkey  manifest.json  manifest.note
    0001.zip  0001.csv  0001.jsonl                      a volume, its table for people and its list for programs
    0001.mbox …       0001/000001.eml …                 the volume in the other two forms

A list has one canonical JSON value a line (`entry.line_of`). Hashes are hexadecimal SHA-256, times UTC microseconds.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from relay.ledger.canonical import parse_canonical
from relay.ledger.scalars import LedgerError

FORMAT = "mailwitness-export/1"
MANIFEST = "manifest.json"
NOTE = "manifest.note"
CUSTODY = "custody.txt"
CHECKPOINT = "checkpoint"
KEYS = "log.vkey"
STATE = "unfinished.json"
"""How far an export is that is not finished; with it there is no manifest."""
OURS = re.compile(r"[0-9]{4,9}(\.(zip|mbox|csv|jsonl))?")
"""Names of volumes and what belongs to them."""
NUMBERED = re.compile(r"[0-9]{4,9}")
CONTENT = re.compile(r"[0-9]{6,12}\.eml")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TEXTS = ("id", "origin", "made_by", "query", "form", "program", "schedule")
_NUMBERS = ("made_at", "finished_at", "since", "until", "split", "count", "deleted")


class Form(StrEnum):
    """How contents lie in a volume."""

    EML = "eml"
    MBOX = "mbox"
    ZIP = "zip"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the export says it is. `files`: name -> (SHA-256, octets), without the .eml files, which lists name."""

    value: dict[str, Any]
    files: dict[str, tuple[str, int]]
    volumes: dict[str, tuple[int, int]]
    """Name -> messages, and how many of them were deleted."""

    @classmethod
    def parse(cls, octets: bytes) -> Manifest:
        """Raises LedgerError if it is none."""
        value = parse_canonical(octets)
        if not isinstance(value, dict) or value.get("format") != FORMAT:
            raise LedgerError(f"it is not of the format {FORMAT}")
        if set(value) != {"format", "files", "volumes", *_TEXTS, *_NUMBERS}:
            raise LedgerError("it does not have the members that the format asks for")
        if not all(isinstance(value[name], str) for name in _TEXTS) or value["form"] not in list(Form):
            raise LedgerError("a text in it is none")
        if not all(type(value[name]) is int and value[name] >= 0 for name in _NUMBERS):
            raise LedgerError("a number in it is none")
        files = {name: _file(one) for name, one in value["files"].items()}
        volumes = {one["name"]: (one["messages"], one["deleted"]) for one in value["volumes"]}
        if not all(NUMBERED.fullmatch(name) for name in volumes):
            raise LedgerError("a volume has a name that none has")
        needed = {CUSTODY, CHECKPOINT, KEYS}
        for name in volumes:
            needed |= {f"{name}.csv", f"{name}.jsonl"} | ({volume_name(name, value["form"])} - {name})
        if set(files) != needed or len(volumes) != len(value["volumes"]):
            raise LedgerError("its files are not those that its volumes have")
        return cls(value, files, volumes)


def volume_name(name: str, form: str) -> str:
    """The file, or folder, of a volume's contents."""
    return name if form == Form.EML else f"{name}.{form}"


def manifest_text(origin: str, manifest: bytes) -> str:
    """The text of the note that signs the manifest."""
    return f"{FORMAT}\n{origin}\n{hashlib.sha256(manifest).hexdigest()}\n"


def _file(one: Any) -> tuple[str, int]:
    if set(one) != {"sha256", "size"} or type(one["size"]) is not int or _SHA256.fullmatch(one["sha256"]) is None:
        raise LedgerError("what it says of a file is no hash and size")
    return one["sha256"], one["size"]
