"""A shop in which every page has something to show: a campaign in two versions, bounces, people, roles, alerts, work.

It has a server of its own, since what is kept here (views, rules, people) would stand in the way of other tests.
"""

from __future__ import annotations

import base64
import re
import time
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Page, expect

from relay.model.delivery import State
from tests.browser.samples import Sample, letter
from viewer.identity import totp
from viewer.present import DAY, MINUTE

MORE_CONFIGURATION = """
[[endpoint]]
name = "crm"
url = "http://127.0.0.1:9/hooks/mail"
secret = "whsec_c2hvd3Jvb20tc2hvd3Jvb20tc2hvd3Jvb20="
events = ["complained"]

[[alert]]
name = "bounces of the shop"
rule = "bounce-rate"
above = 5.0
"""
SPRING, WAITING = "Spring sale: all desks reduced", "Your desk is waiting for you"
"""The subjects of one campaign in two versions."""
COPIES = 40
READ = {SPRING: 31, WAITING: 12}
"""How many of the copies a person opened: far enough apart for the figures to say so."""
CLARA, BEN = "Clara Winter <clara.winter@shop.example.com>", "Ben Ode <ben.ode@shop.example.com>"
GONE = ("a.first@left.example", "b.second@left.example", "c.third@left.example")
PASSWORD = "another long password"
FORGOTTEN, BUYER, KEPT_QUOTE = "old.customer@example.net", "buyer0@example.org", "EST-2100"
"""A person who is erased, and one who is not, because of a hold on this quote."""


def campaign(now: int) -> list[Sample]:
    """Mail of the last days besides the shop's own: the campaign, sales people's letters, and bounces at one domain."""
    made = []
    for place, subject in enumerate((SPRING, WAITING)):
        for n in range(COPIES):
            age = 6 * DAY + (2 * n + place) * MINUTE
            to = f"customer{2 * n + place}@example.net"
            made.append(
                Sample(
                    letter(
                        "Northwind News <news@shop.example.com>",
                        to,
                        subject,
                        f"{subject}.\nhttps://shop.example.com/desks\n",
                        f'<p>{subject}. <a href="https://shop.example.com/desks">See the desks</a></p>',
                        at=now - age,
                    ),
                    age,
                    "newsletter",
                    "bounces@shop.example.com",
                    ((to, State.DELIVERED),),
                    ("spring",),
                    is_read=n < READ[subject],
                )
            )
    for n, author in enumerate((CLARA, BEN, CLARA, CLARA, BEN, CLARA)):
        age = (7 + n) * DAY
        to = f"buyer{n}@example.org"
        state = State.FAILED if author == BEN else State.SENT
        text = f"Hello,\n\nour quote EST-{2100 + n} is attached.\n"
        content = letter(author, to, f"Quote EST-{2100 + n}: chairs", text, at=now - age)
        made.append(Sample(content, age, "crm", author.split("<")[1].rstrip(">"), ((to, state),), ("sales",)))
    for n, address in enumerate((FORGOTTEN, BUYER)):
        age = 9 * DAY + n * MINUTE
        content = letter("Northwind <no-reply@shop.example.com>", address, "Your order", "Hi.\n", at=now - age)
        sample = Sample(content, age, "webshop", "bounces@shop.example.com", ((address, State.SENT),), ("order",))
        made.append(sample)
    for n, address in enumerate(GONE):
        age = 2 * DAY + n * MINUTE
        content = letter(
            "Northwind <no-reply@shop.example.com>", address, "Your Northwind account", "Hi.\n", at=now - age
        )
        made.append(
            Sample(content, age, "webshop", "bounces@shop.example.com", ((address, State.BOUNCED),), ("account",))
        )
    return made


def post(page: Page, path: str, fields: dict[str, str] | list[tuple[str, str]]) -> str:
    """Sends a form as the page itself would, by its session; the address where it ends."""
    pairs = list(fields.items()) if isinstance(fields, dict) else fields
    csrf = page.locator("input[name=csrf]").first.input_value()
    body = urlencode([("csrf", csrf), *pairs])
    answer: list[Any] = page.evaluate(
        """([path, body]) => fetch(path, { method: "POST", body, headers: {
          "Content-Type": "application/x-www-form-urlencoded" } }).then((got) => [got.status, got.url])""",
        [path, body],
    )
    assert answer[0] < 400, (path, answer)
    return str(answer[1]).replace(page.url.split("/", 3)[0] + "//" + page.url.split("/", 3)[2], "")


def found(page: Page, q: str) -> dict[str, Any]:
    """The newest message that a search finds, as the API gives it."""
    answer = page.request.get("/api/messages", params={"q": q, "limit": 1}).json()
    assert answer["messages"], q
    first: dict[str, Any] = answer["messages"][0]
    return first


