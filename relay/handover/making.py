"""A signed export, written into a folder volume by volume: what a search finds, with hashes, and who had it made.

Recording it is the caller's: `Kind.EXPORTED` before the first octet, and again with the manifest's hash at the end.
Memory is flat. After each volume the folder says how far it is (`unfinished.json`): killed there, the export goes on
behind the last finished volume, which is checked first; what is not finished is made again. The manifest, its
signature last, is there only if all is. The checker's half is `checking.py`, the format docs/export.md.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from relay.archive.api import Archive
from relay.archive.api.export import Whole
from relay.archive.query import Query
from relay.handover.checking import Folder, contents_as_listed
from relay.handover.entry import found, record_of
from relay.handover.shape import (
    CHECKPOINT,
    CUSTODY,
    FORMAT,
    KEYS,
    MANIFEST,
    NOTE,
    OURS,
    STATE,
    Form,
    manifest_text,
)
from relay.handover.volume import Closed, Volume
from relay.ledger.canonical import canonical
from relay.ledger.checkpoint import Checkpoint
from relay.ledger.finding import moment
from relay.ledger.note import sign_note, split_note
from relay.ledger.scalars import LedgerError
from relay.notary.evidence import Evidence, Keys

MOST = {Form.EML: 1000, Form.MBOX: 10_000, Form.ZIP: 10_000}
"""Messages in a volume: folders with more are a burden, and a ZIP file keeps its table in memory until it is closed."""


class HandoverError(Exception):
    """The folder cannot be used for this; the text says why."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be exported. `since`, `until`: sequence numbers of capture, `since` itself not included."""

    id: str
    query: str
    form: Form
    made_by: str
    made_at: int
    """UTC microseconds."""
    until: int
    since: int = 0
    split: int = 0
    """Octets of contents in a volume, beyond which another is begun; 0: never."""
    schedule: str = ""
    """Name of the timetable that had it made."""


@dataclass(frozen=True, slots=True)
class Made:
    """`manifest`: its SHA-256."""

    count: int
    deleted: int
    volumes: int
    manifest: str


