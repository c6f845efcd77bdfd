"""`/hooks/NAME`, through real sockets: what is kept, and what is refused."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from ipaddress import ip_network

import aiohttp
import pytest

from relay.archive.api import Archive
from relay.config import Tracking, WebhookSource
from relay.feedback.beacon import Beacon
from relay.feedback.webhooks.refusals import LIMIT
from relay.model.delivery import State
from relay.model.event import Grade, Kind
from tests.support.archive_values import new_id
from tests.support.hook_place import DELIVERED, Place, place, refusals
from tests.support.hooks import (
    JSON,
    NOW,
    Post,
    post,
    tables,
)
from tests.support.reported import finish, sent_message, states
from tests.support.samples import mailgun, postmark, resend, sendgrid, ses


@pytest.fixture
async def at(archive: Archive) -> AsyncIterator[Place]:
    async with place(archive) as opened:
        yield opened


# -- what is taken -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("provider", DELIVERED)
async def test_a_report_is_kept_answered_and_makes_the_message_delivered(at: Place, provider: str):
    ids = {"ses": ses.ID, "mailgun": mailgun.ID, "sendgrid": sendgrid.ID, "resend": resend.ID, "postmark": postmark.ID}
    sent = await sent_message(at.archive, provider_id=ids[provider])
    status, _ = await at.send(provider, post(provider, DELIVERED[provider]))
    assert status == 200
    await at.reach(sent.message_id, Kind.DELIVERED)
    assert await states(at.archive, sent) == [State.DELIVERED]
    [kept] = await at.archive.reports(sent.message_id)
    assert (kept.source, kept.delivery_id) == (f"webhook:{provider}", sent.deliveries[0].id)
    delivery = (await at.archive.message(sent.message_id)).deliveries[0]
    assert delivery.source == f"webhook:{provider}"
    assert delivery.grade is (Grade.SIGNED if provider in ("ses", "sendgrid") else Grade.UNSIGNED)


async def test_the_payload_is_kept_as_it_came_with_the_fields_that_the_verdict_rests_on(at: Place):
    sent = await sent_message(at.archive, provider_id=sendgrid.ID)
    given = post("sendgrid", DELIVERED["sendgrid"])
    await at.send("sendgrid", given, headers={"Authorization": "Basic c2VjcmV0", "Cookie": "secret"})
    await at.reach(sent.message_id, Kind.DELIVERED)
    [kept] = await at.archive.reports(sent.message_id)
    payload = await at.archive.payload(kept.report.payload_id)
    assert payload.body == given.body
    assert payload.peer == "127.0.0.1"
    assert {name.lower() for name in payload.headers} == {name.lower() for name in given.headers}


@pytest.mark.parametrize("provider", DELIVERED)
async def test_the_same_request_again_is_answered_200_and_changes_nothing(at: Place, provider: str):
    sent = await sent_message(at.archive, provider_id=sendgrid.ID)
    given = post(provider, DELIVERED[provider])
    assert [(await at.send(provider, given))[0] for _ in range(3)] == [200, 200, 200]
    assert await at.count() == 1
    assert len([event for _, event in await at.archive.events(message_id=sent.message_id)]) <= 3


async def test_the_same_event_in_another_request_changes_nothing(at: Place):
    sent = await sent_message(at.archive, provider_id=sendgrid.ID)
    await at.send("sendgrid", post("sendgrid", [sendgrid.event("delivered")]))
    await at.send("sendgrid", post("sendgrid", [sendgrid.event("delivered"), sendgrid.event("open")]))
    await at.reach(sent.message_id, Kind.OPENED)
    kinds = [event.kind for _, event in await at.archive.events(message_id=sent.message_id)]
    assert kinds == [Kind.CAPTURED, Kind.SENT, Kind.DELIVERED, Kind.OPENED]


async def test_a_name_of_ones_own_may_stand_for_a_provider(archive: Archive):
    sources = {"our-mail": tables()["resend"].model_copy(update={"provider": "resend"})}
    sent = await sent_message(archive, provider_id=resend.ID)
    async with place(archive, sources=sources) as at:
        assert (await at.send("our-mail", post("resend", DELIVERED["resend"])))[0] == 200
        await at.reach(sent.message_id, Kind.DELIVERED)


async def test_a_report_that_came_before_the_reply_was_kept_is_matched_soon(at: Place):
    sent = await sent_message(at.archive, is_finished=False)
    assert (await at.send("sendgrid", post("sendgrid", DELIVERED["sendgrid"])))[0] == 200
    await finish(at.archive, sent, sendgrid.ID)
    await at.reach(sent.message_id, Kind.DELIVERED)
    assert await states(at.archive, sent) == [State.DELIVERED]


# -- what is refused -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("provider", DELIVERED)
async def test_a_forged_report_is_refused_counted_and_nothing_of_it_is_kept(at: Place, provider: str):
    reason = "unauthenticated" if provider == "postmark" else "forged"
    before = refusals(provider, reason)
    status, words = await at.send(provider, post(provider, DELIVERED[provider], is_forged=True))
    assert status in (401, 403)
    assert words
    assert refusals(provider, reason) == before + 1
    assert await at.count() == 0


@pytest.mark.parametrize("provider", DELIVERED)
async def test_a_report_without_any_proof_is_refused(at: Place, provider: str):
    body = json.dumps(DELIVERED[provider]).encode()
    status, _ = await at.send(provider, Post(body, JSON))
    assert 400 <= status < 404
    assert await at.count() == 0


async def test_another_event_with_a_token_of_mailgun_that_was_used_is_refused(at: Place):
    given = post("mailgun", DELIVERED["mailgun"])
    body = json.loads(given.body)
    body["event-data"]["recipient"] = "victim@example.com"
    assert (await at.send("mailgun", given))[0] == 200
    assert (await at.send("mailgun", Post(json.dumps(body).encode(), JSON)))[0] == 406
    assert (await at.send("mailgun", given))[0] == 200
    assert await at.count() == 1


async def test_a_request_that_was_recorded_long_ago_is_refused(at: Place):
    for provider in ("ses", "mailgun", "sendgrid", "resend"):
        recorded = post(provider, DELIVERED[provider])
        at.now = NOW + 30 * 3600 * 1_000_000
        assert (await at.send(provider, recorded))[0] == 403
        at.now = NOW
    assert await at.count() == 0


DEEP = b"[" * 20_000 + b"]" * 20_000


@pytest.mark.parametrize("provider", tables())
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe", DEEP, b'{"a":' * 5000 + b"1" + b"}" * 5000, b"NaN", b"1" * 6000],
    ids=["empty", "cut", "no text", "deep list", "deep object", "no number", "long number"],
)
async def test_malformed_and_deeply_nested_bodies_are_answered_400(at: Place, provider: str, body: bytes):
    status, words = await at.send(provider, Post(body, JSON))
    assert status == 400
    assert words.startswith("the body is")
    assert await at.count() == 0


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_only_post_is_answered(at: Place, method: str):
    async with at.session.request(method, f"{at.url}/hooks/ses") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")


async def test_a_name_that_is_not_configured_is_not_found_and_makes_no_metric_of_its_own(at: Place):
    before = refusals("unknown", "name")
    for name in ("nobody", "a" * 80, "..%2f..%2fetc", "%00", "ses%20"):
        assert (await at.send(name, Post(b"{}", JSON)))[0] == 404
    assert refusals("unknown", "name") > before
    assert refusals("nobody", "name") == 0


async def test_without_webhooks_there_is_nothing_at_hooks(archive: Archive):
    beacon = Beacon(Tracking(port=0), archive=archive, clock=lambda: NOW, new_id=new_id)
    await beacon.start()
    host, port = beacon.bound
    async with aiohttp.ClientSession() as session, session.post(f"http://{host}:{port}/hooks/ses") as answer:
        assert answer.status == 404
    await beacon.stop(5)


@pytest.mark.parametrize("type_", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/html"])
async def test_another_type_than_json_is_answered_415(at: Place, type_: str):
    status, _ = await at.send("brevo", Post(b"{}", {"Content-Type": type_}))
    assert status == 415


async def test_a_compressed_body_is_answered_415(at: Place):
    status, _ = await at.send("brevo", post("brevo", {}), headers={"Content-Encoding": "gzip"}, skip_auto_headers=())
    assert status == 415


async def test_a_body_that_is_too_large_is_answered_413_however_it_comes(archive: Archive):
    sources = {"brevo": tables()["brevo"].model_copy(update={"max_size": 1000})}

    async def stream() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 100

    async with place(archive, sources=sources) as at:
        headers = post("brevo", {}).headers
        assert (await at.send("brevo", Post(b" " * 1001, headers)))[0] == 413
        assert (await at.ask("brevo", data=stream(), headers=headers))[0] == 413
        assert (await at.send("brevo", Post(b" " * 998 + b"{}", headers)))[0] == 200
        assert await at.count() == 1


async def test_an_address_that_is_not_on_the_list_is_answered_403(archive: Archive):
    table = tables()["brevo"].model_copy(update={"allow_from": (ip_network("192.0.2.0/24"),)})
    proxies = {"trusted_proxies": (ip_network("127.0.0.0/8"),)}
    async with place(archive, sources={"brevo": table}, tracking=proxies) as at:
        given = post("brevo", {"event": "delivered"})
        assert (await at.send("brevo", given))[0] == 403
        assert (await at.send("brevo", given, headers={"X-Forwarded-For": "192.0.2.7, 198.51.100.1"}))[0] == 403
        assert (await at.send("brevo", given, headers={"X-Forwarded-For": "198.51.100.1, 192.0.2.7"}))[0] == 200


async def test_an_address_is_enough_if_there_is_no_secret(archive: Archive):
    table = WebhookSource(allow_from=(ip_network("127.0.0.0/8"),))
    async with place(archive, sources={"brevo": table}) as at:
        assert (await at.send("brevo", Post(b'{"event": "delivered"}', JSON)))[0] == 200


async def test_who_is_refused_often_is_answered_429_for_a_while_and_others_are_not(archive: Archive):
    proxies = {"trusted_proxies": (ip_network("127.0.0.0/8"),)}
    async with place(archive, tracking=proxies) as at:
        good, bad = post("resend", DELIVERED["resend"]), post("resend", DELIVERED["resend"], is_forged=True)
        mine = {"X-Forwarded-For": "198.51.100.1"}
        for _ in range(LIMIT):
            assert (await at.send("resend", bad, headers=mine))[0] == 403
        async with at.session.post(
            f"{at.url}/hooks/resend", data=good.body, headers={**good.headers, **mine}
        ) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "60")
        assert (await at.send("resend", good, headers={"X-Forwarded-For": "198.51.100.2"}))[0] == 200


async def test_a_password_that_is_missing_is_asked_for(at: Place):
    async with at.session.post(f"{at.url}/hooks/postmark", data=b"{}", headers=JSON) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
