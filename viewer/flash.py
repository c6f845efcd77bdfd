"""Flash messages: one sentence for the next page that a signed-in person sees, such as "Sent again to 2 recipients".

Kept in memory and bounded: a restart loses them, and nothing depends on them.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

from aiohttp import web

from viewer.keys import PERSON

Tone = Literal["good", "bad", "note"]
MOST_SESSIONS = 1000
MOST_EACH = 10


@dataclass(frozen=True, slots=True)
class Flash:
    text: str
    tone: Tone = "note"


FLASHES: web.AppKey[OrderedDict[bytes, list[Flash]]] = web.AppKey("flashes")


def flash(request: web.Request, text: str, tone: Tone = "good") -> None:
    """Keeps `text` for the next page that this session shows; without a session it is dropped."""
    person = request.get(PERSON)
    if person is None or person.session is None:
        return
    waiting = request.app[FLASHES]
    waiting.setdefault(person.session, []).append(Flash(text, tone))
    del waiting[person.session][:-MOST_EACH]
    waiting.move_to_end(person.session)
    while len(waiting) > MOST_SESSIONS:
        waiting.popitem(last=False)


def take_flashes(request: web.Request) -> list[Flash]:
    """The waiting messages, each given once."""
    person = request.get(PERSON)
    return request.app[FLASHES].pop(person.session, []) if person and person.session else []
