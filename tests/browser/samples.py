"""Mail as a shop's applications send it, in every state, for the browser tests and the screenshots.

`filling.py` puts it into an archive, spread over the days before now.
Names, addresses and codes are made up (RFC 2606 domains).
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from string import Template

from relay.model.delivery import State
from relay.model.reply import Reply
from viewer.present import DAY, HOUR, MINUTE, moment


@dataclass(frozen=True, slots=True)
class Sample:
    """One message and what became of it, recipient by recipient."""

    content: bytes
    age: int
    application: str
    sender: str
    fates: tuple[tuple[str, State], ...]
    tags: tuple[str, ...] = ()
    reply: Reply | None = None
    is_read: bool = True
    """Whether a person opened it, where there is a pixel to tell."""


OK = Reply(250, "Ok 0107019a6f21c3-8d0c6c1e-000000", "2.0.0")
NO_USER = Reply(
    550, "The email account that you tried to reach does not exist.\nPlease check for typing errors.", "5.1.1"
)
LATER = Reply(451, "The mail server has temporarily rejected this message. Try again later.", "4.7.1")
LOST = Reply(451, "connection closed before the reply to the final dot", "4.4.2", is_local=True)


def png(red: int, green: int, blue: int, width: int = 120, height: int = 32) -> bytes:
    """A picture of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes((8, 2, 0, 0, 0))
    rows = (b"\0" + bytes((red, green, blue)) * width) * height
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def letter(
    author: str,
    to: str,
    subject: str,
    text: str,
    html: str = "",
    *,
    at: int,
    files: Sequence[tuple[str, str, bytes]] = (),
    logo: bytes = b"",
    fields: Sequence[tuple[str, str]] = (),
) -> bytes:
    """A message as a common library makes it, CRLF line ends."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = author, to, subject
    mail["Date"] = format_datetime(moment(at))
    mail["Message-ID"] = f"<{hashlib.sha256(f'{subject}{to}'.encode()).hexdigest()[:20]}@shop.example.com>"
    for name, value in fields:
        mail[name] = value
    mail.set_content(text)
    if html:
        mail.add_alternative(html, subtype="html")
        if logo:
            mail.get_payload()[1].add_related(logo, "image", "png", cid="<logo@shop>")  # type: ignore[union-attr,index]
    for name, kind, data in files:
        main, _, sub = kind.partition("/")
        mail.add_attachment(data, maintype=main, subtype=sub, filename=name)
    return mail.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


PDF = b"%PDF-1.4\n" + base64.b64encode(hashlib.sha256(b"invoice").digest() * 1200)


LETTERS = Path(__file__).parent / "letters"
NEWS = (LETTERS / "newsletter.html").read_text()


def invoice_html(code: str, name: str, amount: str) -> str:
    return Template((LETTERS / "invoice.html").read_text()).substitute(code=code, name=name, amount=amount)


PEOPLE = (
    ("Ann Keller", "ann.keller@example.com"),
    ("José Álvarez", "jose@alvarez.example"),
    ("Priya Natarajan", "priya.n@example.org"),
    ("Tom Brandt", "tom@brandt-bau.example"),
    ("Mei Lin", "mei.lin@example.net"),
    ("Olu Adeyemi", "olu@adeyemi.example"),
    ("Sofie Jansen", "s.jansen@example.com"),
    ("Marek Dvořák", "marek.dvorak@example.org"),
)


def samples(now: int) -> list[Sample]:
    """The messages, newest first."""
    billing, sales = "Northwind Billing <billing@shop.example.com>", "Clara Winter <clara.winter@shop.example.com>"
    accounts, news = "Northwind <no-reply@shop.example.com>", "Northwind News <news@shop.example.com>"
    return [
        *_today(now, billing, sales, accounts),
        *_before(now, billing, sales, accounts, news),
        *_history(now, billing),
    ]


def _address(person: tuple[str, str]) -> str:
    return f"{person[0]} <{person[1]}>"


def _today(now: int, billing: str, sales: str, accounts: str) -> list[Sample]:
    ann, jose, priya, tom, mei = PEOPLE[:5]
    bounce = "bounces@shop.example.com"
    logo = png(20, 96, 107)

    def at(age: int) -> int:
        return now - age

    return [
        Sample(
            letter(
                accounts,
                _address(mei),
                "Reset your password",
                "Hello Mei,\n\nuse this link within 30 minutes:\nhttps://shop.example.com/reset/7f1e\n\n"
                "Not you? Ignore this message.\n",
                at=at(40_000_000),
            ),
            40_000_000,
            "webshop",
            bounce,
            ((mei[1], State.SENDING),),
            ("account",),
        ),
        Sample(
            letter(
                billing,
                _address(ann),
                "Invoice INV-10482 for your order",
                "Hello Ann,\n\nyour invoice INV-10482 over € 700.00 is attached.\n\nNorthwind Trading\n",
                invoice_html("INV-10482", "Ann", "€ 700.00"),
                at=at(4 * MINUTE),
                logo=logo,
                files=[
                    ("INV-10482.pdf", "application/pdf", PDF),
                    ("terms.txt", "text/plain", b"Payable within 14 days.\r\n"),
                ],
                fields=[("X-Tags", "billing"), ("X-Mailwitness-Metadata-Order", "88123")],
            ),
            4 * MINUTE,
            "billing",
            bounce,
            ((ann[1], State.SENT),),
            ("billing",),
        ),
        Sample(
            letter(
                sales,
                _address(tom),
                "Quote EST-2207: office for 12 people",
                "Hello Tom,\n\nas discussed, our quote EST-2207 for twelve desks and the conference table "
                "is attached. It stands until the end of the month.\n\nBest regards\nClara Winter\n",
                at=at(17 * MINUTE),
                files=[("EST-2207.pdf", "application/pdf", PDF * 2)],
            ),
            17 * MINUTE,
            "crm",
            "clara.winter@shop.example.com",
            (
                (tom[1], State.SENT),
                ("office@brandt-bau.example", State.FAILED),
                ("archive@brandt-bau.example", State.SENT),
            ),
            ("sales",),
            NO_USER,
        ),
        Sample(
            letter(
                accounts,
                _address(priya),
                "Confirm your e-mail address",
                "Hello Priya,\n\nplease confirm: https://shop.example.com/confirm/c0ffee\n",
                at=at(52 * MINUTE),
            ),
            52 * MINUTE,
            "webshop",
            bounce,
            ((priya[1], State.DEFERRED),),
            ("account",),
        ),
        Sample(
            letter(
                "HR <hr@shop.example.com>",
                "Ida Berg <ida.berg@example.net>, Jon Berg <jon.berg@example.net>",
                "Offer letter: please read both pages",
                "Dear Ida, dear Jon,\n\nplease find your offers attached.\n",
                at=at(80 * MINUTE),
            ),
            80 * MINUTE,
            "hr",
            bounce,
            (("ida.berg@example.net", State.HELD), ("jon.berg@example.net", State.HELD)),
            ("offers",),
        ),
        Sample(
            letter(
                accounts,
                "Vera Novak <vera@left.example>",
                "Your Northwind account: one step left",
                "Hello Vera,\n\nset a password to finish: https://shop.example.com/welcome/4711\n",
                at=at(75 * MINUTE),
            ),
            75 * MINUTE,
            "webshop",
            bounce,
            (("vera@left.example", State.BOUNCED), ("v.novak@example.net", State.SUPPRESSED)),
            ("account",),
        ),
        Sample(
            letter(
                billing,
                _address(jose),
                "Payment received, thank you: INV-10455",
                "Hola José,\n\nwe received € 128.40 for INV-10455.\n",
                at=at(2 * HOUR),
            ),
            2 * HOUR,
            "billing",
            bounce,
            ((jose[1], State.DELIVERED),),
            ("billing",),
        ),
        Sample(
            letter(
                billing,
                "Grüne Möbel GmbH <rechnung@gruene-moebel.example>",
                "Reminder: INV-10391 is overdue",
                "Dear customer,\n\nINV-10391 over € 2,310.00 was due on 10 November.\n",
                at=at(3 * HOUR),
                files=[("INV-10391.pdf", "application/pdf", PDF)],
            ),
            3 * HOUR,
            "billing",
            bounce,
            (("rechnung@gruene-moebel.example", State.FAILED),),
            ("billing", "reminder"),
            NO_USER,
        ),
        Sample(
            letter(
                "Warehouse printer <printer@warehouse.example.com>",
                "dispatch@example.com",
                "Scan from Xerox C8055, page 1 of 3",
                "",
                at=at(5 * HOUR),
                files=[("scan0017.tif", "image/tiff", b"II*\x00" + PDF * 4)],
            ),
            5 * HOUR,
            "printer",
            "printer@warehouse.example.com",
            (("dispatch@example.com", State.CAPTURED),),
        ),
    ]


def _before(now: int, billing: str, sales: str, accounts: str, news: str) -> list[Sample]:
    ann, *_, olu, sofie, marek = PEOPLE
    bounce = "bounces@shop.example.com"
    return [
        Sample(
            letter(
                news,
                "customers@shop.example.com",
                "Autumn at Northwind: new desks, old wood",
                "New desks, old wood. 15 % off until Sunday.\nhttps://shop.example.com/autumn\n",
                NEWS,
                at=now - 20 * HOUR,
                fields=[("List-Unsubscribe", "<https://shop.example.com/u>")],
            ),
            20 * HOUR,
            "newsletter",
            bounce,
            (*((person[1], State.SENT) for person in PEOPLE), ("old@gone.example", State.FAILED)),
            ("newsletter",),
        ),
        Sample(
            letter(
                sales,
                _address(olu),
                "Re: delivery date of order 88071",
                "Hello Olu,\n\nthe van comes on Thursday between 9 and 12.\n\nClara\n",
                at=now - DAY - HOUR,
            ),
            DAY + HOUR,
            "crm",
            "clara.winter@shop.example.com",
            ((olu[1], State.UNCONFIRMED),),
        ),
        Sample(
            letter(
                "HR <hr@shop.example.com>",
                _address(sofie),
                "Contract for your signature",
                "Dear Sofie,\n\nplease find the contract attached.\n",
                at=now - 2 * DAY,
                files=[
                    ("contract.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", PDF)
                ],
            ),
            2 * DAY,
            "hr",
            "hr@shop.example.com",
            ((sofie[1], State.HELD),),
            ("confidential",),
        ),
        Sample(
            letter(
                billing,
                _address(marek),
                "Faktura INV-10377 / Rechnung INV-10377",
                "Dobrý den,\n\nfaktura INV-10377 je v příloze.\n",
                at=now - 2 * DAY - HOUR,
                files=[("INV-10377.pdf", "application/pdf", PDF)],
            ),
            2 * DAY + HOUR,
            "billing",
            bounce,
            ((marek[1], State.DELIVERED),),
            ("billing",),
        ),
        Sample(
            letter(
                accounts,
                _address(ann),
                "Your order 88123 is on its way",
                "Hello Ann,\n\ntrack your parcel: https://parcel.example.net/88123\n",
                at=now - 3 * DAY,
            ),
            3 * DAY,
            "webshop",
            bounce,
            ((ann[1], State.SENT),),
            ("orders",),
        ),
        Sample(
            b"garbage without a header section\r\n\xff\xfe\x00 and more\rof it\n",
            3 * DAY + HOUR,
            "printer",
            "",
            (("postmaster@example.com", State.CAPTURED),),
        ),
        Sample(
            letter(
                "Backup <root@db1.example.com>", "ops@example.com", "", "backup finished in 412 s\n", at=now - 4 * DAY
            ),
            4 * DAY,
            "cron",
            "root@db1.example.com",
            (("ops@example.com", State.CANCELLED),),
        ),
    ]


def _history(now: int, billing: str) -> list[Sample]:
    """Two pages' worth of invoices."""
    made = []
    for n in range(60):
        name, address = PEOPLE[n % len(PEOPLE)]
        code = f"INV-{10370 - n}"
        age = 5 * DAY + n * 7 * HOUR
        content = letter(
            billing,
            f"{name} <{address}>",
            f"Invoice {code} for your order",
            f"Hello {name.split()[0]},\n\nyour invoice {code} is attached.\n",
            at=now - age,
            files=[(f"{code}.pdf", "application/pdf", PDF)],
        )
        made.append(Sample(content, age, "billing", "bounces@shop.example.com", ((address, State.SENT),), ("billing",)))
    return made
