"""Which mechanism of AUTH is spoken, XOAUTH2 with its tokens, and the address that we connect from."""

from __future__ import annotations

import asyncio
import logging
from ipaddress import IPv4Address
from typing import Any

import pytest
from pydantic import SecretStr

from relay.courier.dialler import HostDialler
from relay.courier.oauth import AccessTokens, TokenRefused
from relay.courier.trouble import NoSession
from tests.support.dispatch import upstream_of
from tests.support.tokens import TokenServer
from tests.support.upstream import Raw, ScriptedUpstream, Step

ACCOUNT: dict[str, Any] = {"username": "user", "password": SecretStr("pass word")}
OAUTH: dict[str, Any] = {
    "username": "user",
    "auth": "xoauth2",
    "client_id": "our-id",
    "client_secret": SecretStr("our-secret"),
    "refresh_token": SecretStr("our-refresh"),
}


async def outcome(upstream: ScriptedUpstream, **settings: Any) -> str:
    """The mechanism that was spoken, or the reply when there is no session."""
    try:
        session = await HostDialler(upstream_of(upstream.port, **settings), "relay.example").dial()
    except NoSession as refusal:
        return str(refusal.reply)
    await session.quit()
    return session.mechanism or "none"


@pytest.mark.parametrize(
    ("auth", "offered", "expected"),
    [
        ("auto", "LOGIN PLAIN", "PLAIN"),
        ("auto", "LOGIN CRAM-MD5", "LOGIN"),
        ("auto", "CRAM-MD5 XOAUTH2", "454 4.7.0 the upstream offers neither AUTH PLAIN nor AUTH LOGIN"),
        ("plain", "PLAIN LOGIN", "PLAIN"),
        ("plain", "LOGIN", "454 4.7.0 the upstream does not offer AUTH PLAIN"),
        ("login", "PLAIN LOGIN", "LOGIN"),
        ("login", "PLAIN", "454 4.7.0 the upstream does not offer AUTH LOGIN"),
        ("xoauth2", "PLAIN XOAUTH2", "XOAUTH2"),
        ("xoauth2", "PLAIN", "454 4.7.0 the upstream does not offer AUTH XOAUTH2"),
    ],
)
async def test_the_mechanism_is_the_one_that_was_chosen(auth: str, offered: str, expected: str) -> None:
    async with ScriptedUpstream(credentials=("user", "pass word"), mechanisms=offered) as upstream:
        assert await outcome(upstream, **ACCOUNT, auth=auth) == expected


async def test_a_refused_access_token_is_answered_with_an_empty_line_and_told() -> None:
    async with ScriptedUpstream(credentials=("user", "right"), mechanisms="XOAUTH2") as upstream:
        said = await outcome(upstream, **ACCOUNT, auth="xoauth2")
    assert said == "454 4.7.0 the upstream refused AUTH: 535 5.7.8 bad token (status 401)"


@pytest.mark.parametrize(
    "challenge", ["334 ", "334 bm8=", "334 eyJzdGF0dXMiOjF9", "334 W10=", "334 !", "334 " + "A" * 4000]
)
async def test_a_challenge_that_explains_nothing_is_a_refusal_all_the_same(challenge: str) -> None:
    script: dict[str, Step] = {"AUTH": Raw(challenge.encode() + b"\r\n535 5.7.8 no\r\n")}
    async with ScriptedUpstream(credentials=("user", "pass word"), mechanisms="XOAUTH2", script=script) as upstream:
        assert await outcome(upstream, **ACCOUNT, auth="xoauth2") == (
            "454 4.7.0 the upstream refused AUTH: 535 5.7.8 no"
        )


async def test_a_login_that_is_asked_for_more_and_more_ends() -> None:
    script: dict[str, Step] = {"AUTH": "334 more"}
    async with ScriptedUpstream(credentials=("user", "pass word"), mechanisms="PLAIN", script=script) as upstream:
        assert "answered 334 to AUTH" in await outcome(upstream, **ACCOUNT)


async def test_login_stops_where_it_is_refused() -> None:
    script: dict[str, Step] = {"AUTH": "535 5.7.8 not by this"}
    async with (
        ScriptedUpstream(credentials=("user", "other"), mechanisms="LOGIN", script=script) as upstream,
        ScriptedUpstream(extensions=("AUTH LOGIN",), script={}) as without,
    ):
        assert "535 5.7.8 not by this" in await outcome(upstream, **ACCOUNT)
        assert await outcome(without, username="", auth="login") == "none"


async def test_an_access_token_is_fetched_and_used_until_it_ends() -> None:
    async with (
        TokenServer() as server,
        ScriptedUpstream(credentials=("user", "access-1"), mechanisms="XOAUTH2") as upstream,
    ):
        dialler = HostDialler(upstream_of(upstream.port, **OAUTH, token_url=server.url), "relay.example")
        for _ in range(3):
            await (await dialler.dial()).quit()
    assert server.forms == [
        {
            "grant_type": "refresh_token",
            "refresh_token": "our-refresh",
            "client_id": "our-id",
            "client_secret": "our-secret",
        }
    ]


