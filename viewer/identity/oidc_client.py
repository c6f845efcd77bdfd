"""The OpenID provider as we talk to it: what it says of itself, its keys, and what it tells of a person for a code.

OpenID Connect Core 1.0 (code flow), Discovery 1.0, PKCE (RFC 7636), issuer identification (RFC 9207). Who may come in
is decided elsewhere (`admission.py`); the steps in the browser are `single_sign_on.py`'s.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any
from urllib.parse import quote_plus, urlsplit

import aiohttp
from aiohttp import web
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import get_well_known_url
from joserfc import jwk, jwt
from joserfc.errors import JoseError

from relay.config import Oidc
from relay.config.problem import is_loopback
from viewer.keys import CLOCK, CONFIG

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""With public keys only: a secret that both sides know would let the client's secret sign, and `none` anybody."""
LEEWAY = 60
"""Seconds that the provider's clock may differ from ours."""
TIME_LIMIT = 10.0
LARGEST = 1024 * 1024
"""Octets of an answer of the provider."""
KEPT_FOR = 3600 * 1_000_000
"""What the provider says of itself, and its keys."""
ASKED_AGAIN = 60 * 1_000_000
"""A token signed by an unknown key makes us ask for the keys again, once in this time."""


class ProviderError(Exception):
    """The provider does not answer, or not as it must. The text is for the log and the event, not for browsers."""


class NotProved(ProviderError):
    """What the provider, or somebody in its name, sent does not prove who the person is."""


