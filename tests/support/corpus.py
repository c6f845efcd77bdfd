"""Where real, awkward messages may be found: they are not part of the repository, tests use what is there."""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def corpus_files() -> Iterator[Path]:
    """Files under MAILWITNESS_CORPUS, else ../shared/corpus, and the messages of Python's own test suite."""
    folders = [Path(os.environ.get("MAILWITNESS_CORPUS", ROOT.parent / "shared" / "corpus"))]
    with contextlib.suppress(ImportError):  # absent from some distributions of Python
        folders.append(Path(importlib.import_module("test.test_email").__path__[0]) / "data")
    for folder in folders:
        yield from sorted(path for path in folder.rglob("*") if path.is_file())
