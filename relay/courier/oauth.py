"""Access tokens for XOAUTH2: fetched with a refresh token, kept until shortly before they expire. RFC 6749 section 6.

One fetch at a time, however many sessions wait for it. Secrets are neither logged nor put into an error.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
from typing import Any

import aiohttp

from relay.config import Upstream

MARGIN = 60.0
"""Seconds before its end from which a token is not used any more; at most half of its life."""
LIFETIME = 3600.0
"""Seconds, when the answer does not say (RFC 6749 section 5.1)."""
ANSWER_LIMIT = 64 * 1024
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


class TokenRefused(Exception):
    """There is no access token; the text says why, in words."""


class AccessTokens:
    """The tokens of one upstream. Used within one event loop."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._refresh_token = upstream.refresh_token.get_secret_value()
        self._token, self._good_until = "", 0.0
        self._fetching = asyncio.Lock()

    async def token(self) -> str:
        """The configured token, or one from `token_url` that is still good. Raises TokenRefused."""
        if not self._upstream.token_url:
            return self._upstream.password.get_secret_value()
        async with self._fetching:
            if not self._token or asyncio.get_running_loop().time() >= self._good_until:
                await self._fetch()
            return self._token

    def forget(self, token: str) -> None:
        """The upstream refused `token`: the next session asks for another."""
        if token == self._token:
            self._token = ""

    async def _fetch(self) -> None:
        form = {"grant_type": "refresh_token", "refresh_token": self._refresh_token}
        if self._upstream.client_id:
            form["client_id"] = self._upstream.client_id
        if secret := self._upstream.client_secret.get_secret_value():
            form["client_secret"] = secret
        self._take(await self._post(form))

    async def _post(self, form: dict[str, str]) -> dict[str, Any]:
        limit = aiohttp.ClientTimeout(total=self._upstream.connect_timeout)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as client,
                client.post(self._upstream.token_url, data=form, allow_redirects=False) as response,
            ):
                answer = _parsed(await _limited(response.content))
                if response.status != 200:
                    raise TokenRefused(f"token_url answered {response.status}{self._explained(answer)}")
                return answer
        except TimeoutError:
            raise TokenRefused(f"token_url gave no answer within {self._upstream.connect_timeout} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise TokenRefused(f"token_url is not reached: {type(error).__name__}") from None

    def _take(self, answer: dict[str, Any]) -> None:
        token, seconds = answer.get("access_token"), answer.get("expires_in", LIFETIME)
        if not isinstance(token, str) or _PRINTABLE.fullmatch(token) is None:
            raise TokenRefused("token_url answered without an access_token")
        life = float(seconds) if isinstance(seconds, (int, float)) or str(seconds).isdecimal() else LIFETIME
        if not 0 < life < math.inf:
            life = LIFETIME
        if isinstance(renewed := answer.get("refresh_token"), str) and renewed:
            self._refresh_token = renewed  # some servers give a new one each time (RFC 6749 section 6)
        self._token = token
        self._good_until = asyncio.get_running_loop().time() + max(life - MARGIN, life / 2)

    def _explained(self, answer: dict[str, Any]) -> str:
        """`: invalid_grant, Token has been revoked` (RFC 6749 section 5.2), without any secret of ours."""
        words = [answer.get(key) for key in ("error", "error_description")]
        text = ", ".join(_UNPRINTABLE.sub(" ", word)[:200] for word in words if isinstance(word, str) and word)
        for secret in (self._refresh_token, self._upstream.client_secret.get_secret_value()):
            text = text.replace(secret, "…") if secret else text
        return f": {text}" if text else ""


async def _limited(stream: aiohttp.StreamReader) -> bytes:
    octets = b""
    while len(octets) <= ANSWER_LIMIT and (more := await stream.readany()):
        octets += more
    return octets


def _parsed(octets: bytes) -> dict[str, Any]:
    """The JSON object; an empty one for anything else."""
    try:
        answer = json.loads(octets)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}