def furnish(page: Page) -> dict[str, str]:
    """Makes people, rules, views, tasks and the rest, once; the names by which `places.py` speaks of what is there.

    `page` is one of a signed-in administrator.
    """
    page.goto("/account")
    names = {word: str(found(page, q)["id"]) for word, q in MESSAGES.items()}
    names |= _parts(page, names)
    _people(page)
    post(page, "/views", {"name": "What failed", "q": "status:failed", "shared": "1"})
    post(page, "/account/tokens", {"name": "CRM", "days": "90", "permission": "read"})
    post(page, "/applications", {"name": "erp", "mode": "", "senders": "@shop.example.com", "tags": "erp"})
    post(page, "/suppressions", {"address": "no.more@example.net", "application": "", "reason": "asked by telephone"})
    post(page, f"/messages/{names['gone']}/delete", {"reason": "the customer asked for it"})
    names |= _erasures(page)
    page.goto("/suppressions")
    names["entry"] = _after(page, "/suppressions/", r"[0-9A-Z]{26}")
    page.goto("/?q=tag:reminder")
    page.locator("input.tick").first.check()
    page.get_by_role("button", name="Tags…").click()
    page.get_by_label("Put on").fill("looked-at")
    page.get_by_role("button", name="Tags: ").click()
    page.wait_for_url("**/tasks/**")
    names["task"] = page.url.rsplit("/", 1)[1]
    page.goto("/?q=tag:reminder")
    page.get_by_role("button", name="Export", exact=True).click()
    page.get_by_role("button", name="Export: ").click()
    page.wait_for_url("**/exports/**")
    names["export"] = page.url.rsplit("/", 1)[1]
    page.goto("/?rows=mailings")
    names["mailing"] = _after(page, "/mailings/", r"\d+")
    return names


def _erasures(page: Page) -> dict[str, str]:
    """A person who was erased, and another of whom a hold keeps a message."""
    post(page, "/holds", {"name": "Case 7/2026: chairs", "reason": "asked by counsel", "q": KEPT_QUOTE})
    names = {"erasure": _looked(page, FORGOTTEN)}
    done = post(page, f"/erasures/looks/{names['erasure']}", {"reason": "asked in writing on 3 May"})
    page.goto(done)
    expect(page.get_by_text("Had to stay")).to_be_visible(timeout=20_000)
    return {"erasure": done.rsplit("/", 1)[1], "look": _looked(page, BUYER)}


def _looked(page: Page, address: str) -> str:
    """The id of a look for the address, when it is over."""
    path = post(page, "/erasures/looks", {"addresses": address})
    page.goto(path)
    expect(page.get_by_label("Reason, for those who ask later")).to_be_visible(timeout=20_000)
    return path.rsplit("/", 1)[1]


MESSAGES = {
    "invoice": "INV-10482",
    "quote": "EST-2207",
    "news": 'subject:"Autumn at Northwind"',
    "reported": "subject:step",
    "held": "is:held",
    "waiting": "status:deferred",
    "gone": "subject:garbage OR application:printer",
    "failed": "INV-10391",
}


def _parts(page: Page, names: dict[str, str]) -> dict[str, str]:
    message = page.request.get(f"/api/messages/{names['invoice']}").json()
    reports = page.request.get(f"/api/messages/{names['reported']}/reports").json()
    parts = page.request.get(f"/api/messages/{names['invoice']}/parts").json()
    return {
        "delivery": str(message["deliveries"][0]["id"]),
        "payload": next(str(one["payload_id"]) for one in flat(reports) if "payload_id" in one),
        "part": str(next(one["number"] for one in flat(parts) if one.get("filename") == "terms.txt")),
    }


def flat(value: Any) -> list[dict[str, Any]]:
    """All objects in a JSON value, however deep."""
    if isinstance(value, list):
        return [one for inner in value for one in flat(inner)]
    if isinstance(value, dict):
        return [value, *(one for inner in value.values() for one in flat(inner))]
    return []


def _people(page: Page) -> None:
    post(page, "/roles", [("name", "support"), *(("permission", one) for one in ("read", "body", "resend", "tag"))])
    post(page, "/groups", {"name": "billing-desk", "role": "support", "applications-0": "billing"})
    for name, role in (("ben", "member"), ("dora", "auditor")):
        post(page, "/users", {"name": name, "password": PASSWORD, "role": role})
    post(page, "/users/ben/rights", {"role": "member", "group": "billing-desk", "tags-0": "sales"})


def _after(page: Page, start: str, what: str) -> str:
    """The rest of the first link's address that begins so."""
    for link in page.locator(f"a[href^='{start}']").all():
        match = re.fullmatch(re.escape(start) + f"({what})", link.get_attribute("href") or "")
        if match:
            return match[1]
    raise AssertionError(f"no link to {start} on {page.url}")


def code_of(page: Page) -> str:
    """What an authenticator app would say now, by the secret that the page shows."""
    secret = base64.b32decode(page.locator("#secret").inner_text().replace(" ", ""))
    return totp.code(secret, totp.step_at(time.time_ns() // 1000))
