"""The log for everybody: `/checkpoint` and `/tile/…` of the public port, read-only (c2sp.org/tlog-tiles v0.1).

Nothing is shown that the latest checkpoint does not cover, and no more of a leaf than is in the log: kind, time and
ids; what it was about stays behind a salted commitment.
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from relay.archive.api import Archive, NotFound
from relay.archive.api.ledger import StoredCheckpoint
from relay.ledger.tiles import ENTRIES, TILE_HEIGHT, TILE_WIDTH, Tile, TileError, encode_entries

_ALWAYS = {"Server": "mailwitness", "X-Content-Type-Options": "nosniff", "Access-Control-Allow-Origin": "*"}
_PASSING = {**_ALWAYS, "Cache-Control": "no-cache"}
_LASTING = {**_ALWAYS, "Cache-Control": "public, max-age=31536000, immutable"}
"""A tile that is there never changes, partial ones included: the width is part of its name."""


class Shown:
    """Answers requests below the log's address. `shown`: the checkpoint that the public may see; None: nothing."""

    def __init__(self, archive: Archive, shown: Callable[[], StoredCheckpoint | None]) -> None:
        self._archive = archive
        self._shown = shown

    async def answer(self, path: str) -> web.Response | None:
        """The answer to `checkpoint` or `tile/…`; None: there is nothing at that path. Raises ArchiveError."""
        checkpoint = self._shown()
        if checkpoint is None:
            return None
        if path == "checkpoint":
            return web.Response(text=checkpoint.note, headers=_PASSING)
        try:
            tile = Tile.parse(path)
        except TileError:
            return None
        # Hashes of the row that the checkpoint covers.
        there = checkpoint.size >> TILE_HEIGHT * max(tile.level, 0)
        first = tile.number * TILE_WIDTH
        if first + tile.width > there:
            return None
        try:
            if tile.level == ENTRIES:
                body = encode_entries(await self._archive.ledger_entries(first, tile.width))
            else:
                body = await self._archive.tile(tile.level, tile.number, tile.width)
        except NotFound:
            return None
        return web.Response(body=body, headers={**_LASTING, "Content-Type": "application/octet-stream"})
