"""Applications known by address, and clients named by a proxy: never an open relay."""

from __future__ import annotations

import asyncio
from ipaddress import ip_network

import pytest

from relay.config import Listener, TlsPolicy
from relay.intake.credentials import KnownApplication
from relay.model.message import Mode
from tests.support.exactclient import ExactClient
from tests.support.reception import SHOP, running_intake

HOST = "127.0.0.1"
LOOPBACK = ip_network("127.0.0.0/8")
PRINTER = KnownApplication("printer", Mode.HOLD, addresses=(ip_network("192.0.2.0/28"),), senders=("@print.example",))
V2_START = b"\r\n\r\n\x00\r\nQUIT\n"


def proxied(client: str) -> bytes:
    return f"PROXY TCP{'6' if ':' in client else '4'} {client} {client} 4321 25\r\n".encode()


async def connect(port: int, header: bytes) -> ExactClient:
    client = ExactClient(*await asyncio.open_connection(HOST, port))
    await client.send(header)
    await client.expect(220)
    await client.command("EHLO c", 250)
    return client


@pytest.mark.parametrize(
    ("peer", "code"),
    [
        ("192.0.2.7", 250),
        ("192.0.2.77", 530),
        ("198.51.100.7", 250),
        ("203.0.113.7", 530),
        ("::ffff:192.0.2.7", 250),
        ("2001:db8::7", 530),
        ("::1", 250),
        ("127.0.0.2", 250),
    ],
)
async def test_only_listed_or_local_clients_send_without_signing_in(tmp_path, peer, code):
    listener = Listener(port=0, proxy_from=(LOOPBACK,))
    allowed = ("198.51.100.0/24",)
    async with running_intake(tmp_path, listener, applications=[PRINTER], allow_from=allowed) as reception:
        client = await connect(reception.port, proxied(peer))
        await client.command("MAIL FROM:<a@print.example>", code)


async def test_an_application_known_by_address_has_its_mode_and_senders(tmp_path):
    async with running_intake(tmp_path, Listener(port=0, proxy_from=(LOOPBACK,)), applications=[PRINTER]) as reception:
        client = await connect(reception.port, proxied("192.0.2.7"))
        await client.command("MAIL FROM:<a@elsewhere.example>", 550)
        assert (await client.transaction("a@print.example", ["b@example.net"], b"x\r\n"))[0] == 250
        (kept,) = await reception.kept()
        assert (kept.message.application, kept.message.mode) == ("printer", Mode.HOLD)
        assert kept.message.reception.peer == "192.0.2.7:4321"
        assert [delivery.state.value for delivery in kept.deliveries] == ["held"]


async def test_a_relayed_message_is_due_at_once_and_expires(tmp_path):
    async with running_intake(tmp_path, default_mode=Mode.RELAY) as reception:
        client = await ExactClient.connect(HOST, reception.port)
        assert (await client.transaction("a@b", ["c@d", "e@f", "c@d"], b"x\r\n"))[0] == 250
        (kept,) = await reception.kept()
        assert [delivery.recipient.address for delivery in kept.deliveries] == ["c@d", "e@f"]
        for delivery in kept.deliveries:
            assert delivery.state.value == "queued"
            assert delivery.due_at == delivery.created_at == kept.message.received_at
            assert delivery.expires_at == delivery.created_at + 3600 * 1_000_000
        events = [event.kind.value for _, event in await reception.archive.events(message_id=kept.message.id)]
        assert events == ["captured", "queued", "queued"]


async def test_a_proxy_may_speak_for_itself(tmp_path):
    async with running_intake(tmp_path, Listener(port=0, proxy_from=(LOOPBACK,))) as reception:
        client = await connect(reception.port, V2_START + b"\x20\x00\x00\x00")
        await client.command("MAIL FROM:<a@b>", 250)


async def test_a_trusted_peer_without_a_proxy_header_is_hung_up_on(tmp_path):
    async with running_intake(tmp_path, Listener(port=0, proxy_from=(LOOPBACK,))) as reception:
        reader, writer = await asyncio.open_connection(HOST, reception.port)
        writer.write(b"EHLO c\r\n")
        assert await reader.read() == b""
        writer.close()


async def test_a_proxy_header_in_pieces_is_put_together(tmp_path):
    async with running_intake(tmp_path, Listener(port=0, proxy_from=(LOOPBACK,))) as reception:
        client = ExactClient(*await asyncio.open_connection(HOST, reception.port))
        for octet in proxied("192.0.2.7"):
            await client.send(bytes([octet]))
            await asyncio.sleep(0)
        await client.expect(220)


async def test_a_proxy_header_from_anyone_else_is_an_unknown_command(tmp_path):
    listener = Listener(port=0, proxy_from=(ip_network("192.0.2.1/32"),))
    async with running_intake(tmp_path, listener) as reception:
        client = ExactClient(*await asyncio.open_connection(HOST, reception.port))
        await client.expect(220)
        await client.command(proxied("192.0.2.7")[:-2].decode(), 500)


async def test_credentials_do_not_cross_a_wire_in_plain_text(tmp_path):
    listener = Listener(port=0, proxy_from=(LOOPBACK,))
    async with running_intake(tmp_path, listener, applications=[SHOP]) as reception:
        client = await connect(reception.port, proxied("192.0.2.7"))
        await client.command("AUTH PLAIN AHNob3AAczNjcmV0", 502)


@pytest.mark.parametrize("tls", [TlsPolicy.IMPLICIT, TlsPolicy.REQUIRED])
async def test_tls_without_a_certificate_is_an_error_and_never_plain_text(tmp_path, tls):
    with pytest.raises(OSError, match="no certificate"):
        async with running_intake(tmp_path, Listener(port=0, tls=tls)):
            pass
