"""An API token made by the command line beside a running server, as an operator would."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path


def token(config_file: Path, *, user: str = "tester") -> str:
    """A bearer token of a new administrator."""
    command(config_file, "user", "add", user, "--password-stdin", given="a long enough password\n")
    said = command(config_file, "token", "add", "tests", "--user", user)
    match = re.search(r"^token +(\S+)", said, re.MULTILINE)
    assert match is not None, said
    return match[1]


def command(config_file: Path, *arguments: str, given: str = "") -> str:
    """What `mailwitness ARGUMENTS` prints; it must end well."""
    ended = subprocess.run(
        [sys.executable, "-m", "relay", *arguments, "-c", str(config_file)],
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
