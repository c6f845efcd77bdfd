"""Commands as a person types them, each with one configuration file. Run here, in no process of their own.

That `mailwitness` as a process does the same is seen where one is started (`test_commands.py`).
"""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from relay.__main__ import commands, exit_code


class Prompt:
    """Runs commands with one configuration file. `first`: the words with which each begins."""

    def __init__(self, config_file: Path, *first: str) -> None:
        self._config_file, self._first = config_file, first

    def __call__(self, *arguments: str, typed: str = "", code: int = 0) -> str:
        """Standard output; with standard error behind it where the code is not 0."""
        done = CliRunner().invoke(commands(), [*self._first, *arguments, "-c", str(self._config_file)], input=typed)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert exit_code(done.exit_code) == code, (done.exit_code, done.stdout, done.stderr)
        return done.stdout + done.stderr if code else done.stdout
