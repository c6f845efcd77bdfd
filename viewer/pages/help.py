"""The help page: what each status says and does not say, the grades of evidence, the search language."""

from __future__ import annotations

import aiohttp_jinja2
from aiohttp import web

from viewer import present
from viewer.message.engagement import CLICKS, OPENS
from viewer.message.standing import BOUNCES, MARKS

routes = web.RouteTableDef()

WORDS = (*OPENS.values(), *CLICKS.values())

SEARCH = (
    ("invoice overdue", "both words, anywhere"),
    ('"credit note"', "the phrase"),
    ("-newsletter", "without the word; works before every term"),
    ("refund OR credit", "one of them; (…) groups"),
    ("from:billing", "in the author's name or address"),
    ("to:ann  cc:ann", "in the To or Cc field as the message shows it"),
    ("recipient:ann@example.com", "an address the message really went to (Bcc included)"),
    ("sender:bounces@", "the envelope's reverse-path"),
    ("subject:reminder  body:iban", "in the subject, in the text"),
    ("header:List-Id=news", "in a header field"),
    ("ref:INV-1042", "a business reference"),
    ("tag:billing  application:shop", "a tag, the application that sent it"),
    ("status:failed", "the state of at least one recipient"),
    ("status:complained  status:unsubscribed", "recipients who want no more, whatever the state"),
    ("bounce:hard", "why it bounced: hard, soft, block, spam, quota, policy"),
    ("has:attachment  filename:pdf", "attached files"),
    ("after:7d  before:2026-11-01  on:2026-10-31", "days back, or a date (UTC)"),
    ("larger:1M  smaller:10K", "size"),
    (
        "opened:human  clicked:no",
        "who fetched the pixel or a link, as far as can be told: yes, no, human, proxy, scanner",
    ),
    ("is:held  is:resent  is:edited", "what people did or must do"),
    ("id:01J…  message-id:…", "one message, by our id or by its header"),
)


@routes.get("/help")
async def show(request: web.Request) -> web.Response:
    context = {
        "states": [*present.STATES.values(), *MARKS],
        "bounces": BOUNCES,
        "grades": present.GRADES,
        "search": SEARCH,
        "engagement": WORDS,
    }
    return aiohttp_jinja2.render_template("help.html", request, context)
