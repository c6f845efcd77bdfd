"""`mailwitness verify --archive`: the whole archive checked, beside a running server or without one, in plain words."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from relay.commands.options import EXIT_DATA, EXIT_IO, EXIT_USAGE, fail

if TYPE_CHECKING:
    from relay.archive.api.audit import Extent, Progress, Reading
    from relay.config import Config
    from relay.ledger.note import Verifier

_ALL_IS_WELL = (
    "Nothing in this archive is wrong: contents and sent copies have the recorded hashes, what is recorded is what the"
    "\nlog committed to when it happened, and the log leads to every checkpoint that was kept."
)
_OWN_KEYS = "Signatures were checked with the keys that the archive itself names. A key from elsewhere: --key."
_NO_KEYS = "No signature was checked: the log has no key yet."
_NO_CHECKPOINT = (
    "Whether this is an older copy of the archive, only a checkpoint kept elsewhere shows: --checkpoint FILE."
)
_DERIVED_WELL = "What grid, search and reports show is what is made of the contents today."
_DERIVED_WRONG = (
    "What grid, search and reports show may differ for another reason than tampering: it was read by an older version,"
    "\nor by other rules. `mailwitness reindex` makes it anew; look again after that."
)


def verify_archive(
    config: Config,
    *,
    keys: Sequence[str],
    checkpoints: Sequence[Path],
    state: Path | None,
    processes: int,
    is_derived_too: bool = False,
) -> NoReturn:
    """Ends the command: 0 nothing is wrong, 65 something is, 64 it was called wrongly, 74 it could not go on."""
    from relay.archive import check_archive
    from relay.archive.api import ArchiveError
    from relay.folder import archive_url
    from relay.ledger.note import Verifier
    from relay.ledger.scalars import LedgerError
    from relay.master_keys import encryption_of

    try:
        given = [Verifier.parse(key) for key in keys]
        known = [path.read_text("utf-8") for path in checkpoints]
    except (LedgerError, OSError, UnicodeDecodeError) as error:
        fail(str(error), EXIT_USAGE)
    if not config.archive.url and not (config.archive.path / "archive.db").exists():
        fail(f"there is no archive in {config.archive.path}", EXIT_USAGE)
    own = [] if given else _own_keys(config)
    count, extent = 0, None
    try:
        for progress in check_archive(
            archive_url(config),
            keys=given or own,
            known=known,
            processes=processes,
            state=state,
            encryption=encryption_of(config),
            reading=_reading(config) if is_derived_too else None,
        ):
            count, extent = count + len(progress.faults), progress.extent
            _tell(progress)
    except ArchiveError as error:
        fail(str(error), EXIT_DATA)
    except OSError as error:
        fail(f"{error.filename or 'the archive'}: {error.strerror}", EXIT_IO)
    except BrokenProcessPool:
        fail(
            "a process of the check was ended from outside, perhaps for want of memory: nothing is said of the rest",
            EXIT_IO,
        )
    _conclude(count, extent)
    if not given:
        typer.echo(_OWN_KEYS if own else _NO_KEYS)
    if not known:
        typer.echo(_NO_CHECKPOINT)
    if is_derived_too:
        typer.echo(_DERIVED_WRONG if count else _DERIVED_WELL)
    raise typer.Exit(EXIT_DATA if count else 0)


def _reading(config: Config) -> Reading:
    from functools import partial

    from relay.archive.api.audit import Reading
    from relay.extraction import read
    from relay.reading import wish

    return Reading(partial(read, wish=wish(config)), config.encryption.index_bodies)


def processors() -> int:
    return max(1, min(8, os.cpu_count() or 1))


def _own_keys(config: Config) -> Sequence[Verifier]:
    from relay.archive.api import ArchiveError
    from relay.folder import FolderError, open_in_folder
    from relay.notary.keys import SETTING, Named
    from relay.notary.problem import KeyProblem

    async def asked() -> Named | None:
        archive = await open_in_folder(config, read_only=True)
        try:
            return Named.of(await archive.setting(SETTING))
        finally:
            await archive.close()

    try:
        named = asyncio.run(asked())
    except (FolderError, ArchiveError, KeyProblem) as error:
        fail(str(error), EXIT_DATA)
    return () if named is None else named.keys


def _tell(progress: Progress) -> None:
    portion = progress.portion
    if sys.stderr.isatty():
        part = f" {portion.first} to {portion.last}" if portion.last > portion.first else f" {portion.first or ''}"
        line = f"{100 * progress.done // progress.total:3} %  {portion.kind}{part}"
        typer.echo(f"\r{line:<60}", nl=progress.done == progress.total or bool(progress.faults), err=True)
    for fault in progress.faults:
        typer.echo(f"WRONG  {fault}")


def _conclude(count: int, extent: Extent | None) -> None:
    if extent is not None:
        typer.echo(f"{extent.messages} messages and {extent.events} facts were checked.")
    typer.echo(_ALL_IS_WELL if not count else f"{count} {'thing is' if count == 1 else 'things are'} wrong.")
