"""Attacks 18 and 19 of docs/attacks.md: sessions that last, sessions that wait, DATA that trickles."""

from __future__ import annotations

import asyncio

from tests.support.exactclient import ExactClient
from tests.support.reception import running_intake

HOST = "127.0.0.1"


async def test_a_client_that_says_nothing_is_told_421(tmp_path):
    async with running_intake(tmp_path, idle_timeout=1) as reception:
        client = await ExactClient.connect(HOST, reception.port)
        assert await client.reply() == (421, "4.4.2 nothing came from you for too long, goodbye")


async def test_a_client_that_stops_within_data_is_told_421_and_nothing_is_kept(tmp_path):
    async with running_intake(tmp_path, idle_timeout=1) as reception:
        client = await ExactClient.connect(HOST, reception.port)
        await begin_data(client)
        await client.send(b"half a message\r\n")
        assert (await client.reply())[0] == 421
        assert await reception.kept() == []


async def test_data_that_flows_is_not_cut_at_the_idle_timeout(tmp_path):
    async with running_intake(tmp_path, idle_timeout=1, min_data_rate=1) as reception:
        client = await ExactClient.connect(HOST, reception.port)
        await begin_data(client)
        began = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() < began + 1.6:
            await client.send(b"one more line\r\n")
            await asyncio.sleep(0.05)
        await client.send(b".\r\n")
        await client.expect(250)


async def test_data_below_the_minimum_rate_is_cut_even_while_it_trickles(tmp_path):
    async with running_intake(tmp_path, min_data_rate=10_000, data_grace=0.2) as reception:
        client = await ExactClient.connect(HOST, reception.port)
        await begin_data(client)
        trickle = asyncio.create_task(_trickle(client))
        assert await client.reply() == (421, "4.4.2 message comes too slowly, goodbye")
        trickle.cancel()
        assert await reception.kept() == []


async def _trickle(client: ExactClient) -> None:
    while True:
        await client.send(b"x")
        await asyncio.sleep(0.02)


async def test_noop_does_not_keep_a_session_for_ever(tmp_path):
    async with running_intake(tmp_path, max_session=1, max_junk_commands=1_000_000) as reception:
        client = await ExactClient.connect(HOST, reception.port)
        while True:
            await client.send(b"NOOP\r\n")
            code, text = await client.reply()
            if code != 250:
                break
        assert (code, text) == (421, "4.7.0 session has lasted too long, please begin a new one")


async def test_a_transaction_may_finish_after_the_session_has_lasted_too_long(tmp_path):
    async with running_intake(tmp_path, max_session=1) as reception:
        client = await ExactClient.connect(HOST, reception.port)
        await begin_data(client)
        began = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() < began + 1.1:
            await client.send(b"one more line\r\n")
            await asyncio.sleep(0.05)
        await client.send(b".\r\n")
        await client.expect(250)
        assert (await client.reply())[0] == 421


async def begin_data(client: ExactClient) -> None:
    await client.command("MAIL FROM:<a@b>", 250)
    await client.command("RCPT TO:<c@d>", 250)
    await client.command("DATA", 354)


async def test_a_line_that_never_ends_does_not_keep_a_session_for_ever(tmp_path):
    async with running_intake(tmp_path, max_session=1, idle_timeout=1) as reception:
        client = await ExactClient.connect(HOST, reception.port)
        trickle = asyncio.create_task(_trickle(client))
        assert await client.reply() == (421, "4.7.0 session has lasted too long, please begin a new one")
        trickle.cancel()


async def test_without_limits_of_time_a_session_goes_on(tmp_path):
    async with running_intake(tmp_path, max_session=0, idle_timeout=0) as reception:
        client = await ExactClient.connect(HOST, reception.port)
        await client.command("NOOP", 250)
