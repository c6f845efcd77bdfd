"""smtplib and aiosmtplib send through a real server: plainly, and with a password after STARTTLS and over TLS."""

from __future__ import annotations

import asyncio
import smtplib
import ssl

import aiosmtplib
import pytest

from tests.peers.house import PASSWORD, USER, House, assert_is_the_invoice, invoice, parsed

pytestmark = [pytest.mark.peer, pytest.mark.xdist_group("peers")]


def trusting(house: House) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(house.authority))


async def test_smtplib_sends_without_a_password(house):
    def send() -> None:
        with smtplib.SMTP("127.0.0.1", house.plain) as client:
            client.send_message(invoice("smtplib@example.net"))

    await asyncio.to_thread(send)
    assert_is_the_invoice(house.only("smtplib@example.net"))


@pytest.mark.parametrize("method", ["PLAIN", "LOGIN"])
async def test_smtplib_sends_with_a_password_after_starttls(house, method):
    recipient = f"smtplib-{method}@example.net"

    def send() -> None:
        with smtplib.SMTP("127.0.0.1", house.submission) as client:
            client.starttls(context=trusting(house))
            client.ehlo()
            client.user, client.password = USER, PASSWORD
            client.auth(method, {"PLAIN": client.auth_plain, "LOGIN": client.auth_login}[method])
            client.send_message(invoice(recipient))

    await asyncio.to_thread(send)
    message = house.only(recipient)
    assert_is_the_invoice(message)
    assert (message.protocol, message.auth_user, message.application) == ("ESMTPSA", USER, "shop")


async def test_smtplib_sends_over_implicit_tls(house):
    def send() -> None:
        with smtplib.SMTP_SSL("127.0.0.1", house.smtps, context=trusting(house)) as client:
            client.login(USER, PASSWORD)
            client.send_message(invoice("smtplib-tls@example.net"))

    await asyncio.to_thread(send)
    assert house.only("smtplib-tls@example.net").protocol == "ESMTPSA"


async def test_smtplib_sends_to_an_address_in_utf_8(house):
    message = invoice("käse@exämple.net")

    def send() -> None:
        with smtplib.SMTP("127.0.0.1", house.plain) as client:
            client.send_message(message)

    await asyncio.to_thread(send)
    kept = house.only("käse@exämple.net")
    assert kept.smtputf8
    assert parsed(kept)["To"] == "käse@exämple.net"


async def test_smtplib_is_refused_with_a_wrong_password(house):
    def send() -> None:
        with smtplib.SMTP("127.0.0.1", house.submission) as client:
            client.starttls(context=trusting(house))
            client.login(USER, "wrong")

    with pytest.raises(smtplib.SMTPAuthenticationError) as refusal:
        await asyncio.to_thread(send)
    assert refusal.value.smtp_code == 535


async def test_aiosmtplib_sends_without_a_password(house):
    await aiosmtplib.send(invoice("aiosmtplib@example.net"), hostname="127.0.0.1", port=house.plain)
    assert_is_the_invoice(house.only("aiosmtplib@example.net"))


async def test_aiosmtplib_sends_with_a_password_after_starttls(house):
    await aiosmtplib.send(
        invoice("aiosmtplib-auth@example.net"),
        hostname="127.0.0.1",
        port=house.submission,
        start_tls=True,
        tls_context=trusting(house),
        username=USER,
        password=PASSWORD,
    )
    message = house.only("aiosmtplib-auth@example.net")
    assert_is_the_invoice(message)
    assert (message.protocol, message.auth_user) == ("ESMTPSA", USER)
