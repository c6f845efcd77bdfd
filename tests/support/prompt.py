"""Commands as a person types them, each with one configuration file. Run here, in no process of their own.

That `mailwitness` as a process does the same is seen where one is started (`test_commands.py`).
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner

from relay.__main__ import commands, exit_code


class Prompt:
    """Runs commands with one configuration file. `first`: the words with which each begins."""

    def __init__(self, config_file: Path, *first: str) -> None:
        self._config_file, self._first = config_file, first

    def __call__(self, *arguments: str, typed: str = "", code: int = 0) -> str:
        """Standard output; with standard error behind it where the code is not 0."""
        ended, output, errors = self.ended(*arguments, typed=typed)
        assert ended == code, (ended, output, errors)
        return output + errors if code else output

    def ended(self, *arguments: str, typed: str = "") -> tuple[int, str, str]:
        """The exit code, standard output and standard error."""
        with CliRunner().isolation(input=typed) as (stdout, stderr, _):
            try:
                _command().main([*self._first, *arguments, "-c", str(self._config_file)], prog_name="mailwitness")
            except SystemExit as end:
                ended = end.code
            finally:
                sys.stdout.flush()
            return exit_code(ended or 0), stdout.getvalue().decode(), stderr.getvalue().decode()


@functools.cache
def _command() -> Any:
    """All that is typed is read by it: to make it of the descriptions of all commands takes a moment."""
    return typer.main.get_command(commands())
