"""Which messages were read through Mailpit's API. In memory and bounded: a restart forgets, nothing depends on it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from aiohttp import web

MOST = 10_000


class Marks:
    """The ids of messages that count as read."""

    def __init__(self) -> None:
        self._read: OrderedDict[str, None] = OrderedDict()

    def is_read(self, message_id: str) -> bool:
        return message_id in self._read

    def set(self, message_ids: Iterable[str], is_read: bool) -> None:
        for message_id in message_ids:
            self._read.pop(message_id, None)
            if is_read:
                self._read[message_id] = None
        while len(self._read) > MOST:
            self._read.popitem(last=False)


MARKS: web.AppKey[Marks] = web.AppKey("mailpit_marks", Marks)
