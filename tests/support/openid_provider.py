"""A small OpenID provider on a loopback socket: real codes, PKCE, and id tokens signed with RS256.

A test says who is signed in there (`person`), and may have it misbehave: `forge` gets the claims and the header of the
id token and may change both, `sign_with` another key, `raw_token` replaces the token altogether.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "mailwitness", "the client's secret / with odd + characters"


class OpenIdProvider:
    """`async with OpenIdProvider() as provider:`; `provider.issuer`. `now`: UTC seconds, for what it signs."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.now = now
        self.person: dict[str, Any] = {"sub": "1", "preferred_username": "cleo", "groups": ["support"]}
        self.user_info: dict[str, Any] = {}
        self.forge: Callable[[dict[str, Any], dict[str, Any]], None] = lambda claims, header: None
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}, private=True)
        self.sign_with: RSAKey | None = None
        self.raw_token = ""
        self.published: list[RSAKey] = [self.key]
        self.said_of_itself: dict[str, Any] = {}
        self.requests: list[str] = []
        self.asked: list[dict[str, str]] = []
        self.status = 200
        self._codes: dict[str, dict[str, str]] = {}

    async def __aenter__(self) -> OpenIdProvider:
        app = web.Application()
        app.router.add_get("/realm/.well-known/openid-configuration", self._metadata)
        app.router.add_get("/realm/authorize", self._authorize)
        app.router.add_post("/realm/token", self._token)
        app.router.add_get("/realm/keys", self._keys)
        app.router.add_get("/realm/userinfo", self._user_info)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.issuer = f"http://127.0.0.1:{self._runner.addresses[0][1]}/realm"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def rotate(self) -> None:
        """Signs with a new key from now on, and publishes it alone."""
        self.key = RSAKey.generate_key(2048, {"kid": "two", "use": "sig"}, private=True)
        self.published = [self.key]

    async def _metadata(self, request: web.Request) -> web.Response:
        self.requests.append("metadata")
        about = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
        }
        return web.json_response({**about, **self.said_of_itself}, status=self.status)

    async def _authorize(self, request: web.Request) -> web.Response:
        asked = dict(request.query)
        self.asked.append(asked)
        assert asked["client_id"] == CLIENT
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        onward = urlencode({"code": code, "state": asked["state"], "iss": self.issuer})
        return web.Response(status=302, headers={"Location": f"{asked['redirect_uri']}?{onward}"})

    async def _token(self, request: web.Request) -> web.Response:
        self.requests.append("token")
        form = dict(parse_qsl((await request.read()).decode()))
        asked = self._codes.pop(form.get("code", ""), None)
        if not _is_client(request) or asked is None or asked["redirect_uri"] != form.get("redirect_uri"):
            return web.json_response({"error": "invalid_grant"}, status=400)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != asked["code_challenge"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        tokens = {"access_token": "the-access-token", "token_type": "Bearer", "id_token": self._signed(asked)}
        return web.json_response(tokens)

    def _signed(self, asked: dict[str, str]) -> str:
        now = int(self.now())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            **self.person,
        }
        header: dict[str, Any] = {"alg": "RS256", "kid": self.key.kid}
        self.forge(claims, header)
        return self.raw_token or jwt.encode(header, claims, self.sign_with or self.key, algorithms=["RS256"])

    async def _keys(self, request: web.Request) -> web.Response:
        self.requests.append("keys")
        return web.json_response({"keys": [key.as_dict(private=False) for key in self.published]})

    async def _user_info(self, request: web.Request) -> web.Response:
        self.requests.append("userinfo")
        assert request.headers["Authorization"] == "Bearer the-access-token"
        return web.json_response(self.user_info)


def _is_client(request: web.Request) -> bool:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    name, _, secret = base64.b64decode(value).decode().partition(":")
    pairs = dict(parse_qsl(f"name={name}&secret={secret}"))
    return scheme == "Basic" and pairs == {"name": CLIENT, "secret": SECRET}


def query_of(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))