class Provider:
    """One provider. `clock`: UTC microseconds."""

    def __init__(self, table: Oidc, clock: Callable[[], int]) -> None:
        self._table = table
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._asking = asyncio.Lock()
        self._metadata: tuple[int, dict[str, Any]] | None = None
        self._keys: tuple[int, list[jwk.Key]] | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def address(self, *, redirect_uri: str, state: str, nonce: str, verifier: str, is_again: bool = False) -> str:
        """Where to send the browser. `is_again`: the person must prove anew who they are. Raises ProviderError."""
        metadata = await self._about()
        return str(
            prepare_grant_uri(
                metadata["authorization_endpoint"],
                self._table.client_id,
                "code",
                redirect_uri,
                " ".join(self._table.scopes),
                state,
                nonce=nonce,
                code_challenge=create_s256_code_challenge(verifier),
                code_challenge_method="S256",
                prompt="login" if is_again else None,
            )
        )

    async def claims(self, *, code: str, redirect_uri: str, verifier: str, nonce: str) -> dict[str, Any]:
        """What the provider says of the person: the id token's claims, and the user info's where groups are missing.

        Raises NotProved or ProviderError.
        """
        metadata = await self._about()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
            "client_id": self._table.client_id,
        }
        tokens = await self._ask(metadata["token_endpoint"], form=form, headers=self._credentials())
        id_token, access_token = tokens.get("id_token"), tokens.get("access_token")
        if not isinstance(id_token, str):
            raise NotProved("the provider gave no id token")
        claims = await self._verified(id_token, nonce, access_token)
        address = metadata.get("userinfo_endpoint")
        if self._table.groups_claim in claims or not isinstance(address, str) or not isinstance(access_token, str):
            return claims
        more = await self._ask(address, headers={"Authorization": f"Bearer {access_token}"})
        if more.get("sub") != claims["sub"]:
            raise NotProved("the user info is about somebody else")
        return {**more, **claims}

    # -- the id token ----------------------------------------------------------------------------------------
    async def _verified(self, id_token: str, nonce: str, access_token: object) -> dict[str, Any]:
        """The claims of a token that the provider signed, for us, now, for this sign-in. Raises NotProved."""
        header = _header(id_token)
        if header.get("alg") not in ALGORITHMS:
            raise NotProved("the id token is not signed with a public key")
        keys = await self._candidates(header)
        try:
            token = next((one for key in keys if (one := _decoded(id_token, key)) is not None), None)
            if token is None:
                raise NotProved("the id token is not signed by the provider")
            options = {
                "iss": {"essential": True, "value": self._table.issuer},
                "aud": {"essential": True, "value": self._table.client_id},
                "sub": {"essential": True},
            }
            expected = {"nonce": nonce, "client_id": self._table.client_id, "access_token": access_token}
            claims = CodeIDToken(token.claims, token.header, options, expected)
            claims.validate(self._clock() // 1_000_000, LEEWAY)
        except (JoseError, ValueError, TypeError) as error:
            raise NotProved(f"the id token is not valid: {type(error).__name__} {error}"[:200]) from error
        if not isinstance(claims["sub"], str) or not claims["sub"]:
            raise NotProved("the id token names nobody")
        return dict(claims)

    async def _candidates(self, header: Mapping[str, Any]) -> list[jwk.Key]:
        """The provider's keys that may have signed it; they are asked for again if none has the token's name."""
        found = _with_name(await self._public_keys(), header)
        if not found and self._keys is not None and self._clock() - self._keys[0] > ASKED_AGAIN:
            self._keys = None
            found = _with_name(await self._public_keys(), header)
        return found

    async def _public_keys(self) -> list[jwk.Key]:
        metadata = await self._about()
        async with self._asking:
            if self._keys is None or self._clock() - self._keys[0] > KEPT_FOR:
                answer = await self._ask(metadata["jwks_uri"])
                self._keys = (self._clock(), list(_keys(answer)))
            return self._keys[1]

    # -- asking ----------------------------------------------------------------------------------------------
    async def _about(self) -> dict[str, Any]:
        """What the provider says of itself; it must be the one that the configuration names."""
        async with self._asking:
            if self._metadata is None or self._clock() - self._metadata[0] > KEPT_FOR:
                found = await self._ask(get_well_known_url(self._table.issuer, external=True))
                if found.get("issuer") != self._table.issuer:
                    raise ProviderError(f"the provider calls itself {str(found.get('issuer'))[:100]!r}")
                for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                    _check_address(name, found.get(name))
                self._metadata = (self._clock(), found)
            return self._metadata[1]

    def _credentials(self) -> dict[str, str]:
        """RFC 6749 section 2.3.1; nothing for a public client."""
        secret = self._table.client_secret.get_secret_value()
        if not secret:
            return {}
        pair = f"{quote_plus(self._table.client_id)}:{quote_plus(secret)}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    async def _ask(
        self, url: str, *, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """The JSON object at `url`. No redirection is followed: a code or token goes nowhere else."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=TIME_LIMIT), cookie_jar=aiohttp.DummyCookieJar(), trust_env=True
            )
        method = "GET" if form is None else "POST"
        wanted = {"Accept": "application/json", **(headers or {})}
        try:
            async with self._session.request(method, url, data=form, headers=wanted, allow_redirects=False) as answer:
                text = await answer.content.read(LARGEST + 1)
                while len(text) <= LARGEST and not answer.content.at_eof():
                    text += await answer.content.read(LARGEST + 1)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ProviderError(f"{_place(url)} does not answer: {type(error).__name__}") from error
        if answer.status != 200:
            raise ProviderError(f"{_place(url)} answered {answer.status}")
        try:
            found = json.loads(text) if len(text) <= LARGEST else None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise ProviderError(f"{_place(url)} did not answer with a JSON object")
        return found


def _place(url: str) -> str:
    """The address without what may be secret in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{parts.path}"[:200]


def _check_address(name: str, value: object) -> None:
    url = urlsplit(value) if isinstance(value, str) else urlsplit("")
    if url.scheme != "https" and not (url.scheme == "http" and is_loopback(url.hostname or "")):
        raise ProviderError(f"the provider's {name} is no https:// address")


def _header(id_token: str) -> dict[str, Any]:
    """The header, before anything is believed. Raises NotProved."""
    part = id_token.partition(".")[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise NotProved("the id token is not one")
    return header


def _keys(answer: Mapping[str, Any]) -> list[jwk.Key]:
    """Those we can use: public, for signatures, of a kind we know."""
    found = []
    given = answer.get("keys")
    for one in given if isinstance(given, list) else []:
        if isinstance(one, dict) and one.get("kty") in ("RSA", "EC", "OKP") and one.get("use", "sig") == "sig":
            try:
                found.append(jwk.import_key(one))
            except (JoseError, ValueError, TypeError, KeyError):
                continue
    return found


def _with_name(keys: list[jwk.Key], header: Mapping[str, Any]) -> list[jwk.Key]:
    """All, if the token does not say which."""
    name = header.get("kid")
    return [key for key in keys if name is None or key.kid == name]


def _decoded(id_token: str, key: jwk.Key) -> jwt.Token | None:
    """The token if this key signed it."""
    try:
        return jwt.decode(id_token, key, algorithms=list(ALGORITHMS))
    except (JoseError, ValueError, TypeError):
        return None


# -- of the application --------------------------------------------------------------------------------------------

PROVIDER: web.AppKey[Provider] = web.AppKey("provider", Provider)


def setup(app: web.Application) -> None:
    app[PROVIDER] = Provider(app[CONFIG].oidc, app[CLOCK])
    app.cleanup_ctx.append(_closed_at_the_end)


async def _closed_at_the_end(app: web.Application) -> AsyncIterator[None]:
    yield
    await app[PROVIDER].close()


def label(app: web.Application) -> str:
    """What the button says, '' where there is no single sign-on."""
    table = app[CONFIG].oidc
    return table.label if table.issuer else ""
