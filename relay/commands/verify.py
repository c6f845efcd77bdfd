"""`mailwitness verify FILE`: checks an evidence bundle, offline. The same program lies in each as `verify.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from relay.commands.options import EXIT_USAGE, fail


def register(app: typer.Typer) -> None:
    @app.command()
    def verify(
        file: Annotated[Path, typer.Argument(metavar="FILE", help="The bundle, a .zip file.")],
        key: Annotated[
            list[str] | None,
            typer.Option(metavar="VKEY", help="A public key of the log, from elsewhere; repeatable."),
        ] = None,
        policy: Annotated[
            Path | None, typer.Option(metavar="FILE", help="Whom to believe, from elsewhere (c2sp.org/tlog-policy).")
        ] = None,
    ) -> None:
        """Check an evidence bundle: what holds, what does not, what cannot be known."""
        from relay.ledger.scalars import LedgerError
        from relay.ledger.verifier import verify as checked

        try:
            text = None if policy is None else policy.read_text(encoding="utf-8")
            report = checked(str(file), " ".join(key or ()), policy=text)
        except (LedgerError, OSError, UnicodeDecodeError) as error:
            fail(str(error), EXIT_USAGE)
        typer.echo(report.text(), nl=False)
        raise typer.Exit(report.exit_status)
