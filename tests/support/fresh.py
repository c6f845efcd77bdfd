"""An archive as it is when it has just been made: copied, since all are alike and making one takes a tenth of a second.

That an archive can be made, and an old one brought up to date, is proved elsewhere (`test_archive_open.py`).
"""

from __future__ import annotations

from pathlib import Path

from relay.archive import open_archive
from relay.archive.api import Archive


async def fresh_archive(path: Path) -> Archive:
    """An archive in this file, open to write: new, with its folder, unless it is there already."""
    made = _Made.octets
    url = f"sqlite:///{path}"
    if path.exists():
        return await open_archive(url)
    if not made:
        await (await open_archive(url)).close()
        assert not path.with_name(f"{path.name}-wal").exists()
        _Made.octets = path.read_bytes()
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(made)
        path.chmod(0o600)
    return await open_archive(url)


class _Made:
    octets = b""
    """Of the first one that this process made."""
