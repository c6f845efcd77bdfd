"""The intake from start to stop, and a reload in between."""

from __future__ import annotations

import asyncio
import socket
import ssl
import stat

import pytest

from relay.archive.api import Archive
from relay.config import Listener, Smtp, TlsPolicy
from relay.intake.credentials import Directory
from relay.intake.listener import Bound
from relay.model.message import Mode
from tests.support.certificate import write_certificate
from tests.support.exactclient import ExactClient
from tests.support.reception import SHOP, running_intake
from tests.support.waiting import until

HOST = "127.0.0.1"


async def begin_data(client: ExactClient) -> None:
    await client.command("MAIL FROM:<a@shop.example>", 250)
    await client.command("RCPT TO:<b@example.net>", 250)
    await client.command("DATA", 354)


class Gate:
    """The archive, with a gate before `add_message`."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()

    def __getattr__(self, name):
        return getattr(self._archive, name)

    async def add_message(self, *arguments):
        self.reached.set()
        await self.opened.wait()
        await self._archive.add_message(*arguments)


async def test_a_session_without_a_message_under_way_is_told_421_at_once(tmp_path):
    async with running_intake(tmp_path) as reception:
        waiting = await ExactClient.connect(HOST, reception.port)
        await waiting.command("MAIL FROM:<a@b>", 250)
        await reception.intake.stop(60)
        assert await waiting.reply() == (421, "4.3.2 service is shutting down, try again later")
        assert reception.intake.session_count == 0


async def test_a_running_data_may_finish_within_the_grace(tmp_path):
    async with running_intake(tmp_path) as reception:
        client = await ExactClient.connect(HOST, reception.port)
        await begin_data(client)
        stopping = asyncio.create_task(reception.intake.stop(60))
        await until(lambda: not reception.intake.bound)
        await client.send(b"x\r\n.\r\nNOOP\r\n")
        await client.expect(250)
        assert (await client.reply())[0] == 421
        await stopping
        assert len(await reception.kept()) == 1


async def test_a_data_that_does_not_finish_in_time_is_told_421_and_nothing_is_kept(tmp_path):
    async with running_intake(tmp_path) as reception:
        client = await ExactClient.connect(HOST, reception.port)
        await begin_data(client)
        await client.send(b"half\r\n")
        await reception.intake.stop(0)
        await client.expect(421)
        assert await reception.kept() == []


async def test_a_commit_under_way_is_waited_for_and_answered_250(tmp_path):
    async with running_intake(tmp_path) as reception:
        gate = reception.put_before_archive(Gate)
        client = await ExactClient.connect(HOST, reception.port)
        await begin_data(client)
        await client.send(b"x\r\n.\r\n")
        await gate.reached.wait()
        stopping = asyncio.create_task(reception.intake.stop(0))
        await until(lambda: not reception.intake.bound)
        gate.opened.set()
        await client.expect(250)
        await stopping
        assert len(await reception.kept()) == 1


@pytest.mark.parametrize("how", ["close", "reset", "half-close"])
async def test_a_client_that_leaves_after_the_dot_changes_nothing(tmp_path, how):
    async with running_intake(tmp_path) as reception:
        gate = reception.put_before_archive(Gate)
        _, writer = await asyncio.open_connection(HOST, reception.port)
        writer.write(b"EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nx\r\n.\r\n")
        await gate.reached.wait()
        if how == "reset":
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            writer.transport.abort()
        elif how == "close":
            writer.close()
        else:
            writer.write_eof()
        gate.opened.set()
        await until(lambda: reception.intake.session_count == 0)
        assert len(await reception.kept()) == 1
        writer.close()


async def test_what_is_pipelined_while_a_commit_runs_is_read_ahead_with_a_bound(tmp_path):
    async with running_intake(tmp_path, max_junk_commands=1_000_000) as reception:
        gate = reception.put_before_archive(Gate)
        client = await ExactClient.connect(HOST, reception.port)
        await begin_data(client)
        await client.send(b"x\r\n.\r\n")
        await gate.reached.wait()
        flood = asyncio.create_task(client.send(b"NOOP\r\n" * 200_000))
        (session,) = reception.sessions
        transport = session.transport
        assert transport is not None
        await until(lambda: not transport.is_reading())
        assert session.buffered < 1024 * 1024
        gate.opened.set()
        await client.expect(250)
        flood.cancel()


async def test_a_client_that_takes_no_replies_is_not_served_ahead(tmp_path):
    async with running_intake(tmp_path, max_junk_commands=100_000_000, idle_timeout=1) as reception:
        narrow = socket.socket()
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # full soon
        narrow.connect((HOST, reception.port))
        _, writer = await asyncio.open_connection(sock=narrow, limit=1000)
        flood = asyncio.create_task(write_all(writer, b"EHLO c\r\n" * 500_000))
        await until(lambda: bool(reception.sessions))
        (session,) = reception.sessions
        transport = session.transport
        assert transport is not None
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        await until(lambda: not transport.is_reading())
        assert session.buffered < 1024 * 1024
        assert transport.get_write_buffer_size() < 1024 * 1024
        await until(lambda: session.task is not None and session.task.done(), seconds=20)
        flood.cancel()


async def write_all(writer: asyncio.StreamWriter, octets: bytes) -> None:
    writer.write(octets)
    await writer.drain()


async def test_a_port_that_is_taken_stops_the_start_and_nothing_listens(tmp_path):
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        listeners = (Listener(name="unix", socket=tmp_path / "s"), Listener(port=port))
        with pytest.raises(OSError, match="in use"):
            async with running_intake(tmp_path, *listeners):
                pass
    assert not (tmp_path / "s").exists()


async def test_bound_names_the_real_places(tmp_path):
    listeners = (Listener(name="unix", socket=tmp_path / "s"), Listener(name="plain", port=0))
    async with running_intake(tmp_path, *listeners) as reception:
        unix, plain = reception.intake.bound
        assert unix == Bound("unix", str(tmp_path / "s"), 0)
        assert (plain.listener, plain.host) == ("plain", HOST)
        assert plain.port > 0


async def test_a_unix_socket_takes_mail_and_goes_with_the_server(tmp_path):
    path = tmp_path / "smtp.sock"
    async with running_intake(tmp_path, Listener(socket=path, socket_mode="0600")) as reception:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        client = ExactClient(*await asyncio.open_unix_connection(path))
        await client.expect(220)
        await client.command("EHLO local", 250)
        await begin_data(client)
        await client.send(b"x\r\n.\r\n")
        await client.expect(250)
        (kept,) = await reception.kept()
        assert kept.message.reception.peer == "unix"
    assert not path.exists()


async def test_a_unix_socket_left_behind_is_replaced_but_not_one_in_use(tmp_path):
    path = tmp_path / "smtp.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
        left.listen()
        with pytest.raises(OSError, match="in use by another server"):
            async with running_intake(tmp_path, Listener(socket=path)):
                pass
    async with running_intake(tmp_path, Listener(socket=path)):
        client = ExactClient(*await asyncio.open_unix_connection(path))
        await client.expect(220)


async def test_a_reload_takes_new_limits_applications_and_listeners_and_drops_no_session(tmp_path):
    first = Listener(name="one", port=0)
    async with running_intake(tmp_path, first) as reception:
        old = await ExactClient.connect(HOST, reception.port)
        await begin_data(old)
        smtp = Smtp(
            hostname="new.test",
            listeners=(first, Listener(name="two", socket=tmp_path / "s")),
            max_message_size=100,
        )
        await reception.intake.reload(smtp, Directory([SHOP], Mode.HOLD))
        assert [place.listener for place in reception.intake.bound] == ["one", "two"]
        new = ExactClient(*await asyncio.open_unix_connection(tmp_path / "s"))
        assert "new.test" in await new.expect(220)
        greeting = await new.command("EHLO c", 250)
        assert "SIZE 100" in greeting
        assert "AUTH" in greeting
        await old.send(b"x" * 200 + b"\r\n.\r\n")
        await old.expect(250)
        await begin_data(old)
        await old.send(b"x\r\n.\r\n")
        await old.expect(250)
        assert [stored.message.mode for stored in await reception.kept()] == [Mode.CAPTURE, Mode.HOLD]


async def test_a_reload_closes_a_listener_that_is_gone(tmp_path):
    async with running_intake(tmp_path) as reception:
        port = reception.port
        await reception.intake.reload(Smtp(listeners=(Listener(socket=tmp_path / "s"),)), Directory([], Mode.RELAY))
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(HOST, port)


async def test_a_reload_that_cannot_be_done_leaves_everything_as_it_was(tmp_path):
    async with running_intake(tmp_path) as reception:
        before = reception.intake.bound
        directory = Directory([], Mode.RELAY)
        missing = Listener(port=0, certificate=tmp_path / "no.pem", certificate_key=tmp_path / "no.key")
        with pytest.raises(FileNotFoundError):
            await reception.intake.reload(Smtp(listeners=(missing,)), directory)
        with socket.create_server((HOST, 0)) as taken:
            listeners = (Listener(socket=tmp_path / "s"), Listener(port=taken.getsockname()[1]))
            with pytest.raises(OSError, match="in use"):
                await reception.intake.reload(Smtp(listeners=listeners), directory)
        assert reception.intake.bound == before
        await ExactClient.connect(HOST, reception.port)


async def test_a_reload_reads_certificates_again_while_sessions_go_on(tmp_path):
    chain, key = write_certificate(tmp_path)
    listener = Listener(port=0, tls=TlsPolicy.IMPLICIT, certificate=chain, certificate_key=key)
    async with running_intake(tmp_path, listener) as reception:
        old = await secure_client(chain, reception.port)
        (tmp_path / "renewed").mkdir()
        renewed, renewed_key = write_certificate(tmp_path / "renewed")
        renewed.replace(chain)
        renewed_key.replace(key)
        await reception.intake.reload(Smtp(listeners=(listener,)), Directory([], Mode.RELAY))
        await secure_client(chain, reception.port)
        await old.command("NOOP", 250)


async def secure_client(chain, port: int) -> ExactClient:
    context = ssl.create_default_context(cafile=chain)
    client = ExactClient(*await asyncio.open_connection(HOST, port, ssl=context, server_hostname="localhost"))
    await client.expect(220)
    await client.command("EHLO c", 250)
    return client


async def test_an_application_whose_credentials_are_withdrawn_sends_no_more(tmp_path):
    async with running_intake(tmp_path, applications=[SHOP]) as reception:
        client = await ExactClient.connect(HOST, reception.port)
        await client.command("AUTH PLAIN AHNob3AAczNjcmV0", 235)
        await client.command("MAIL FROM:<a@shop.example>", 250)
        await client.command("RSET", 250)
        await reception.intake.reload(Smtp(listeners=(reception.listener,)), Directory([], Mode.RELAY))
        await client.command("MAIL FROM:<a@shop.example>", 530)


async def test_two_listeners_on_free_ports_stay_two_over_a_reload(tmp_path):
    listeners = (Listener(name="one", port=0), Listener(name="two", port=0))
    async with running_intake(tmp_path, *listeners) as reception:
        before = reception.intake.bound
        await reception.intake.reload(Smtp(listeners=listeners), Directory([], Mode.RELAY))
        assert reception.intake.bound == before


async def test_a_flood_of_pipelined_commands_does_not_keep_others_waiting(tmp_path):
    async with running_intake(tmp_path, max_recipients=1) as reception:
        greedy = await ExactClient.connect(HOST, reception.port)
        (session,) = reception.sessions
        patient = await ExactClient.connect(HOST, reception.port)
        await greedy.command("MAIL FROM:<a@b>", 250)
        await greedy.send(b"RCPT TO:<c@d>\r\n" * 15_000)
        await patient.command("NOOP", 250)
        assert session.buffered > 0
