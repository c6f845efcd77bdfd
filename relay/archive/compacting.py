"""The whole file is written anew, without free pages and made so that later ones are given back in small steps.

For a stopped server: SQLite's VACUUM keeps everybody out while it works. It is one transaction: a crash leaves the
file as it was, or as it is to be.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from relay.archive.api import ArchiveError, ArchiveUnavailable
from relay.archive.database import lock, open_writer


def compact(path: Path) -> tuple[int, int]:
    """Octets of the file before and after. Needs as much room again, twice. Raises ArchiveError."""
    if not path.exists():
        raise ArchiveError(f"there is no archive {path}")
    held = lock(path)
    try:
        # What SQLite writes in between stays in the archive's folder.
        os.environ["SQLITE_TMPDIR"] = str(path.parent)
        with closing(open_writer(path)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            before = path.stat().st_size
            database.execute("PRAGMA auto_vacuum = INCREMENTAL").fetchall()
            database.execute("VACUUM")
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            return before, path.stat().st_size
    except sqlite3.Error as error:
        raise ArchiveUnavailable(f"not written anew: {error}") from error
    finally:
        os.close(held)
