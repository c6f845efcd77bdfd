"""Checks a signed export, a folder or the ZIP file of one, offline: every file, every content, and who signed.

A key is trusted only if it came from outside. Memory is flat: contents are hashed as they are read.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from relay.handover.shape import CHECKPOINT, CONTENT, FORMAT, KEYS, MANIFEST, NOTE, Form, Manifest, manifest_text
from relay.ledger.canonical import parse_canonical
from relay.ledger.checkpoint import Checkpoint
from relay.ledger.finding import Findings, Report, moment
from relay.ledger.layout import evidence_keys
from relay.ledger.note import Verifier, open_note
from relay.ledger.scalars import LedgerError

PIECE = 1024 * 1024
LONGEST_LINE = 16 * 1024 * 1024
MOST_MANIFEST = 64 * 1024 * 1024
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


class Place(Protocol):
    """Where the files of an export lie."""

    def names(self) -> list[str]:
        """All of them, with `/` between folder and file; one twice if it is there twice."""

    def open(self, name: str) -> IO[bytes]:
        """Raises LedgerError if it is not there."""


class Folder:
    """A folder. What is neither a file nor a folder is named like a file, and cannot be opened."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        return sorted(self._walk(self._path, ""))

    def _walk(self, folder: Path, prefix: str) -> Iterator[str]:
        for entry in os.scandir(folder):
            if entry.is_dir(follow_symlinks=False):
                yield from self._walk(Path(entry.path), f"{prefix}{entry.name}/")
            else:
                yield prefix + entry.name

    def open(self, name: str) -> IO[bytes]:
        path = self._path / name
        if path.is_symlink() or not path.is_file():
            raise LedgerError(f"{name} is missing")
        return path.open("rb")


class Packed:
    """The members of a ZIP file. zipfile checks the CRC of each that is read whole."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file

    def names(self) -> list[str]:
        return self._file.namelist()

    def open(self, name: str) -> IO[bytes]:
        try:
            return self._file.open(name)
        except (KeyError, *_BROKEN):
            raise LedgerError(f"{name} is missing, or its header is spoilt") from None


@dataclass(frozen=True, slots=True)
class Line:
    """What is needed of one line of a volume's list."""

    id: str
    file: str
    sha256: str
    size: int
    leaf: int | None
    is_deleted: bool


def is_export(path: Path) -> bool:
    """Whether it is a folder, or a ZIP file that calls itself a signed export."""
    if path.is_dir():
        return True
    try:
        with zipfile.ZipFile(path) as file, file.open(MANIFEST) as manifest:
            return FORMAT.encode() in manifest.read(MOST_MANIFEST)
    except (OSError, KeyError, *_BROKEN):
        return False


def verify_export(path: Path, keys: Sequence[Verifier] = ()) -> Report:
    """What can be said about the export. `keys`: of the log, from elsewhere. OSError: it cannot be read."""
    if path.is_dir():
        return Report(tuple(check_export(Folder(path), keys).found))
    try:
        with zipfile.ZipFile(path) as file:
            return Report(tuple(check_export(Packed(file), keys).found))
    except _BROKEN as error:
        findings = Findings()
        findings.fails("the file", f"It is no ZIP file that can be read: {error}.")
        return Report(tuple(findings.found))


def check_export(place: Place, keys: Sequence[Verifier]) -> Findings:
    """Everything that can be said about the files of an export."""
    findings = Findings()
    manifest: Manifest | None = None
    octets = b""
    with _about(findings, MANIFEST):
        octets = _read(place, MANIFEST)
        manifest = Manifest.parse(octets)
    if manifest is None:
        return findings
    own: list[Verifier] = []
    with _about(findings, KEYS):
        own = [Verifier.parse(line) for line in _read(place, KEYS).decode().splitlines()]
    with _about(findings, NOTE):
        _check_note(place, manifest, octets, own, keys, findings)
    size = 0
    with _about(findings, CHECKPOINT):
        size = _check_checkpoint(place, manifest, keys or own)
        findings.holds(CHECKPOINT, f"The log {manifest.value['origin']} was signed with {size} facts.")
    _check_files(place, manifest, findings)
    _check_volumes(place, manifest, size, findings)
    return findings


def _check_note(
    place: Place, manifest: Manifest, octets: bytes, own: list[Verifier], keys: Sequence[Verifier], findings: Findings
) -> None:
    opened = open_note(_read(place, NOTE), evidence_keys(keys or own))
    value = manifest.value
    if opened.text != manifest_text(value["origin"], octets):
        raise LedgerError("it is not this manifest that was signed")
    findings.holds(MANIFEST, f"It was signed with the key {opened.signatures[0].verifier.vkey}.")
    findings.holds(
        "custody",
        f"Made by {value['made_by']} on {moment(value['made_at'])}: {value['count']} messages, search "
        f"{value['query'] or '(everything)'}, {value['program']}.",
    )
    if not keys:
        findings.unknown(KEYS, "Whether this is the key of the log: it came with the export. Give it with --key.")


