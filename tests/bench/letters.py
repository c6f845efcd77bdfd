"""Realistic mail for measuring: letters of a company's twenty applications, the same for the same seed and number.

Distribution: applications, senders, recipients, domains and words by Zipf's law; one letter in ten has an attachment,
one in fifty several recipients; HTML of 1 to 8 kB with a text part. Does not write anything (`fill.py`).
"""

from __future__ import annotations

import base64
import random
from collections.abc import Sequence
from dataclasses import dataclass
from email.header import Header
from itertools import accumulate

from relay.model.summary import Addressee, Reference, Summary

APPLICATIONS = (
    *("shop", "billing", "newsletter", "crm", "support", "accounts", "shipping", "booking", "payroll", "alerts"),
    *("survey", "forum", "loyalty", "hr", "events", "returns", "partners", "reports", "warehouse", "legal"),
)
COMMON = (
    *("the", "your", "invoice", "to", "and", "of", "a", "for", "is", "we", "you", "order", "in", "please", "payment"),
    *("thank", "with", "on", "account", "this", "our", "be", "amount", "date", "from", "will", "can", "at", "customer"),
    *("not", "delivery", "number", "information", "service", "if", "team", "questions", "have", "email", "are", "due"),
)
RARE = "xylograph"
"""A word in one letter of 20,000."""
SYLLABLES = (
    *("an", "be", "cor", "di", "el", "fa", "gen", "ho", "in", "ja", "ka", "lo", "mi", "no", "or", "pa", "qui", "re"),
    *("sa", "ti", "un", "ve", "wi", "xa", "yo", "zu", "tra", "ste", "mon", "per", "lin", "ber", "ton", "ver", "al"),
)
FIRST = (
    *("Ann", "Ben", "Clara", "David", "Eva", "Frank", "Grace", "Hugo", "Ines", "Jan", "Katja", "Leo", "Maria", "Nils"),
    *("Olga", "Paul", "Quinn", "Rosa", "Søren", "Tomás", "Ursula", "Víctor", "Wanda", "Xavier", "Yuki", "Zoë", "陽子"),
)
LAST = (
    *("Miller", "Schmidt", "García", "Rossi", "Novák", "Dubois", "Jensen", "Łukasz", "Brown", "Müller", "Smith"),
    *("Okafor", "Tanaka", "Silva", "Kowalski", "Ivanova", "O'Brien", "Nguyen", "Haddad", "Larsen", "Weber", "田中"),
)
DOMAINS = ("gmail.com", "outlook.com", "yahoo.com", "gmx.de", "icloud.com", "web.de", "orange.fr", "proton.me")
CODES = {"billing": "INV", "accounts": "INV", "shop": "ORD", "shipping": "SHP", "returns": "RMA", "crm": "EST"}
SUBJECTS = (
    "Your invoice {code} of {month}",
    "Reminder: invoice {code} is due",
    "Order {code} has been shipped",
    "We received your order {code}",
    "{name}, {word} {word2} for you",
    "Ticket {code}: {word} {word2}",
    "{month} news: {word} and {word2}",
    "Payment received for {code}",
)
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November")
CJK = "請求書のご案内 いつもお世話になっております。ご注文の商品を発送いたしました。"


@dataclass(frozen=True, slots=True)
class Letter:
    """One message as an application would hand it over, and what is read out of it."""

    application: str
    sender: str
    recipients: tuple[str, ...]
    content: bytes
    summary: Summary
    tags: tuple[str, ...]


