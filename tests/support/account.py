"""A person made by the command line beside a running server, as an operator would."""

from __future__ import annotations

from pathlib import Path

from tests.support.nursery import ran

NAME = "tester"
PASSWORD = "a long enough password"


def add_administrator(config_file: Path) -> None:
    """`NAME` may sign in with `PASSWORD`."""
    command(config_file, "user", "add", NAME, "--password-stdin", given=f"{PASSWORD}\n")


def command(config_file: Path, *arguments: str, given: str = "", time_limit: float = 60.0) -> str:
    """What `mailwitness ARGUMENTS` prints; it must end well."""
    ended = ran(*arguments, "-c", str(config_file), given=given, timeout=time_limit)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
