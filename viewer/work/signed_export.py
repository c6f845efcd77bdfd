"""A signed export for those who ask in the browser: the folder that the command makes, as one ZIP file.

It is made in a folder beside the job's file first, because the manifest that signs the volumes comes last. Whoever may
not have all messages whole gets none.
"""

from __future__ import annotations

import asyncio
import tempfile
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from aiohttp import web

from relay.archive.api import Archive
from relay.archive.query import Query
from relay.handover.making import Wanted, make, prepared
from relay.handover.shape import Form
from relay.model.event import Kind
from relay.rendition.export import Sink
from viewer.journal import deed
from viewer.keys import CLOCK
from viewer.work.evidence import evidence_of
from viewer.work.jobs import Job

FORM = "signed"
"""Name of the format among those of exports."""
TOLD = "signed zip"
"""As events call it."""
SPLIT = 1024**3
PIECE = 1024 * 1024


async def pieces(
    request: web.Request, archive: Archive, query: Query, q: str, made_by: str, job: Job
) -> AsyncIterator[bytes]:
    """The ZIP file about what the query finds. `archive`: as the person sees it. Raises NotaryProblem, OSError."""
    clock = request.app[CLOCK]
    with tempfile.TemporaryDirectory(dir=job.path.parent, prefix="signed-") as name:
        folder = Path(name)
        wanted = Wanted(job.id, q, Form.ZIP, made_by, clock(), (await archive.health()).last_seq, split=SPLIT)
        await asyncio.to_thread(prepared, folder, wanted)
        made = await make(archive, evidence_of(request), query, folder, clock, job.advance)
        facts: dict[str, Any] = {"count": made.count, "manifest": made.manifest}
        await archive.add_events([deed(request, Kind.EXPORTED, None, query=q, format=TOLD, export=job.id, **facts)])
        async for piece in _packed(folder):
            yield piece


async def _packed(folder: Path) -> AsyncIterator[bytes]:
    sink = Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as file:
        for path in sorted(folder.iterdir()):
            entry = zipfile.ZipInfo(path.name)
            entry.external_attr = 0o600 << 16
            with path.open("rb") as stream, file.open(entry, "w", force_zip64=True) as member:
                while piece := await asyncio.to_thread(stream.read, PIECE):
                    member.write(piece)
                    yield sink.take()
    yield sink.take()