class Letters:
    """A source of letters for an archive of `scale` messages; `letter(number)` in any order."""

    def __init__(self, scale: int, seed: int = 5) -> None:
        self._seed = seed
        dice = random.Random(seed)
        self._words = [*COMMON, *dict.fromkeys(_word(dice) for _ in range(40_000))]
        self._weights = list(accumulate(1 / (rank + 2) for rank in range(len(self._words))))
        self._sentences = [self._sentence(dice) for _ in range(30_000)]
        domains = [f"{_word(dice)}{_word(dice)}.example" for _ in range(3000)]
        self._domains = [*DOMAINS, *domains]
        self._people = [self._person(dice, number) for number in range(max(2000, scale // 5))]
        self._staff = [self._person(dice, -number)[0] for number in range(300)]
        self._rates = list(accumulate(1 / (rank + 1) ** 0.8 for rank in range(len(APPLICATIONS))))

    def letter(self, number: int) -> Letter:
        dice = random.Random(self._seed * 1_000_003 + number)
        application = dice.choices(APPLICATIONS, cum_weights=self._rates)[0]
        name, address = self._people[_zipf(dice, len(self._people))]
        code = f"{CODES.get(application, 'TKT')}-{100_000 + number}"
        word, word2 = dice.choices(self._words, cum_weights=self._weights, k=2)
        subject = dice.choice(SUBJECTS).format(
            code=code, month=dice.choice(MONTHS), name=name.split()[0], word=word, word2=word2
        )
        author = self._author(dice, application)
        recipients = [address]
        if dice.random() < 0.02:
            recipients += [self._people[_zipf(dice, len(self._people))][1] for _ in range(dice.randint(1, 4))]
        filenames = (f"{code}.pdf",) if dice.random() < 0.1 else ()
        text = self._text(dice, name, code, number)
        to = Addressee(name, address)
        message_id = f"{number}.{self._seed}@{application}.example.com"
        fields = _fields(author, to, subject, message_id, application)
        references = (Reference("code", code),) if code in subject or code in text else ()
        summary = Summary(
            subject=subject,
            senders=(author,),
            to=(to,),
            header_message_id=message_id,
            header_text="\n".join(f"{key}: {value}" for key, value in fields),
            body_text=text + "\n" + text,
            snippet=text[:200].replace("\n", " "),
            filenames=filenames,
            attachment_count=len(filenames),
            tags=(f"template-{dice.randint(1, 40)}",),
            references=references,
        )
        content = _content(fields, text, filenames, number)
        sender = f"bounces@{application}.example.com" if dice.random() < 0.7 else author.address
        return Letter(application, sender, tuple(dict.fromkeys(recipients)), content, summary, (application, "live"))

    def _sentence(self, dice: random.Random) -> str:
        words = dice.choices(self._words, cum_weights=self._weights, k=dice.randint(6, 18))
        return " ".join(words).capitalize() + "."

    def _text(self, dice: random.Random, name: str, code: str, number: int) -> str:
        """0.4 to 3.5 kB, half of them short."""
        count = int(4 * 9 ** dice.random())
        sentences = dice.choices(self._sentences, k=count)
        if number % 20_000 == 77:
            sentences.append(f"The {RARE} is here.")
        if number % 25 == 3:
            sentences.append(CJK)
        paragraphs = [" ".join(sentences[start : start + 4]) for start in range(0, len(sentences), 4)]
        total = f"{dice.randint(5, 9999)}.{dice.randint(10, 99)}"
        return f"Dear {name},\n\n" + "\n\n".join(paragraphs) + f"\n\nReference: {code}. Total: EUR {total}\n"

    def _person(self, dice: random.Random, number: int) -> tuple[str, str]:
        first, last = dice.choice(FIRST), dice.choice(LAST)
        domain = self._domains[_zipf(dice, len(self._domains))]
        local = f"{_word(dice)}.{_word(dice)}" if dice.random() < 0.5 else f"{_word(dice)}{abs(number)}"
        return f"{first} {last}", f"{local}@{domain}" if number >= 0 else ""

    def _author(self, dice: random.Random, application: str) -> Addressee:
        if dice.random() < 0.6:
            return Addressee(application.capitalize(), f"noreply@{application}.example.com")
        number = _zipf(dice, len(self._staff))
        return Addressee(self._staff[number], f"staff{number}@{application}.example.com")


def _zipf(dice: random.Random, count: int) -> int:
    """A rank below `count`, each half as likely as the one at half its place."""
    return min(int(count ** dice.random()) - 1, count - 1)


def _word(dice: random.Random) -> str:
    return "".join(dice.choices(SYLLABLES, k=dice.randint(2, 4)))


def _fields(author: Addressee, to: Addressee, subject: str, message_id: str, application: str) -> list[tuple[str, str]]:
    return [
        ("From", str(author)),
        ("To", str(to)),
        ("Subject", subject),
        ("Message-ID", f"<{message_id}>"),
        ("Date", "Tue, 24 Nov 2026 12:00:00 +0000"),
        ("X-Mailer", f"{application}-mailer 4.2"),
        ("MIME-Version", "1.0"),
    ]


_STYLE = "<style>body{font-family:Arial,sans-serif;color:#222}td{padding:8px;border-bottom:1px solid #ddd}</style>" * 6


def _content(fields: Sequence[tuple[str, str]], text: str, filenames: Sequence[str], number: int) -> bytes:
    head = [f"{name}: {value if value.isascii() else Header(value, 'utf-8').encode()}" for name, value in fields]
    paragraphs = "".join(f"<tr><td><p>{paragraph}</p></td></tr>" for paragraph in text.split("\n\n"))
    parts = [
        f"Content-Type: text/plain; charset=utf-8\n\n{text}",
        f"Content-Type: text/html; charset=utf-8\n\n<html>{_STYLE}<body><table>{paragraphs}</table></body></html>",
    ]
    for name in filenames:
        data = base64.encodebytes(b"%PDF-1.4\n" + b"%d" % number * 80).decode()
        parts.append(
            f'Content-Type: application/pdf; name="{name}"\nContent-Disposition: attachment; filename="{name}"\n'
            f"Content-Transfer-Encoding: base64\n\n{data}"
        )
    boundary = f"=_{number}"
    body = "".join(f"--{boundary}\n{part}\n" for part in parts) + f"--{boundary}--\n"
    lines = "\n".join([*head, f'Content-Type: multipart/mixed; boundary="{boundary}"', "", body])
    return lines.replace("\n", "\r\n").encode()
