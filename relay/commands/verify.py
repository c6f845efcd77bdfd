"""`mailwitness verify FILE`: checks an evidence bundle, offline. The same program lies in each as `verify.py`.

A folder, or the ZIP file of one, is a signed export (`relay/handover/checking.py`). With `--archive`: the archive
itself (`verify_archive.py`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from relay.commands.options import EXIT_USAGE, ConfigFile, configured, fail
from relay.commands.verify_archive import processors, verify_archive


def register(app: typer.Typer) -> None:
    @app.command()
    def verify(
        file: Annotated[
            Path | None, typer.Argument(metavar="[FILE]", help="The bundle, or a signed export: file or folder.")
        ] = None,
        archive: Annotated[bool, typer.Option("--archive", help="Check the whole archive instead.")] = False,
        key: Annotated[
            list[str] | None,
            typer.Option(metavar="VKEY", help="A public key of the log, from elsewhere; repeatable."),
        ] = None,
        policy: Annotated[
            Path | None, typer.Option(metavar="FILE", help="Whom to believe, from elsewhere (c2sp.org/tlog-policy).")
        ] = None,
        checkpoint: Annotated[
            list[Path] | None,
            typer.Option(metavar="FILE", help="With --archive: a checkpoint kept elsewhere; repeatable."),
        ] = None,
        state: Annotated[
            Path | None,
            typer.Option(metavar="FILE", help="With --archive: notes how far it got, to go on there if stopped."),
        ] = None,
        processes: Annotated[
            int, typer.Option(min=1, max=64, help="With --archive: at work at once, unless there is little to do.")
        ] = processors(),
        derived: Annotated[
            bool,
            typer.Option(
                "--derived",
                help="With --archive: also make again what grid, search and reports show, and compare. Takes as long as"
                " indexing anew.",
            ),
        ] = False,
        config: ConfigFile = None,
    ) -> None:
        """Check a bundle, a signed export, or the archive: what holds, what does not, what cannot be known."""
        if archive == (file is not None):
            fail("expected either the file of a bundle, or --archive", EXIT_USAGE)
        if file is None:
            if policy is not None:
                fail("--policy is for bundles; with --archive: --key and --checkpoint", EXIT_USAGE)
            verify_archive(
                configured(config),
                keys=key or (),
                checkpoints=checkpoint or (),
                state=state,
                processes=processes,
                is_derived_too=derived,
            )
        if checkpoint or state is not None or derived:
            fail("--checkpoint, --state and --derived are for --archive", EXIT_USAGE)
        from relay.handover.checking import is_export, verify_export
        from relay.ledger.note import Verifier
        from relay.ledger.scalars import LedgerError
        from relay.ledger.verifier import verify as checked

        try:
            if is_export(file):
                if policy is not None:
                    fail("--policy is for bundles; a signed export takes --key", EXIT_USAGE)
                report = verify_export(file, [Verifier.parse(one) for one in " ".join(key or ()).split()])
                typer.echo(report.text(), nl=False)
                raise typer.Exit(report.exit_status)
            text = None if policy is None else policy.read_text(encoding="utf-8")
            report = checked(str(file), " ".join(key or ()), policy=text)
        except (LedgerError, OSError, UnicodeDecodeError) as error:
            fail(str(error), EXIT_USAGE)
        typer.echo(report.text(), nl=False)
        raise typer.Exit(report.exit_status)
