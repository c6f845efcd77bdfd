"""How long it takes to erase one person, and whether any file of the archive has anything of them afterwards: their
address, in any case of letters, also in what is compressed; and the octets, as they were kept, of the messages that
named them.

    python -m tests.bench.fill FOLDER 100000
    python -m tests.bench.bench_erasure FOLDER [ADDRESS] [--check]

Without ADDRESS: a recipient of about twenty messages. FOLDER is changed. `--check`: the whole archive is checked before
and after, and two evidence bundles and a checkpoint from before are verified after.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import re
import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

from relay.archive import check_archive, open_archive
from relay.archive.compression import decompressor
from relay.archive.content import CHUNK
from relay.clock import new_id, now
from relay.ledger.checking import Trust
from relay.ledger.checkpoint import Checkpoint
from relay.ledger.note import open_note
from relay.ledger.tree import verify_consistency
from relay.ledger.verifier import verify_stream
from relay.notary.erasing import asked, run
from tests.support.notarised import Notarised, OwnKeys

ZSTD = b"\x28\xb5\x2f\xfd"


def somebody(path: Path) -> str:
    with sqlite3.connect(path) as database:
        statement = "SELECT recipient FROM delivery GROUP BY lower(recipient) HAVING count(*) BETWEEN 15 AND 30 LIMIT 1"
        return str(database.execute(statement).fetchone()[0])


def places(folder: Path, wanted: re.Pattern[bytes]) -> dict[str, int]:
    """How often each file has octets of that pattern, of at most 512 octets; files without any are left out."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        count, tail = 0, b""
        with path.open("rb") as file:
            while piece := file.read(1 << 24):
                data = tail + piece
                count += sum(match.end() > len(tail) for match in wanted.finditer(data))
                tail = data[-511:]
        if count:
            found[path.name] = count
    return found


def compressed(path: Path, wanted: re.Pattern[bytes]) -> dict[str, int]:
    """The same of what is kept compressed, opened."""
    found: Counter[str] = Counter()
    with closing(sqlite3.connect(path)) as database:
        for table, column in (("content", "frame"), ("summary", "data"), ("edit_list", "data"), ("payload", "body")):
            for (octets,) in database.execute(f"SELECT {column} FROM {table} WHERE length({column}) > 0"):
                plain = decompressor().decompress(octets, max_output_size=CHUNK) if octets[:4] == ZSTD else octets
                found[table] += bool(wanted.search(plain))
    return dict(found)


def kept_of(path: Path, address: str) -> re.Pattern[bytes]:
    """32 octets of each frame and summary, as they are kept, of messages to the person alone."""
    statement = (
        "SELECT {column} FROM {table} WHERE {key} IN (SELECT message_seq FROM delivery WHERE lower(recipient) = ?"
        " AND message_seq NOT IN (SELECT message_seq FROM delivery WHERE lower(recipient) <> ?1))"
    )
    marks = set()
    with closing(sqlite3.connect(path)) as database:
        for table, column, key in (("content", "frame", "message_seq"), ("summary", "data", "seq")):
            for (octets,) in database.execute(statement.format(table=table, column=column, key=key), (address,)):
                marks.add(octets[-64:-32])
    return re.compile(b"|".join(map(re.escape, sorted(marks))))


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


def check(path: Path, *known: str) -> None:
    started = time.perf_counter()
    steps = check_archive(f"sqlite:///{path}", keys=OwnKeys().verifiers(), known=known)
    faults = [str(fault) for progress in steps for fault in progress.faults]
    print(f"checked in {time.perf_counter() - started:.0f} s: {len(faults)} faults {faults[:3]}")


async def evidence(path: Path, address: str) -> tuple[bytes, bytes, bytes]:
    """A checkpoint, and bundles of one message to the person and of one to others, as they are before."""
    with closing(sqlite3.connect(path)) as database:
        statement = (
            "SELECT message.id FROM message JOIN delivery ON message_seq = seq WHERE lower(recipient) {} ? LIMIT 1"
        )
        theirs, others = (database.execute(statement.format(sign), (address,)).fetchone()[0] for sign in ("=", "<>"))
    archive = await open_archive(f"sqlite:///{path}")
    notarised = Notarised(archive)
    note = (await notarised.checkpoint()).note.encode()
    found = note, await notarised.bundle(theirs), await notarised.bundle(others)
    await archive.close()
    return found


async def still_holds(path: Path, before: tuple[bytes, bytes, bytes]) -> None:
    """Says whether the evidence from before verifies, and whether the log continues the checkpoint."""
    keys = OwnKeys()
    trust = Trust(tuple(keys.verifiers()))
    note, *bundles = before
    for bundle in bundles:
        print(f"a bundle from before holds: {verify_stream(io.BytesIO(bundle), trust).is_sound}")
    checkpoint = Checkpoint.parse(open_note(note.decode(), keys.verifiers()).text)
    archive = await open_archive(f"sqlite:///{path}", read_only=True)
    head = await archive.ledger_head()
    steps = await archive.consistency(checkpoint.size, head.size)
    verify_consistency(checkpoint.size, head.size, checkpoint.root, head.root, steps)
    print(f"the log of {head.size} facts continues the checkpoint of {checkpoint.size}")
    await archive.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("address", nargs="?", default="")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    path = given.folder / "archive.db"
    address = given.address or somebody(path)
    named = re.compile(re.escape(address.encode()), re.IGNORECASE)
    before = None
    if given.check:
        before = asyncio.run(evidence(path, address))
        check(path)
    kept = kept_of(path, address)
    print(f"{address}: {places(given.folder, named)}, compressed {compressed(path, named)}")
    print(f"octets of their messages: {places(given.folder, kept)}")
    asyncio.run(erase(path, address))
    print(f"afterwards: {places(given.folder, named)}, compressed {compressed(path, named)}")
    print(f"octets of their messages: {places(given.folder, kept)}")
    if before is not None:
        asyncio.run(still_holds(path, before))
        check(path, before[0].decode())


if __name__ == "__main__":
    main()
