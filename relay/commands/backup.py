"""`mailwitness backup` and `mailwitness restore`: copies of the whole archive, made while the server runs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from relay.commands.options import (
    EXIT_DATA,
    EXIT_FAILED,
    EXIT_USAGE,
    ConfigFile,
    configured,
    fail,
    operator,
    shown_time,
    table,
)

if TYPE_CHECKING:
    from relay.archive.api.audit import Fault
    from relay.archive.backup.store import Store
    from relay.config import Config

MOST = 20
"""Faults that are told one by one."""


def register(app: typer.Typer) -> None:
    @app.command()
    def backup(
        path: Annotated[Path, typer.Argument(metavar="PATH", help="The folder of the copies; made if there is none.")],
        keep: Annotated[int, typer.Option(metavar="N", min=0, help="Copies that stay, the newest; 0: all.")] = 0,
        config: ConfigFile = None,
    ) -> None:
        """Copy the archive, beside a running server; what an earlier copy has is not written again."""
        from relay.archive.backup.copying import make_copy
        from relay.archive.backup.store import Store
        from relay.clock import now
        from relay.master_keys import encryption_of

        settings = configured(config)
        source = _archive_file(settings)
        if not source.exists():
            fail(f"{source} is not there: nothing to copy", EXIT_USAGE)
        store = Store(path)
        with _told(), typer.progressbar(length=1, label="Copying", file=sys.stderr) as bar:
            made = make_copy(source, store, now(), _progress(bar), encryption_of(settings))
        if keep:
            with _told(), store.held():
                store.keep(keep)
        typer.echo(f"copy {made.name}: {made.copy.size} octets, {made.written} written")
        if made.faults:
            _tell(made.faults)
            fail("the copy was made, but the archive is not sound: mailwitness verify --archive", EXIT_DATA)

    @app.command()
    def restore(
        path: Annotated[
            Path, typer.Argument(metavar="PATH", help="The folder of the copies; or a file that Litestream restored.")
        ],
        copy: Annotated[str | None, typer.Option(metavar="NAME", help="Which copy; without it the newest.")] = None,
        checkpoint: Annotated[
            list[Path] | None,
            typer.Option(metavar="FILE", help="A checkpoint from elsewhere that the copy must lead to; repeatable."),
        ] = None,
        is_list: Annotated[bool, typer.Option("--list", help="Show the copies, and do nothing.")] = False,
        config: ConfigFile = None,
    ) -> None:
        """Put a copy back into the archive's folder, which must be empty, after it was checked as a whole."""
        from relay.archive.backup.store import Store

        store = Store(path) if path.is_dir() or not path.exists() else None
        names = store.names() if store is not None else [path.name]
        if is_list and store is not None:
            _list(store, names)
            return
        if store is None and (is_list or copy is not None):
            fail(f"{path} is one copy: --list and --copy are for a folder of them", EXIT_USAGE)
        if not names:
            fail(f"no copy is in {path}", EXIT_USAGE)
        known = [_text(file) for file in checkpoint or ()]
        _restore(configured(config), path, store, copy or names[-1], known)


def _restore(config: Config, path: Path, store: Store | None, name: str, known: list[str]) -> None:
    """`store`: has the copy of that name; None: the copy is the file at `path`."""
    from relay.archive.backup.restoring import build, build_from, discarded, settle, was_interrupted
    from relay.master_keys import encryption_of

    folder = _archive_file(config).parent
    if was_interrupted(folder):
        typer.echo("an earlier restore was interrupted: it begins anew", err=True)
    with _told():
        with typer.progressbar(length=1, label="Copying", file=sys.stderr) as bar:
            held = _Bars(bar)
            how = (folder, known, held.copied, held.checked, encryption_of(config))
            built = build_from(path, *how) if store is None else build(store, name, *how)
        if built.faults:
            discarded(folder)
            _tell(built.faults)
            fail(f"copy {name} was not put back", EXIT_DATA)
        is_signed = asyncio.run(_record(config, built.draft, name))
        target = settle(store, built)
    typer.echo(f"{target}: copy {name}, made {shown_time(built.copy.made_at)}; every check held")
    if is_signed and not _has_key(config, folder):
        typer.echo(
            "the copy has no key of the log. Put the key back, or give the log a new one, which it then says: "
            "mailwitness ledger rotate --without-old-key"
        )


def _has_key(config: Config, folder: Path) -> bool:
    from relay.notary.keys import key_path

    return bool(config.ledger.signer) or key_path(config.ledger, folder).exists()


async def _record(config: Config, draft: Path, name: str) -> bool:
    """The log goes on with the fact that it was put back, so that what came after the copy is missed openly.

    True: the log was signed before, so it has a key.
    """
    from relay.archive import open_archive
    from relay.clock import new_id, now
    from relay.master_keys import encryption_of
    from relay.model.event import Event, Kind

    archive = await open_archive(f"sqlite:///{draft}", encryption=encryption_of(config))
    try:
        event = Event(new_id(), now(), Kind.RESTORED, f"command:{operator()}", data={"copy": name})
        await archive.add_events([event])
        return await archive.latest_checkpoint() is not None
    finally:
        await archive.close()


class _Bars:
    """One bar for two kinds of work: octets, then portions."""

    def __init__(self, bar: Any) -> None:
        self._bar = bar

    def copied(self, done: int, total: int) -> None:
        _progress(self._bar)(done, total)

    def checked(self, step: Any) -> None:
        if self._bar.label != "Checking":
            self._bar.label, self._bar.pos = "Checking", 0
        _progress(self._bar)(step.done, step.total)


def _progress(bar: Any) -> Any:
    def show(done: int, total: int) -> None:
        bar.length = total
        bar.update(done - bar.pos)

    return show


def _archive_file(config: Config) -> Path:
    """The one file of the archive. Ends the command where the archive is somewhere else."""
    from relay.folder import archive_url

    url = archive_url(config)
    if not url.startswith("sqlite:///"):
        fail("the archive is not one SQLite file: use the backup of its database", EXIT_USAGE)
    return Path(url.removeprefix("sqlite:///")).resolve()


def _list(store: Store, names: list[str]) -> None:
    rows = []
    with _told():
        for name in names:
            copy = store.copy(name)
            rows.append((name, shown_time(copy.made_at), str(copy.size), str(copy.messages), str(copy.events)))
    table(("name", "made", "octets", "messages", "facts"), tuple(rows))


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file}: {error}", EXIT_USAGE)


def _tell(faults: tuple[Fault, ...]) -> None:
    for fault in faults[:MOST]:
        typer.echo(str(fault), err=True)
    if len(faults) > MOST:
        typer.echo(f"… and {len(faults) - MOST} more", err=True)


@contextmanager
def _told() -> Iterator[None]:
    """What stops the work ends the command with its words."""
    from relay.archive.api import ArchiveError

    try:
        yield
    except ArchiveError as error:
        fail(str(error), EXIT_DATA)
    except OSError as error:
        fail(f"{error.filename or ''}: {error.strerror or error}".lstrip(": "), EXIT_FAILED)
