"""The help page: what each status says and does not say, the grades of evidence, the search language."""

from __future__ import annotations

import aiohttp_jinja2
from aiohttp import web

from viewer import present
from viewer.message.engagement import CLICKS, OPENS
from viewer.message.standing import BOUNCES, MARKS
from viewer.translation import say

routes = web.RouteTableDef()

WORDS = (*OPENS.values(), *CLICKS.values())

SEARCH = (
    ("invoice overdue", say("both words, anywhere")),
    ('"credit note"', say("the phrase")),
    ("-newsletter", say("without the word; works before every term")),
    ("refund OR credit", say("one of them; (…) groups")),
    ("from:billing", say("in the author's name or address")),
    ("to:ann  cc:ann", say("in the To or Cc field as the message shows it")),
    ("recipient:ann@example.com", say("an address the message really went to (Bcc included)")),
    ("sender:bounces@", say("the envelope's reverse-path")),
    ("subject:reminder  body:iban", say("in the subject, in the text")),
    ("header:List-Id=news", say("in a header field")),
    ("ref:INV-1042", say("a business reference")),
    ("tag:billing  application:shop", say("a tag, the application that sent it")),
    ("status:failed", say("the state of at least one recipient")),
    ("status:complained  status:unsubscribed", say("recipients who want no more, whatever the state")),
    ("bounce:hard", say("why it bounced: hard, soft, block, spam, quota, policy")),
    ("has:attachment  filename:pdf", say("attached files")),
    ("after:7d  before:2026-11-01  on:2026-10-31", say("days back, or a date (UTC)")),
    ("larger:1M  smaller:10K", say("size")),
    (
        "opened:human  clicked:no",
        say("who fetched the pixel or a link, as far as can be told: yes, no, human, proxy, scanner"),
    ),
    ("is:held  is:resent  is:edited", say("what people did or must do")),
    ("id:01J…  message-id:…", say("one message, by our id or by its header")),
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
