"""Which Chromium the browser tests drive; `.ci/browser` sees to it that there is one."""

from __future__ import annotations

import os
from pathlib import Path

PROGRAMS = ("/usr/bin/chromium-headless-shell", "/usr/bin/chromium")
"""The first takes half the processor time of the second: it has no window that nobody sees."""


def program() -> str | None:
    """`$CHROMIUM`, else the first of these that is there; None: the one that Playwright brought along."""
    return os.environ.get("CHROMIUM") or next((one for one in PROGRAMS if Path(one).exists()), None)
