"""How providers prove where a request is from, and every way in which the proof can fail. No sockets."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from multidict import CIMultiDict
from pydantic import SecretStr

from relay.config import WebhookSource
from relay.feedback.webhooks.provider import Refusal, Request, Verified
from relay.feedback.webhooks.providers import PROVIDERS
from tests.support.hooks import (
    NOW,
    PASSWORD,
    RESEND_KEY,
    SECOND,
    USER,
    post,
    sendgrid_public,
    tables,
)

EVENT = {"eventType": "Delivery", "mail": {"messageId": "m"}, "delivery": {"recipients": ["jane@example.com"]}}
HOUR = 3600


def verdict_on(provider: str, request: Request, **changed: Any):
    table = tables()[provider].model_copy(update=changed)
    return PROVIDERS[provider].verify(request, table)


# -- whatever is sent ----------------------------------------------------------------------------------------
ODD: list[Any] = [None, 7, "text", True, [], {}, [[]], [{}], {"signature": 7}, {"Type": []}, {"Type": "Notification"}]
ODD += [{"msys": 7}, {"event-data": [], "signature": {"token": [], "timestamp": {}}}, {"data": "x", "type": 7}]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("document", ODD, ids=str)
def test_whatever_is_sent_nothing_is_raised_and_nothing_is_believed(provider, document):
    request = Request(json.dumps(document).encode(), CIMultiDict(), document, NOW)
    assert isinstance(verdict_on(provider, request), Refusal)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_empty_secret_proves_nothing(provider):
    empty = {"key": SecretStr(""), "password": SecretStr(""), "username": "", "topic_arns": ()}
    document = EVENT if provider == "ses" else {"event": "delivered"}
    assert isinstance(verdict_on(provider, post(provider, document).request(), **empty), Refusal)


# -- Mailgun -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("seconds", "is_taken"), [(-9 * HOUR, True), (-9 * HOUR - 301, False), (300, True), (301, False)]
)
def test_mailgun_is_believed_for_as_long_as_it_tries_again(seconds, is_taken):
    request = post("mailgun", {"event": "delivered"}, NOW + seconds * SECOND).request()
    assert isinstance(verdict_on("mailgun", request), Verified) is is_taken


def test_mailguns_token_is_what_may_be_used_once():
    request = post("mailgun", {"event": "delivered"}).request()
    verdict = verdict_on("mailgun", request)
    assert isinstance(verdict, Verified)
    assert verdict.nonce == request.document["signature"]["token"]


def test_mailgun_of_a_subaccount_is_believed_by_the_signature_of_the_main_account():
    request = post("mailgun", {"event": "delivered"}).request()
    signature = request.document["signature"]
    signature["parent-signature"], signature["signature"] = signature["signature"], "0" * 64
    assert isinstance(verdict_on("mailgun", request), Verified)


def test_mailgun_needs_the_password_too_if_there_is_one():
    request = post("mailgun", {"event": "delivered"}).request()
    asked = {"username": USER, "password": SecretStr(PASSWORD)}
    verdict = verdict_on("mailgun", request, **asked)
    assert isinstance(verdict, Refusal)
    assert verdict.status == 401
    request.headers["Authorization"] = post("postmark", {}).headers["Authorization"]  # type: ignore[index]
    assert isinstance(verdict_on("mailgun", request, **asked), Verified)


# -- SendGrid ------------------------------------------------------------------------------------------------
SENDGRID_SAMPLE = (
    b'[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address",'
    b'"sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",'
    b'"sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",'
    b'"smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n'
)


def test_a_signature_that_sendgrid_publishes_is_right():
    """The pair of key and signature in the tests of SendGrid's own libraries."""
    key = (
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eN"
        "Ec6wEA3F+g=="
    )
    signature = "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="
    headers = CIMultiDict(
        {
            "x-twilio-email-event-webhook-timestamp": "1600112502",
            "x-twilio-email-event-webhook-signature": signature,
        }
    )
    now = 1_600_112_502 * SECOND
    request = Request(SENDGRID_SAMPLE, headers, json.loads(SENDGRID_SAMPLE), now)
    assert isinstance(verdict_on("sendgrid", request, key=SecretStr(key)), Verified)
    changed = SENDGRID_SAMPLE.replace(b"dropped", b"deliver")
    request = Request(changed, headers, json.loads(changed), now)
    assert isinstance(verdict_on("sendgrid", request, key=SecretStr(key)), Refusal)


def test_sendgrids_key_may_be_pasted_with_the_lines_around_it():
    pem = (
        f"-----BEGIN PUBLIC KEY-----\n{sendgrid_public()[:64]}\r\n{sendgrid_public()[64:]}\n-----END PUBLIC KEY-----\n"
    )
    request = post("sendgrid", []).request()
    assert isinstance(verdict_on("sendgrid", request, key=SecretStr(pem)), Verified)


