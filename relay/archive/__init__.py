"""The store behind one API (`api/`). `open_archive` and `check_archive` are the only branches on the backend."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from relay.archive.api import Archive, ArchiveError
from relay.archive.api.audit import Progress, Reading
from relay.archive.api.encryption import Encryption
from relay.ledger.note import Verifier


async def open_archive(
    url: str, *, read_only: bool = False, encryption: Encryption | None = None, is_followed: bool = False
) -> Archive:
    """The archive at `url`, such as `sqlite:////var/lib/mailwitness/archive.db` (an absolute path after three
    slashes) or `sqlite:///mailwitness-data/archive.db` (a relative one); made if there is none.

    `read_only`: beside a running server; no lock, no migration, methods that write raise ArchiveError.
    `encryption`: the master keys; None: nothing is, and nothing gets encrypted. `is_followed`: another program copies
    what is written all the time, and is the one that checkpoints. Raises ArchiveError for a URL it does not know,
    another process writing there, a schema too old to read, or contents encrypted with a key not given.
    """
    from relay.archive.sqlite.opening import open_sqlite  # only the backend that is asked for is loaded

    return await open_sqlite(_path(url), read_only=read_only, encryption=encryption, is_followed=is_followed)


def check_archive(
    url: str,
    *,
    keys: Sequence[Verifier] = (),
    known: Sequence[str] = (),
    processes: int = 2,
    state: Path | None = None,
    is_stopped: Callable[[], bool] = lambda: False,
    encryption: Encryption | None = None,
    reading: Reading | None = None,
) -> Iterator[Progress]:
    """Checks everything in the archive at `url`; a Progress after each portion.

    `keys`: of the log, today's and earlier ones; none: signatures are not checked. `known`: checkpoints kept
    elsewhere, as signed notes. `processes`: at work at once; a small archive is checked in this one alone. `state`: a
    file that notes how far the check got, with what it found; a check with the same file goes on from there.
    `encryption`: as for `open_archive`. `reading`: what grid, search and reports show is made again, and compared,
    which takes as long as indexing anew; None: it is not looked at. Raises ArchiveError: there is no archive, `state`
    is not such a file, or a master key is missing.
    """
    from relay.archive.audit.whole import check_archive as check

    return check(
        _path(url),
        keys=keys,
        known=known,
        processes=processes,
        state=state,
        is_stopped=is_stopped,
        encryption=encryption,
        reading=reading,
    )


def _path(url: str) -> Path:
    parts = urlsplit(url)
    if parts.scheme != "sqlite" or parts.netloc or len(parts.path) < 2 or parts.query or parts.fragment:
        raise ArchiveError(f"archive.url: {parts.scheme or 'no scheme'} given, expected sqlite:///path/to/archive.db")
    return Path(unquote(parts.path[1:]))