async def test_a_token_that_the_upstream_refuses_is_fetched_anew() -> None:
    async with (
        TokenServer() as server,
        ScriptedUpstream(credentials=("user", "access-2"), mechanisms="XOAUTH2") as upstream,
    ):
        dialler = HostDialler(upstream_of(upstream.port, **OAUTH, token_url=server.url), "relay.example")
        with pytest.raises(NoSession):
            await dialler.dial()
        assert (await dialler.dial()).mechanism == "XOAUTH2"
    assert len(server.forms) == 2


async def test_many_sessions_share_one_fetch() -> None:
    async with TokenServer() as server:
        server.hold = asyncio.Event()
        tokens = AccessTokens(upstream_of(1, **OAUTH, token_url=server.url))
        waiting = [asyncio.create_task(tokens.token()) for _ in range(10)]
        async with asyncio.timeout(5):
            while not server.forms:
                await asyncio.sleep(0.001)
        server.hold.set()
        assert set(await asyncio.gather(*waiting)) == {"access-1"}
    assert len(server.forms) == 1


@pytest.mark.parametrize(
    ("expires_in", "fetches"), [(3600, 1), ("3600", 1), (None, 1), ([], 1), (float("inf"), 1), (-5, 1), (1e-9, 2)]
)
async def test_a_token_is_kept_as_long_as_it_says(expires_in: object, fetches: int) -> None:
    async with TokenServer(expires_in=expires_in) as server:
        tokens = AccessTokens(upstream_of(1, **OAUTH, token_url=server.url))
        await tokens.token()
        await asyncio.sleep(0)
        await tokens.token()
    assert len(server.forms) == fetches


async def test_a_new_refresh_token_is_used_from_then_on() -> None:
    given = {"access_token": "first", "refresh_token": "renewed"}
    async with TokenServer([(200, given)]) as server:
        tokens = AccessTokens(
            upstream_of(1, **{**OAUTH, "client_id": "", "client_secret": SecretStr("")}, token_url=server.url)
        )
        tokens.forget(await tokens.token())
        tokens.forget("another")
        assert await tokens.token() == "access-1"
    assert [form["refresh_token"] for form in server.forms] == ["our-refresh", "renewed"]
    assert "client_id" not in server.forms[0]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((400, {"error": "invalid_grant", "error_description": "our-refresh and our-secret\r\nrevoked"}),
         "token_url answered 400: invalid_grant, … and … revoked"),
        ((401, {"error": 5}), "token_url answered 401"),
        ((302, {}), "token_url answered 302"),
        ((500, ["x"]), "token_url answered 500"),
        ((200, {"token": "x"}), "token_url answered without an access_token"),
        ((200, {"access_token": "a b"}), "token_url answered without an access_token"),
        (b"<html>", "token_url answered without an access_token"),
        (b"[" * 100_000, "token_url answered without an access_token"),
        (b'{"access_token": "' + b"x" * 200_000 + b'"}', "token_url answered without an access_token"),
    ],
)  # fmt: skip
async def test_why_there_is_no_token_is_said_in_words_without_a_secret(answer: Any, words: str) -> None:
    async with (
        TokenServer([answer]) as server,
        ScriptedUpstream(credentials=("user", "x"), mechanisms="XOAUTH2") as upstream,
    ):
        assert await outcome(upstream, **OAUTH, token_url=server.url) == f"454 4.7.0 no access token: {words}"
    assert not any(line.startswith("AUTH") for line in upstream.commands)


async def test_a_token_server_that_hangs_or_is_not_there_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with TokenServer() as server:
        server.hold = asyncio.Event()
        with pytest.raises(TokenRefused, match="no answer within 1 s"):
            await AccessTokens(upstream_of(1, **OAUTH, token_url=server.url, connect_timeout=1)).token()
        server.hold.set()
    with pytest.raises(TokenRefused, match="token_url is not reached: ClientConnectorError"):
        await AccessTokens(upstream_of(1, **OAUTH, token_url=server.url)).token()
    assert "our-refresh" not in caplog.text
    assert "our-secret" not in caplog.text


async def test_we_connect_from_the_address_that_was_chosen() -> None:
    async with ScriptedUpstream() as upstream:
        await outcome(upstream, source_address=IPv4Address("127.0.0.9"))
        await outcome(upstream)
    assert upstream.peers == ["127.0.0.9", "127.0.0.1"]


async def test_an_address_that_is_not_ours_is_told() -> None:
    async with ScriptedUpstream() as upstream:
        assert "connection failed" in await outcome(upstream, source_address=IPv4Address("192.0.2.1"))
    assert upstream.peers == []
