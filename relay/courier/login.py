"""AUTH: the dialogue of each mechanism that we speak, as the lines to send. Knows no socket.

PLAIN (RFC 4616), LOGIN (draft-murchison-sasl-login), XOAUTH2 (Google's and Microsoft's, in which a refusal comes as a
334 that wants an empty line). A password or token is in the lines and nowhere else.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Awaitable, Callable

from relay.courier.capability import Capabilities
from relay.model.reply import Reply

Ask = Callable[[bytes], Awaitable[Reply]]
"""Sends a line (without CRLF) and returns the reply."""
_WORD = re.compile(r"[\x21-\x7e]{1,100}")


class Unoffered(Exception):
    """The upstream does not offer what is wanted; the text says so."""


def mechanism(wanted: str, capabilities: Capabilities) -> str:
    """`PLAIN`, `LOGIN` or `XOAUTH2`; `wanted` is the configured `auth`. Raises Unoffered."""
    offered = capabilities.mechanisms
    if wanted == "auto":
        for name in ("PLAIN", "LOGIN"):
            if name in offered:
                return name
        raise Unoffered("the upstream offers neither AUTH PLAIN nor AUTH LOGIN")
    if wanted.upper() not in offered:
        raise Unoffered(f"the upstream does not offer AUTH {wanted.upper()}")
    return wanted.upper()


async def plain(ask: Ask, user: str, password: str) -> Reply:
    return await ask(b"AUTH PLAIN " + base64.b64encode(f"\0{user}\0{password}".encode()))


async def login(ask: Ask, user: str, password: str) -> Reply:
    reply = await ask(b"AUTH LOGIN")
    for answer in (user, password):
        if reply.code != 334:
            break
        reply = await ask(base64.b64encode(answer.encode()))
    return reply


async def xoauth2(ask: Ask, user: str, token: str) -> Reply:
    reply = await ask(b"AUTH XOAUTH2 " + base64.b64encode(f"user={user}\1auth=Bearer {token}\1\1".encode()))
    if reply.code != 334:
        return reply
    status = _status(reply.text)
    refusal = await ask(b"")
    if status and not refusal.is_positive:
        return Reply(refusal.code, f"{refusal.text} (status {status})", refusal.enhanced)
    return refusal


def _status(challenge: str) -> str | None:
    """`400` of the base64 of `{"status":"400","schemes":"Bearer",…}`."""
    try:
        details = json.loads(base64.b64decode(challenge, validate=True))
    except (ValueError, RecursionError):
        return None
    status = details.get("status") if isinstance(details, dict) else None
    return status if isinstance(status, str) and _WORD.fullmatch(status) else None
