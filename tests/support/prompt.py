"""Commands as a person types them, each with one configuration file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


class Prompt:
    """Runs commands with one configuration file."""

    def __init__(self, config_file: Path) -> None:
        self._config_file = config_file

    def __call__(self, *arguments: str, typed: str = "", code: int = 0) -> str:
        """Standard output; standard error where the code is not 0."""
        done = subprocess.run(
            [sys.executable, "-m", "relay", *arguments, "-c", str(self._config_file)],
            input=typed,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done.stderr if code else done.stdout