def _check_checkpoint(place: Place, manifest: Manifest, keys: Sequence[Verifier]) -> int:
    checkpoint = Checkpoint.parse(open_note(_read(place, CHECKPOINT), keys).text)
    if checkpoint.origin != manifest.value["origin"]:
        raise LedgerError("it is of another log")
    return checkpoint.size


def _check_files(place: Place, manifest: Manifest, findings: Findings) -> None:
    failures = findings.failures()
    for name, (sha256, size) in manifest.files.items():
        with _about(findings, name):
            if _hashed(place, name) != (sha256, size):
                raise LedgerError("it is not what was exported: its SHA-256 is another")
    if findings.failures() == failures:
        findings.holds(MANIFEST, f"All {len(manifest.files)} files are there, unchanged.")


def _check_volumes(place: Place, manifest: Manifest, size: int, findings: Findings) -> None:
    form, count, deleted = Form(manifest.value["form"]), 0, 0
    known = {MANIFEST, NOTE, *manifest.files}
    for name, told in manifest.volumes.items():
        with _about(findings, name):
            lines = contents_as_listed(place, name, form)
            if any(line.leaf is not None and not 0 <= line.leaf < size for line in lines):
                raise LedgerError("it names a fact that the log of the checkpoint does not have")
            found = len(lines), sum(line.is_deleted for line in lines)
            if found != told:
                raise LedgerError("it has not as many messages as the manifest says")
            count, deleted = count + found[0], deleted + found[1]
            if form is Form.EML:
                known |= {line.file for line in lines if line.file}
            whole = "its octets as a whole" if form is Form.MBOX else "each content"
            findings.holds(name, f"{found[0]} messages; {whole} as listed.")
    if not findings.failures() and (count, deleted) != (manifest.value["count"], manifest.value["deleted"]):
        findings.fails(MANIFEST, "The number of messages is not that of the volumes.")
    seen: set[str] = set()
    for name in place.names():
        if name not in known or name in seen:
            findings.fails(name, "It is there, but not in what was signed.")
        seen.add(name)


def contents_as_listed(place: Place, name: str, form: Form) -> list[Line]:
    """The list of a volume, each content of which has its hash and size. Raises LedgerError: one has not.

    Of mbox the contents are not compared: it changes line ends, so only the file as a whole has a hash.
    """
    lines = list(_listed(place, f"{name}.jsonl"))
    if form is Form.EML:
        for line in lines:
            folder, _, file = line.file.partition("/")
            if line.file and (
                folder != name or not CONTENT.fullmatch(file) or _hashed(place, line.file) != _told(line)
            ):
                raise LedgerError(f"{line.file} is not the content that was captured")
    if form is Form.ZIP:
        with place.open(f"{name}.zip") as stream, zipfile.ZipFile(stream) as volume:
            packed = Packed(volume)
            if sorted(packed.names()) != sorted(["manifest.csv", *(line.file for line in lines if line.file)]):
                raise LedgerError("the members of the ZIP file are not those of its list")
            for line in lines:
                if line.file and _hashed(packed, line.file) != _told(line):
                    raise LedgerError(f"{line.file} is not the content that was captured")
    return lines


def _listed(place: Place, name: str) -> Iterator[Line]:
    with place.open(name) as stream:
        while octets := stream.readline(LONGEST_LINE):
            if not octets.endswith(b"\n"):
                raise LedgerError("the last line is not ended: something is missing")
            value: dict[str, Any] = parse_canonical(octets[:-1])
            is_deleted = bool(value["deleted"])
            if is_deleted == bool(value["file"]):
                raise LedgerError(f"{value['id']} has a content and was deleted, or neither")
            yield Line(value["id"], value["file"], value["sha256"], value["size"], value["leaf"], is_deleted)


def _told(line: Line) -> tuple[str, int]:
    return line.sha256, line.size


def _hashed(place: Place, name: str) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with place.open(name) as stream:
        while piece := stream.read(PIECE):
            digest.update(piece)
            size += len(piece)
    return digest.hexdigest(), size


def _read(place: Place, name: str) -> bytes:
    """A small file. Raises LedgerError: it is not there, or not small."""
    with place.open(name) as stream:
        octets = stream.read(MOST_MANIFEST + 1)
    if len(octets) > MOST_MANIFEST:
        raise LedgerError("it is too long to be one")
    return octets


@contextmanager
def _about(findings: Findings, subject: str) -> Iterator[None]:
    with findings.about(subject):
        try:
            yield
        except _BROKEN as error:
            raise LedgerError(f"it cannot be unpacked: {error}") from None
