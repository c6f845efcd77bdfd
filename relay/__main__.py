"""The command line, `mailwitness`. The one module of relay that may import viewer.

Exit codes: 0 ok, 1 failed, 64 usage, 65 bad data, 78 configuration. `sendmail` goes its own way, without the
libraries of the other commands: it starts for every mail that PHP or cron sends.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiohttp import web
    from typer import Typer

EXIT_USAGE = 64


def main() -> None:
    """Runs the command that the arguments name, or sendmail when called by that name."""
    if Path(sys.argv[0]).name in ("sendmail", "newaliases", "mailq"):
        _sendmail(sys.argv[1:])
    if sys.argv[1:2] == ["sendmail"]:
        _sendmail(sys.argv[2:])
    try:
        commands()()
    except SystemExit as end:
        sys.exit(exit_code(end.code))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def exit_code(code: Any) -> Any:
    """As promised above: Typer ends wrong usage with 2, sysexits.h calls it 64."""
    return EXIT_USAGE if code == 2 else code


def commands() -> Typer:
    """All commands, ready to be run."""
    from relay.commands import (
        application,
        backup,
        check,
        compact,
        dkim,
        encryption,
        endpoint,
        erase,
        evidence,
        export,
        export_schedule,
        group,
        hold,
        importing,
        ledger,
        options,
        queue,
        reclassify,
        reindex,
        render,
        retention,
        role,
        search,
        serve,
        suppression,
        token,
        user,
        verify,
    )

    app = options.new_app()
    serve.register(app, build_viewer)
    for command in (
        check,
        search,
        export,
        reclassify,
        reindex,
        render,
        evidence,
        verify,
        backup,
        retention,
        erase,
        compact,
        importing,
    ):
        command.register(app)
    for family in (
        user,
        role,
        group,
        application,
        token,
        queue,
        suppression,
        endpoint,
        hold,
        dkim,
        ledger,
        encryption,
        export_schedule,
    ):
        app.add_typer(family.app)
    options.describe_sendmail(app)
    return app


def build_viewer(*arguments: Any, **named: Any) -> web.Application:
    """The viewer's application."""
    from viewer.app import build_app

    return build_app(*arguments, **named)


def _sendmail(arguments: list[str]) -> None:
    from relay.commands.sendmail import main as sendmail

    sys.exit(sendmail(arguments))


if __name__ == "__main__":
    main()
