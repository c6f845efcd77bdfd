"""Who may import whom: reads every import of relay/ and viewer/ and compares it with the table of the design.

The archive is where the rooms meet: intake, courier and viewer never import each other, and what is pure stays pure.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

PURE_FORBIDDEN = {
    *("asyncio", "time", "random", "secrets", "socket", "ssl", "os", "pathlib", "subprocess", "threading"),
    *("sqlite3", "sqlalchemy", "aiosqlite", "asyncpg", "alembic", "aiohttp", "aiosmtpd", "aiosmtplib", "smtplib"),
    *("urllib.request", "http", "tempfile", "shutil", "signal", "select", "multiprocessing", "uvloop", "structlog"),
}
PURE = ("relay.model", "relay.rendition", "relay.ledger")
DRIVERS = {"sqlalchemy", "aiosqlite", "asyncpg", "alembic", "sqlite3"}
CLOCKS = {"random", "secrets", "ulid"}

GIVEN = ("relay.intake", "relay.courier", "relay.feedback", "relay.herald", "relay.notary")
"""Rooms that get clock, ids and chance from the service."""

API = {
    "=relay.archive",
    "relay.archive.api",
    "=relay.archive.content",
    "=relay.archive.query",
    "=relay.archive.scoped",
}
"""What other rooms may know of the archive; `=`: this module alone, nothing under it."""

EVIDENCE = {"=relay.notary.evidence", "=relay.notary.gathering", "=relay.notary.problem"}
"""What the viewer may know of the notary."""

ERASING = {"=relay.notary.beside", "=relay.notary.erasing"}
"""What viewer and handover may know of erasures."""

HANDOVER = {"=relay.handover.entry", "=relay.handover.making", "=relay.handover.shape"}
"""What the viewer may know of exports that are signed."""

LOGGED = {"relay.model", "relay.rendition", "relay.config", "relay.maillog", "relay.lasting"}

ROOMS: dict[str, set[str]] = {
    # room: what of ours it may import
    "relay.model": {"relay.model"},
    "relay.config": {"relay.model", "relay.config", "relay.ledger", "relay.signing_keys"},
    "relay.rendition": {"relay.model", "relay.rendition"},
    "relay.ledger": {"relay.model", "relay.ledger"},
    "relay.archive": {"relay.model", "relay.archive", "relay.ledger", "relay.maillog", "relay.lasting"},
    "relay.intake": {"relay.intake", *LOGGED, *API},
    "relay.courier": {"relay.courier", "relay.resolver", *LOGGED, *API},
    "relay.feedback": {"relay.feedback", *LOGGED, *API},
    "relay.herald": {"relay.herald", *LOGGED, *API},
    "relay.notary": {"relay.notary", "relay.ledger", "relay.metrics", *LOGGED, *API},
    "relay.handover": {
        "relay.handover",
        "relay.ledger",
        "relay.courier",
        "relay.metrics",
        *EVIDENCE,
        *ERASING,
        *LOGGED,
        *API,
    },
    "relay.maillog": {"=relay", "relay.model", "relay.metrics"},
    "relay.lasting": set(),
    "relay.metrics": set(),
    "relay.resolver": set(),
    "relay.commands": {"relay", "viewer"},
    "relay.__main__": {"relay", "viewer"},
    "viewer": {
        "viewer",
        "=relay",
        "relay.metrics",
        "relay.ledger",
        "relay.resolver",
        *EVIDENCE,
        *ERASING,
        *HANDOVER,
        *LOGGED,
        *API,
    },
}
REST = {"relay"}
"""The house itself (service, settings, control …): everything in relay, but not the viewer."""


def _modules() -> Iterator[tuple[str, Path]]:
    for package in ("relay", "viewer"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts).removesuffix(".__init__"), path


@cache
def _imports(path: Path) -> tuple[tuple[str, int], ...]:
    """(module imported, line), those under TYPE_CHECKING and in functions included; `from a import b` gives a.b too."""
    return tuple(_read(path))


def _read(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            assert node.module is not None
            inner = [f"{node.module}.{alias.name}" for alias in node.names if f"{node.module}.{alias.name}" in MODULES]
            for name in inner or [node.module]:
                yield name, node.lineno


def _room(module: str) -> str | None:
    return next((room for room in ROOMS if module == room or module.startswith(room + ".")), None)


def _is_under(module: str, names: set[str]) -> bool:
    return any(module == name.lstrip("=") or module.startswith(f"{name}.") for name in names)


MODULES = dict(_modules())


def _that_import(forbidden: set[str], modules: Iterable[str]) -> list[str]:
    """Where one of these modules imports one of those."""
    return [
        f"{MODULES[module]}:{line}: {module} imports {name}"
        for module in modules
        for name, line in _imports(MODULES[module])
        if _is_under(name, forbidden)
    ]


# One test for all modules, of which there are hundreds.
def test_a_module_imports_only_what_its_room_may() -> None:
    found = [
        f"{path}:{line}: {module} must not import {name}"
        for module, path in MODULES.items()
        for name, line in _imports(path)
        if name.split(".")[0] in ("relay", "viewer") and not _is_under(name, ROOMS.get(_room(module) or "", REST))
    ]
    assert found == []


def test_a_pure_module_does_no_io_and_knows_no_clock() -> None:
    pure = [name for name in MODULES if _room(name) in PURE]
    assert pure
    assert _that_import(PURE_FORBIDDEN, pure) == []


def test_only_the_archive_knows_the_database() -> None:
    assert _that_import(DRIVERS, [name for name in MODULES if _room(name) != "relay.archive"]) == []


def test_intake_courier_and_feedback_are_given_clock_ids_and_chance() -> None:
    assert _that_import(CLOCKS, [name for name in MODULES if _room(name) in GIVEN]) == []


def test_the_table_names_rooms_that_are_there() -> None:
    assert [room for room in ROOMS if room not in MODULES] == []