def test_a_key_for_sendgrid_of_another_kind_proves_nothing():
    for private in (ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate()):
        octets = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        key = SecretStr(base64.b64encode(octets).decode())
        assert isinstance(verdict_on("sendgrid", post("sendgrid", []).request(), key=key), Refusal)


@pytest.mark.parametrize(("seconds", "is_taken"), [(-24 * HOUR, True), (-25 * HOUR, False), (300, True), (301, False)])
def test_sendgrid_is_believed_for_as_long_as_it_tries_again(seconds, is_taken):
    request = post("sendgrid", [], NOW + seconds * SECOND).request()
    assert isinstance(verdict_on("sendgrid", request), Verified) is is_taken


def test_sendgrids_time_is_part_of_what_is_signed():
    sent = post("sendgrid", [], NOW - 30 * HOUR * SECOND)
    headers = {**sent.headers, "X-Twilio-Email-Event-Webhook-Timestamp": str(NOW // SECOND)}
    request = Request(sent.body, CIMultiDict(headers), [], NOW)
    assert isinstance(verdict_on("sendgrid", request), Refusal)


def test_a_signed_object_is_no_batch():
    assert isinstance(verdict_on("sendgrid", post("sendgrid", {}).request()), Refusal)


# -- Resend --------------------------------------------------------------------------------------------------
def test_a_signature_that_svix_publishes_is_right():
    """The example of Svix's documentation."""
    body = b'{"test": 2432232314}'
    headers = CIMultiDict(
        {
            "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": "1614265330",
            "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        }
    )
    request = Request(body, headers, json.loads(body), 1_614_265_330 * SECOND)
    key = SecretStr("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert isinstance(verdict_on("resend", request, key=key), Verified)


@pytest.mark.parametrize(("seconds", "is_taken"), [(-300, True), (-301, False), (300, True), (301, False)])
def test_resend_signs_each_try_and_is_believed_only_within_the_window(seconds, is_taken):
    verdict = verdict_on("resend", post("resend", {}, NOW + seconds * SECOND).request())
    assert isinstance(verdict, Verified) is is_taken


@pytest.mark.parametrize("name", ["svix-id", "svix-timestamp"])
def test_resends_id_and_time_are_part_of_what_is_signed(name):
    sent = post("resend", {})
    changed = str(NOW // SECOND + 1) if name == "svix-timestamp" else "msg_other"
    request = Request(sent.body, CIMultiDict({**sent.headers, name: changed}), {}, NOW)
    verdict = verdict_on("resend", request)
    assert isinstance(verdict, Refusal)
    assert verdict.reason == "forged"


def test_a_signed_time_that_is_no_number_is_stale():
    sent = post("resend", {})
    key = base64.b64decode(RESEND_KEY)
    for time in ("noon", "1e9", "-5", "٣", ""):
        signature = base64.b64encode(hmac.digest(key, f"id.{time}.".encode() + sent.body, "sha256")).decode()
        headers = {"svix-id": "id", "svix-timestamp": time, "svix-signature": f"v1,{signature}"}
        assert isinstance(verdict_on("resend", Request(sent.body, CIMultiDict(headers), {}, NOW)), Refusal)


# -- shared secrets ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "value",
    [
        "",
        "Basic",
        "Basic !",
        "Basic " + base64.b64encode(USER.encode()).decode(),
        "Basic " + base64.b64encode(f"{USER}:".encode()).decode(),
        "Basic " + base64.b64encode(f":{PASSWORD}".encode()).decode(),
        "Bearer " + PASSWORD,
        "Basic " + base64.b64encode(f"{USER}:{PASSWORD} ".encode()).decode(),
        "Basic \udcff",
    ],
)
def test_a_wrong_password_is_answered_401(value):
    request = Request(b"{}", CIMultiDict({"Authorization": value}), {}, NOW)
    verdict = verdict_on("brevo", request)
    assert isinstance(verdict, Refusal)
    assert verdict.status == 401


def test_a_bearer_token_is_as_good_as_a_password():
    table = {"key": SecretStr("token"), "password": SecretStr(""), "username": ""}
    for value, is_taken in (("Bearer token", True), ("bearer  token", True), ("Bearer other", False), ("token", False)):
        request = Request(b"{}", CIMultiDict({"Authorization": value}), {}, NOW)
        assert isinstance(verdict_on("brevo", request, **table), Verified) is is_taken


def test_without_a_secret_the_address_must_be_on_a_list():
    table = WebhookSource.model_validate({"allow_from": ["192.0.2.0/24"]})
    request = Request(b"{}", CIMultiDict(), {}, NOW)
    verdict = PROVIDERS["brevo"].verify(request, table)
    assert isinstance(verdict, Verified)
    assert "address" in verdict.verdict
    with_password = table.model_copy(update={"password": SecretStr("x"), "username": "y"})
    assert isinstance(PROVIDERS["brevo"].verify(request, with_password), Refusal)
