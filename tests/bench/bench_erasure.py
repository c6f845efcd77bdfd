"""How long it takes to erase one person, and whether any file of the archive names them afterwards.

    python -m tests.bench.fill FOLDER 100000
    python -m tests.bench.bench_erasure FOLDER [ADDRESS] [--check]

Without ADDRESS: a recipient of about twenty messages. FOLDER is changed. `--check`: the whole archive is checked after.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import time
from pathlib import Path

from relay.archive import check_archive, open_archive
from relay.clock import new_id, now
from relay.notary.erasing import asked, run


def somebody(path: Path) -> str:
    with sqlite3.connect(path) as database:
        statement = "SELECT recipient FROM delivery GROUP BY lower(recipient) HAVING count(*) BETWEEN 15 AND 30 LIMIT 1"
        return str(database.execute(statement).fetchone()[0])


def places(folder: Path, address: str) -> dict[str, int]:
    """How often each file has the octets of the address, in any case of letters."""
    wanted, found = address.lower().encode(), {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        count, tail = 0, b""
        with path.open("rb") as file:
            while piece := file.read(1 << 24):
                data = tail + piece.lower()
                count += data.count(wanted)
                tail = data[-(len(wanted) - 1) :]
        found[path.name] = count
    return found


async def erase(path: Path, address: str) -> None:
    archive = await open_archive(f"sqlite:///{path}")
    before = await archive.ledger_head()
    request, event = asked(
        address, "measured", id_=new_id(), at=now(), actor="bench", event_id=new_id(), needs_another=False
    )
    await archive.ask_erasure(request, event)
    started = time.perf_counter()
    mentions = await archive.mentions(address, now())
    print(
        f"found in {len(mentions.messages)} messages, {len(mentions.rows)} rows: {time.perf_counter() - started:.1f} s"
    )
    started = time.perf_counter()
    done = await run(archive, request.id, clock=now, new_id=new_id)
    print(f"taken out of {done.messages}, {len(done.kept)} stay: {time.perf_counter() - started:.1f} s")
    for outcome in done.kept:
        print(f"  {outcome.message_id} {outcome.words}")
    started = time.perf_counter()
    await archive.settled()
    print(f"indexes rewritten: {time.perf_counter() - started:.1f} s")
    is_same = await archive.ledger_root(before.size) == before.root
    print(f"the root of the {before.size} leaves before is the same: {is_same}")
    await archive.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("address", nargs="?", default="")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    path = arguments.folder / "archive.db"
    address = arguments.address or somebody(path)
    print(f"{address}: {places(arguments.folder, address)}")
    asyncio.run(erase(path, address))
    print(f"afterwards: {places(arguments.folder, address)}")
    if arguments.check:
        started = time.perf_counter()
        faults = [str(fault) for progress in check_archive(f"sqlite:///{path}") for fault in progress.faults]
        print(f"checked in {time.perf_counter() - started:.0f} s: {len(faults)} faults {faults[:3]}")


if __name__ == "__main__":
    main()
