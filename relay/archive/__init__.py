"""The store behind one API (`api.py`). `open_archive` is the only branch on the backend."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from relay.archive.api import Archive, ArchiveError


async def open_archive(url: str, *, read_only: bool = False) -> Archive:
    """The archive at `url`, such as `sqlite:////var/lib/mailwitness/archive.db` (an absolute path after three
    slashes) or `sqlite:///mailwitness-data/archive.db` (a relative one); made if there is none.

    `read_only`: beside a running server; no lock, no migration, methods that write raise ArchiveError.
    Raises ArchiveError for a URL it does not know, another process writing there, or a schema too old to read.
    """
    parts = urlsplit(url)
    if parts.scheme != "sqlite" or parts.netloc or len(parts.path) < 2 or parts.query or parts.fragment:
        raise ArchiveError(f"archive.url: {parts.scheme or 'no scheme'} given, expected sqlite:///path/to/archive.db")
    from relay.archive.sqlite.opening import open_sqlite  # only the backend that is asked for is loaded

    return await open_sqlite(Path(unquote(parts.path[1:])), read_only=read_only)
