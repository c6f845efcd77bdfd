"""What lies beside the archive in its folder and may name a person: files that we made of messages.

- `exports`: of the viewer, waiting to be fetched or being written. A job that finds its file gone says so.
- `outgoing`: of a timetable, on their way to a bucket. The next try makes another, without the person.
- `import-*.spool`: left by an import that was killed; one that is at work takes its own away.

All of it can be had again, so an erasure takes it away whole, and so does a run of retention that took something from
the archive: what is in it was packed before. Not ours, and told
(`elsewhere`): folders and buckets where exports were handed over, the journal's other archive.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from relay.config.handover import Export

EXPORTS = "exports"
OUTGOING = "outgoing"
IMPORT_LOCK = "import.lock"
SPOOLS = "import-*.spool"


class ImportAtWork(Exception):
    """Somebody imports into this archive at this moment."""


@contextmanager
def sole_import(folder: Path) -> Iterator[None]:
    """Nobody else imports meanwhile; what a killed import left is taken away. Raises ImportAtWork, OSError."""
    descriptor = os.open(folder / IMPORT_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ImportAtWork from error
        for left in folder.glob(SPOOLS):
            left.unlink(missing_ok=True)
        yield
    finally:
        os.close(descriptor)


def clear(folder: Path) -> int:
    """Takes these files away, and returns how many. `folder`: the archive's. Raises OSError."""
    count = sum(_cleared(folder / name) for name in (EXPORTS, OUTGOING))
    left = len(list(folder.glob(SPOOLS)))
    if left:
        try:
            with sole_import(folder):
                count += left
        except ImportAtWork:
            pass
    return count


def _cleared(folder: Path) -> int:
    count = 0
    for path in list(folder.iterdir()) if folder.is_dir() else []:
        if path.is_dir() and not path.is_symlink():
            count += sum(len(files) for _, _, files in os.walk(path))
            # Whoever still writes there finds no folder of that name, and so adds nothing to what is taken away.
            gone = path.with_name(f".gone-{path.name}")
            path.rename(gone)
            shutil.rmtree(gone)
        else:
            path.unlink(missing_ok=True)
            count += 1
    return count


def elsewhere(exports: Iterable[Export], journal_to: str) -> Sequence[tuple[str, str]]:
    """Where copies were handed to, as (name of the timetable, place); of the journal the name is ''."""
    places = [(table.name, table.to) for table in exports]
    return [*places, *([("", journal_to)] if journal_to else [])]