def prepared(folder: Path, wanted: Wanted) -> None:
    """The folder is there and says what is to be in it. Raises HandoverError: something else is in it; OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise HandoverError(f"{folder}: not empty; an export that was cut off goes on with --resume")
    _write_state(folder, wanted, [])


def unfinished(folder: Path) -> tuple[Wanted, list[Closed]]:
    """What was being exported into the folder and which volumes are finished. Raises HandoverError: nothing is."""
    try:
        value = json.loads((folder / STATE).read_bytes())
        closed = [
            Closed(**{**one, "files": {name: (sha, size) for name, (sha, size) in one["files"].items()}})
            for one in value["volumes"]
        ]
        return Wanted(**{**value["wanted"], "form": Form(value["wanted"]["form"])}), closed
    except FileNotFoundError:
        raise HandoverError(f"{folder}: no export was cut off here") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise HandoverError(f"{folder / STATE}: cannot be read: {error}") from None


def _write_state(folder: Path, wanted: Wanted, closed: list[Closed]) -> None:
    value = {"wanted": asdict(wanted), "volumes": [asdict(one) for one in closed]}
    _put(folder / STATE, json.dumps(value).encode())


def _put(path: Path, octets: bytes) -> None:
    """The file is there with these octets, or as it was; it outlives the power."""
    part = path.with_name(f".{path.name}.part")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def make(
    archive: Archive,
    log: Evidence,
    query: Query,
    folder: Path,
    clock: Callable[[], int],
    progress: Callable[[int], None] = lambda done: None,
) -> Made:
    """Exports what `unfinished(folder)` says is wanted. `query`: what its text means; `archive`: says what is seen.

    Raises HandoverError, NotaryProblem: the log cannot be signed, ArchiveError, OSError.
    """
    wanted, closed = unfinished(folder)
    keys = await log.keys()
    if not (folder / CHECKPOINT).exists():
        _put(folder / CHECKPOINT, (await log.checkpoint()).note.encode())
    await asyncio.to_thread(_tidy, folder, closed, wanted.form)
    making = _Making(archive, wanted, folder, closed, progress)
    closed = await making.run(query)
    finished_at = clock()
    return await asyncio.to_thread(_sealed, folder, wanted, closed, keys, finished_at)


def _tidy(folder: Path, closed: list[Closed], form: Form) -> None:
    """Finished volumes are as they were written; all else of ours is gone. Raises HandoverError."""
    kept: set[str] = {one.name for one in closed}
    for one in closed:
        kept |= set(one.files)
        for name, (sha256, size) in one.files.items():
            if not _is(folder / name, sha256, size):
                raise HandoverError(f"{folder / name}: not as it was written; begin anew in another folder")
        if form is Form.EML:
            try:
                contents_as_listed(Folder(folder), one.name, form)
            except LedgerError as error:
                raise HandoverError(f"{folder}: {error}; begin anew in another folder") from None
    for path in list(folder.iterdir()):
        if path.name.endswith(".part") or (OURS.fullmatch(path.name) and path.name not in kept):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _is(path: Path, sha256: str, size: int) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256 and file.tell() == size
    except OSError:
        return False


class _Making:
    def __init__(
        self, archive: Archive, wanted: Wanted, folder: Path, closed: list[Closed], progress: Callable[[int], None]
    ) -> None:
        self._archive, self._wanted, self._folder, self._closed = archive, wanted, folder, list(closed)
        self._progress = progress
        self._number = sum(one.messages for one in closed)
        self._volume: Volume | None = None

    async def run(self, query: Query) -> list[Closed]:
        """All volumes. One at least, though it be empty."""
        after = self._closed[-1].last if self._closed else self._wanted.since
        try:
            async for one in found(self._archive, query, after, self._wanted.until):
                await self._add(one)
                self._progress(self._number)
            if self._volume is None and not self._closed:
                self._open()
            await self._close()
        finally:
            if self._volume is not None:
                self._volume.abandon()
        return self._closed

    def _open(self) -> Volume:
        self._volume = Volume(self._folder, len(self._closed) + 1, self._wanted.form)
        return self._volume

    async def _close(self) -> None:
        if self._volume is not None:
            self._closed.append(await asyncio.to_thread(self._volume.close))
            self._volume = None
            await asyncio.to_thread(_write_state, self._folder, self._wanted, self._closed)

    async def _add(self, one: Whole) -> None:
        if self._volume is not None and self._is_full(self._volume, one.stored.message.size):
            await self._close()
        volume = self._volume or self._open()
        self._number += 1
        record = record_of(self._number, one.stored)
        if one.stored.deletion is not None:
            volume.note(record, one)
            return
        volume.begin(record, one)
        if one.content is not None:
            volume.feed(one.content)
        else:
            async for piece in self._archive.content_chunks(record.id):
                await asyncio.to_thread(volume.feed, piece)
        volume.end()

    def _is_full(self, volume: Volume, size: int) -> bool:
        wanted = self._wanted
        return volume.messages >= MOST[wanted.form] or (
            wanted.split > 0 and volume.messages > 0 and volume.octets + size > wanted.split
        )


def _sealed(folder: Path, wanted: Wanted, closed: list[Closed], keys: Keys, finished_at: int) -> Made:
    """Writes what stands beside the volumes, the signature last."""
    count, deleted = sum(one.messages for one in closed), sum(one.deleted for one in closed)
    note = (folder / CHECKPOINT).read_text()
    _put(folder / KEYS, "".join(f"{one.vkey}\n" for one in keys.verifiers()).encode())
    program = f"mailwitness {version('mailwitness')}"
    _put(folder / CUSTODY, _custody(wanted, closed, note, program, finished_at).encode("utf-8", "replace"))
    files = {name: _told(one) for volume in closed for name, one in volume.files.items()}
    for name in (CUSTODY, CHECKPOINT, KEYS):
        octets = (folder / name).read_bytes()
        files[name] = _told((hashlib.sha256(octets).hexdigest(), len(octets)))
    value: dict[str, Any] = {
        "format": FORMAT,
        "origin": keys.origin,
        **asdict(wanted),
        "form": wanted.form.value,
        "finished_at": finished_at,
        "count": count,
        "deleted": deleted,
        "program": program,
        "volumes": [{"name": one.name, "messages": one.messages, "deleted": one.deleted} for one in closed],
        "files": files,
    }
    manifest = canonical(value)
    _put(folder / MANIFEST, manifest)
    _put(folder / NOTE, sign_note(manifest_text(keys.origin, manifest), keys.evidence_signers()).encode())
    (folder / STATE).unlink()
    return Made(count, deleted, len(closed), hashlib.sha256(manifest).hexdigest())


def _told(one: tuple[str, int]) -> dict[str, object]:
    return {"sha256": one[0], "size": one[1]}


def _custody(wanted: Wanted, closed: list[Closed], note: str, program: str, finished_at: int) -> str:
    """The note for people: who, when, what. Signed as part of the export."""
    checkpoint = Checkpoint.parse(split_note(note)[0])
    count, deleted = sum(one.messages for one in closed), sum(one.deleted for one in closed)
    query = wanted.query.replace("\n", " ") or "(everything)"
    lines = [
        "CHAIN OF CUSTODY",
        "",
        f"Export          {wanted.id}",
        f"Made by         {wanted.made_by}",
        f"Begun           {moment(wanted.made_at)}",
        f"Finished        {moment(finished_at)}",
        f"Search          {query}",
        f"Captured        after number {wanted.since}, up to number {wanted.until}",
        f"Messages        {count}, the content of {deleted} of them deleted before",
        f"Form            {wanted.form.value}, {len(closed)} volume(s)",
        *([f"Timetable       {wanted.schedule}"] if wanted.schedule else []),
        f"Program         {program}",
        f"Log             {checkpoint.origin}, {checkpoint.size} facts",
        "",
        "That this was asked for is a fact in the log, recorded before the first message was read.",
        "",
        "Volumes (SHA-256, octets, name):",
        *(f"{sha}  {size}  {name}" for one in closed for name, (sha, size) in sorted(one.files.items())),
        "",
        "The checkpoint of the log:",
        "",
        note,
    ]
    return "\n".join(lines)
