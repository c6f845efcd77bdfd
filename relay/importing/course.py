"""The course of an import: portions of messages are made ready, those that are there are left out, the rest is kept.

Each portion is one write of its own. Killed at any point, what was written is there, and the next import goes on: the
same message has the same id, whatever it is called by then.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field

from relay.archive.api import Capture
from relay.archive.mailpit import NotMailpit
from relay.importing.bringing import Bringer
from relay.importing.found import Found, Problem, Unreadable

PORTION = 256
"""Messages of one write at most: intake waits for it."""
PORTION_SIZE = 8 * 1024 * 1024
"""Octets, as stored, after which a portion is full."""

Known = Callable[[Sequence[str]], Awaitable[Sequence[str]]]
Keep = Callable[[Sequence[Capture]], Awaitable[int]]


@dataclass(slots=True)
class Course:
    """How far it is. `octets`: of new messages, as they are."""

    found: int = 0
    added: int = 0
    octets: int = 0
    formats: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)


async def run(
    things: Iterator[Found | Problem],
    bringer: Bringer,
    known: Known,
    keep: Keep | None,
    tell: Callable[[Course], None] = lambda course: None,
) -> Course:
    """Keeps what is found; without `keep` it is only counted. While one portion is written the next is read."""
    course, seen = Course(), set[str]()
    writing: asyncio.Task[None] | None = None
    try:
        while portion := await asyncio.to_thread(_portion, things, bringer, course, seen):
            if writing is not None:
                await writing
            tell(course)
            writing = asyncio.create_task(_put(portion, course, known, keep))
        if writing is not None:
            await writing
    finally:
        if writing is not None and not writing.done():
            await asyncio.wait([writing])
    tell(course)
    return course


async def _put(portion: Sequence[Capture], course: Course, known: Known, keep: Keep | None) -> None:
    there = set(await known([one.message.id for one in portion]))
    new = [one for one in portion if one.message.id not in there]
    course.added += len(new) if keep is None or not new else await keep(new)
    course.octets += sum(one.message.size for one in new)


def _portion(things: Iterator[Found | Problem], bringer: Bringer, course: Course, seen: set[str]) -> list[Capture]:
    """The next messages, none of which was seen before; empty at the end."""
    portion: list[Capture] = []
    size = 0
    for thing in things:
        if isinstance(thing, Problem):
            course.problems.append(thing)
            continue
        try:
            capture = bringer.bring(thing)
        except (Unreadable, NotMailpit) as error:
            course.problems.append(Problem(thing.source, thing.place, str(error)))
            continue
        except OSError as error:
            course.problems.append(Problem(thing.source, thing.place, error.strerror or str(error)))
            continue
        course.found += 1
        course.formats[thing.format] += 1
        if capture.message.id in seen:
            continue
        seen.add(capture.message.id)
        portion.append(capture)
        size += sum(map(len, capture.content.frames))
        if len(portion) >= PORTION or size >= PORTION_SIZE:
            break
    return portion
