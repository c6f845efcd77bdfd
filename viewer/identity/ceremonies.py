"""Things half done: a password given and the second factor not yet, a challenge sent and not answered.

Kept in memory, for ten minutes, bounded, each taken once: a restart loses them and the person begins again. Who they
belong to says a cookie of its own, which is worth nothing once the ceremony is over.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from viewer.keys import CLOCK, CONFIG, NEW_SECRET
from viewer.security import is_https

LIFETIME = 10 * 60 * 1_000_000
MOST = 5_000
"""Of each kind; the oldest go first."""


@dataclass(slots=True)
class Ceremonies:
    """What is kept, by kind and by key. Times are UTC microseconds."""

    most: int = MOST
    _kept: dict[str, OrderedDict[bytes, tuple[int, Any]]] = field(default_factory=dict)

    def keep(self, kind: str, key: bytes, value: Any, now: int) -> None:
        """Instead of what was kept of that kind for that key."""
        kept = self._of(kind)
        kept.pop(key, None)
        kept[key] = (now + LIFETIME, value)
        while len(kept) > self.most:
            kept.popitem(last=False)

    def find(self, kind: str, key: bytes, now: int) -> Any:
        """What was kept, or None."""
        until, value = self._of(kind).get(key, (0, None))
        return value if until > now else None

    def take(self, kind: str, key: bytes, now: int) -> Any:
        """The same, and it is gone."""
        value = self.find(kind, key, now)
        self._of(kind).pop(key, None)
        return value

    def _of(self, kind: str) -> OrderedDict[bytes, tuple[int, Any]]:
        return self._kept.setdefault(kind, OrderedDict())


CEREMONIES: web.AppKey[Ceremonies] = web.AppKey("ceremonies", Ceremonies)


def setup(app: web.Application) -> None:
    app[CEREMONIES] = Ceremonies()


def cookie_name(request: web.Request) -> str:
    return "__Host-mailwitness-step" if is_https(request.app[CONFIG]) else "mailwitness-step"


def own_key(request: web.Request) -> bytes:
    """By which the browser that asks is known in ceremonies; b'' if it is in none."""
    return request.cookies.get(cookie_name(request), "").encode("utf-8", "replace")


def begin(request: web.Request, kind: str, value: Any) -> str:
    """Keeps `value` for a browser that is not signed in; returns what `give_cookie` must give it."""
    token = request.app[NEW_SECRET]()
    request.app[CEREMONIES].keep(kind, token.encode(), value, request.app[CLOCK]())
    return token


def give_cookie(request: web.Request, response: web.StreamResponse, token: str) -> None:
    """Lax, not Strict: an OpenID provider sends people back by a link."""
    response.set_cookie(
        cookie_name(request),
        token,
        max_age=LIFETIME // 1_000_000,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=is_https(request.app[CONFIG]),
    )


def clear_cookie(request: web.Request, response: web.StreamResponse) -> None:
    is_secure = is_https(request.app[CONFIG])
    response.del_cookie(cookie_name(request), path="/", httponly=True, samesite="Lax", secure=is_secure)
