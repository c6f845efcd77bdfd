"""Python's own smtplib, as applications use it."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from email.message import EmailMessage

import pytest

from relay.config import Listener, TlsPolicy
from tests.support.certificate import write_certificate
from tests.support.reception import SHOP, running_intake

HOST = "127.0.0.1"


def letter() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@shop.example", "b@example.net", "Grüße"
    message.set_content("..dots\n.\nand text\n")
    return message


async def test_smtplib_sends_a_message_without_knowing_us(tmp_path):
    def send(port: int) -> None:
        with smtplib.SMTP(HOST, port) as client:
            client.send_message(letter())
            client.sendmail("a@shop.example", ["c@example.net", "d@example.net"], b"Subject: b\r\n\r\n.\r\n..\r\n")

    async with running_intake(tmp_path) as reception:
        await asyncio.to_thread(send, reception.port)
        first, second = await reception.kept()
        assert b"..dots\r\n.\r\nand text\r\n" in await reception.archive.content(first.message.id)
        assert await reception.archive.content(second.message.id) == b"Subject: b\r\n\r\n.\r\n..\r\n"
        assert [r.address for r in second.message.envelope.recipients] == ["c@example.net", "d@example.net"]


@pytest.mark.parametrize("tls", [TlsPolicy.REQUIRED, TlsPolicy.IMPLICIT])
async def test_smtplib_signs_in_over_tls_with_a_checked_certificate(tmp_path, tls):
    chain, key = write_certificate(tmp_path)
    context = ssl.create_default_context(cafile=chain)

    def send(port: int) -> None:
        if tls is TlsPolicy.IMPLICIT:
            client: smtplib.SMTP = smtplib.SMTP_SSL("localhost", port, context=context)
        else:
            client = smtplib.SMTP("localhost", port)
            client.starttls(context=context)
        with client:
            client.login("shop", "s3cret")
            client.send_message(letter())

    listener = Listener(port=0, tls=tls, certificate=chain, certificate_key=key)
    async with running_intake(tmp_path, listener, applications=[SHOP]) as reception:
        await asyncio.to_thread(send, reception.port)
        (kept,) = await reception.kept()
        assert kept.message.application == "shop"
        assert kept.message.reception.protocol == "ESMTPSA"
        assert kept.message.reception.tls_version == "TLSv1.3"
        assert kept.message.reception.tls_cipher


async def test_smtplib_learns_that_its_secret_is_wrong(tmp_path):
    def send(port: int) -> None:
        with smtplib.SMTP(HOST, port) as client:
            with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
                client.login("shop", "wrong")
            assert caught.value.smtp_code == 535

    async with running_intake(tmp_path, applications=[SHOP]) as reception:
        await asyncio.to_thread(send, reception.port)


async def test_smtplib_sends_to_an_address_in_utf8(tmp_path):
    def send(port: int) -> None:
        with smtplib.SMTP(HOST, port) as client:
            client.sendmail(
                "jörg@shop.example", ["用户@example.net"], "Subject: é\r\n\r\n".encode(), ["SMTPUTF8", "BODY=8BITMIME"]
            )

    async with running_intake(tmp_path) as reception:
        await asyncio.to_thread(send, reception.port)
        (kept,) = await reception.kept()
        assert kept.message.envelope.sender == "jörg@shop.example"
        assert kept.message.envelope.smtputf8


async def test_a_handshake_that_is_none_ends_the_session_and_nothing_else(tmp_path):
    chain, key = write_certificate(tmp_path)
    listener = Listener(port=0, tls=TlsPolicy.IMPLICIT, certificate=chain, certificate_key=key)
    async with running_intake(tmp_path, listener) as reception:
        reader, writer = await asyncio.open_connection(HOST, reception.port)
        writer.write(b"EHLO in plain text\r\n")
        await reader.read()
        writer.close()
        context = ssl.create_default_context(cafile=chain)
        reader, writer = await asyncio.open_connection(HOST, reception.port, ssl=context, server_hostname="localhost")
        assert (await reader.readline()).startswith(b"220 ")
        writer.close()
