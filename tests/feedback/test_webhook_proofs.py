"""How providers prove where a request is from, and every way in which the proof can fail. No sockets."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from multidict import CIMultiDict
from pydantic import SecretStr

from relay.config import WebhookSource
from relay.feedback.webhooks import sns
from relay.feedback.webhooks.certificates import Certificates, FetchError, fetch
from relay.feedback.webhooks.document import Malformed, at, clean, flag, inner, parsed, rows, text, texts
from relay.feedback.webhooks.provider import Needs, Refusal, Request, Verified
from relay.feedback.webhooks.providers import PROVIDERS
from relay.feedback.webhooks.refusals import ADDRESSES, LIMIT, PERIOD, Refusals
from relay.feedback.webhooks.told import bare_address, identifier_in, moment, since_1970, status_in
from tests.support.hooks import (
    CERTIFICATE_URL,
    IDENTIFIER,
    NOW,
    PASSWORD,
    SECOND,
    SUBSCRIBE_URL,
    USER,
    Web,
    certificate,
    iso,
    post,
    rsa_key,
    sendgrid_public,
    sns_confirmation,
    sns_message,
    sns_signed,
    tables,
)

EVENT = {"eventType": "Delivery", "mail": {"messageId": "m"}, "delivery": {"recipients": ["jane@example.com"]}}
HOUR = 3600


def verdict_on(provider: str, request: Request, **changed: Any):
    table = tables()[provider].model_copy(update=changed)
    return PROVIDERS[provider].verify(request, table)


# -- SNS -----------------------------------------------------------------------------------------------------
def on_sns(message: dict[str, Any], *, is_signed: bool = True, certificates: dict[str, bytes] | None = None):
    signed = sns_signed(message) if is_signed else message
    body = json.dumps(signed).encode()
    kept = {CERTIFICATE_URL: certificate()} if certificates is None else certificates
    return verdict_on("ses", Request(body, CIMultiDict(), json.loads(body), NOW, kept))


def test_sns_asks_for_the_certificate_once_all_else_is_right():
    assert on_sns(sns_message(EVENT), certificates={}) == Needs(CERTIFICATE_URL)


def test_sns_is_believed_with_or_without_a_subject():
    assert isinstance(on_sns(sns_message(EVENT)), Verified)
    assert isinstance(on_sns(sns_message(EVENT, Subject=None)), Verified)


def test_what_sns_signs_is_as_documented():
    message = sns_message("the message", Subject="the subject")
    assert sns.canonical(message) == (
        b"Message\nthe message\nMessageId\n22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324\nSubject\nthe subject\n"
        b"Timestamp\n2026-01-01T11:59:58.000Z\nTopicArn\narn:aws:sns:eu-central-1:123456789012:mail\n"
        b"Type\nNotification\n"
    )
    assert sns.canonical(sns_confirmation()).startswith(
        b"Message\nYou have chosen to subscribe to the topic.\nMessageId\n22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324\n"
        b"SubscribeURL\n" + SUBSCRIBE_URL.encode() + b"\nTimestamp\n"
    )


@pytest.mark.parametrize("name", ["Message", "MessageId", "Subject", "Timestamp", "Type"])
def test_sns_refuses_a_message_that_was_changed_after_it_was_signed(name):
    signed = sns_signed(sns_message(EVENT))
    signed[name] = {"Timestamp": iso(-3), "Type": "UnsubscribeConfirmation"}.get(name, "other")
    verdict = on_sns(signed, is_signed=False)
    assert isinstance(verdict, Refusal)
    assert (verdict.status, verdict.reason) == (403, "forged")


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123.pem",
        "https://sns.eu-central-1.amazonaws.com.evil.example/SimpleNotificationService-0123.pem",
        "https://evil.example/sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123.pem",
        "https://sns.eu-central-1.amazonaws.com@evil.example/SimpleNotificationService-0123.pem",
        "https://sns.eu-central-1.amazonaws.com:8443/SimpleNotificationService-0123.pem",
        "https://s3.amazonaws.com/SimpleNotificationService-0123.pem",
        "https://sns.eu.central.1.amazonaws.com/SimpleNotificationService-0123.pem",
        "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123.pem\n",
        "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123.pem?x",
        "https://sns.eu-central-1.amazonaws.com/../SimpleNotificationService-0123.pem",
        "https://SNS.eu-central-1.amazonaws.com/SimpleNotificationService-0123.pem",
        "https://sns.eu-central-1.amazonaws.com/other/SimpleNotificationService-0123.pem",
        "https://127.0.0.1/SimpleNotificationService-0123.pem",
        "file:///etc/passwd",
        "",
        None,
        7,
    ],
)
def test_sns_asks_for_no_certificate_from_anywhere_else(url):
    verdict = on_sns(sns_message(EVENT, SigningCertURL=url), certificates={})
    assert isinstance(verdict, Refusal)
    assert verdict.reason == "untrusted"


def test_sns_in_china_is_sns_too():
    url = "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-0123.pem"
    assert on_sns(sns_message(EVENT, SigningCertURL=url), certificates={}) == Needs(url)


@pytest.mark.parametrize("topic", ["arn:aws:sns:eu-central-1:999999999999:mail", "", None, ["x"]])
def test_sns_asks_for_no_certificate_for_a_topic_that_is_not_on_the_list(topic):
    verdict = on_sns(sns_message(EVENT, TopicArn=topic), certificates={})
    assert isinstance(verdict, Refusal)
    assert verdict.reason == "untrusted"


@pytest.mark.parametrize("version", ["1", "3", "", None, 2.5])
def test_sns_signatures_of_another_version_are_refused(version):
    verdict = on_sns(sns_message(EVENT, SignatureVersion=version))
    assert isinstance(verdict, Refusal)
    assert "SignatureVersion 2" in verdict.words


def test_a_signature_with_sha1_is_no_signature_of_version_2():
    message = sns_message(EVENT)
    signature = rsa_key().sign(sns.canonical(message), padding.PKCS1v15(), SHA1())
    verdict = on_sns({**message, "Signature": base64.b64encode(signature).decode()}, is_signed=False)
    assert isinstance(verdict, Refusal)


@pytest.mark.parametrize(("seconds", "is_taken"), [(-3900, True), (-3902, False), (300, True), (302, False)])
def test_sns_is_believed_for_as_long_as_it_tries_again(seconds, is_taken):
    verdict = on_sns(sns_message(EVENT, Timestamp=iso(seconds)))
    assert isinstance(verdict, Verified) is is_taken
    assert is_taken or verdict.reason == "stale"


@pytest.mark.parametrize("when", ["", "yesterday", None, "2026-01-01T12:00:00+99:00", "9999-12-31T23:59:59-14:00"])
def test_sns_without_a_time_is_refused(when):
    assert isinstance(on_sns(sns_message(EVENT, Timestamp=when)), Refusal)


@pytest.mark.parametrize(
    "pem",
    [b"", b"no certificate", certificate("sns", -30, -1), certificate("sns", 1, 30), certificate("another")],
    ids=["nothing", "no certificate", "run out", "not yet valid", "of another key"],
)
def test_sns_is_refused_with_a_certificate_that_is_not_good(pem):
    assert isinstance(on_sns(sns_message(EVENT), certificates={CERTIFICATE_URL: pem}), Refusal)


def test_sns_is_refused_with_a_certificate_of_another_kind_of_key():
    key = ed25519.Ed25519PrivateKey.generate()
    own = x509.load_pem_x509_certificate(certificate())
    made = (
        x509.CertificateBuilder(own.issuer, own.subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(own.not_valid_before_utc)
        .not_valid_after(own.not_valid_after_utc)
        .sign(key, None)
        .public_bytes(Encoding.PEM)
    )
    assert isinstance(on_sns(sns_message(EVENT), certificates={CERTIFICATE_URL: made}), Refusal)


@pytest.mark.parametrize("signature", ["", "!", "AAAA", None, 7])
def test_sns_with_a_broken_signature_is_refused(signature):
    assert isinstance(on_sns({**sns_message(EVENT), "Signature": signature}, is_signed=False), Refusal)


def test_a_subscription_is_confirmed_only_once_it_is_verified():
    verdict = on_sns(sns_confirmation())
    assert isinstance(verdict, Verified)
    assert verdict.confirm == SUBSCRIBE_URL
    assert isinstance(on_sns(sns_confirmation(), certificates={CERTIFICATE_URL: certificate("another")}), Refusal)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/?Action=ConfirmSubscription&x",
        "https://sns.eu-central-1.amazonaws.com/?Action=DeleteTopic&TopicArn=x",
        "https://sns.eu-central-1.amazonaws.com.evil.example/?Action=ConfirmSubscription&x",
        "http://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&x",
        "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&x y",
    ],
)
def test_a_signed_subscription_with_an_address_elsewhere_is_refused(url):
    verdict = on_sns(sns_confirmation(SubscribeURL=url))
    assert isinstance(verdict, Refusal)
    assert verdict.reason == "untrusted"


def test_an_unsubscription_is_kept_and_nothing_is_fetched():
    verdict = on_sns(sns_confirmation(Type="UnsubscribeConfirmation"))
    assert isinstance(verdict, Verified)
    assert verdict.confirm == ""


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


# -- JSON ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"NaN",
        b'{"a": Infinity}',
        b"[" * 40 + b"]" * 40,
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b"1" * 5000,
        b"\xef\xbb\xbf{}",
        b"{} {}",
    ],
    ids=lambda body: repr(body[:12]),
)
def test_what_is_no_json_or_nested_too_deeply_is_malformed(body):
    with pytest.raises(Malformed):
        parsed(body)


def test_thirty_levels_are_read():
    assert parsed(b"[" * 31 + b"]" * 31)


def test_accessors_answer_for_any_json():
    value: dict[str, Any] = {
        "a": {"b": [{"c": 1}, {"c": "x\ud800"}]},
        "t": "true",
        "n": 1.5,
        "yes": True,
        "list": ["x", 7, "y"],
    }
    assert at(value, "a", "b", 0, "c") == 1
    assert at(value, "a", "b", 9) is None
    assert at(value, "a", 0) is None
    assert text(value, "a", "b", 1, "c") == "x?"
    assert (text(value, "n"), text(value, "yes"), text(value, "a")) == ("1.5", "", "")
    assert (flag(value, "t"), flag(value, "yes"), flag(value, "n"), flag(value, "none")) == (True, True, None, None)
    assert rows(value, "a", "b") == value["a"]["b"]
    assert (rows(value, "a"), rows(value, "n")) == ([value["a"]], [])
    assert (texts(value, "list"), texts(value, "t"), texts(value, "none")) == (["x", "y"], ["true"], [])
    assert (inner({"j": '{"k": 1}'}, "j"), inner({"j": "{"}, "j"), inner({"j": 7}, "j")) == ({"k": 1}, None, 7)
    assert clean("a\0b\udfff") == "ab?"


def test_times_are_read_in_every_form_that_providers_write():
    noon = 1_767_268_800 * SECOND
    assert moment("2026-01-01T12:00:00Z") == noon
    assert moment("2026-01-01T12:00:00.5+00:00") == noon + SECOND // 2
    assert moment("2026-01-01T07:00:00.1234567-05:00") == noon + 123_456
    assert moment("2026-01-01 12:00:00") == noon
    assert moment("0001-01-01T00:00:00+23:59") < 0
    assert (moment(""), moment("noon")) == (0, 0)
    assert since_1970(1_767_268_800) == noon
    assert since_1970("1767268800.25") == noon + SECOND // 4
    assert since_1970(1_767_268_800_000, per_second=1000) == noon
    for wrong in (0, -1, 1e300, "x", None, "1e400", "nan"):
        assert since_1970(wrong) == 0


def test_small_things_are_found_in_what_providers_write():
    assert bare_address("Jane <jane@example.com> ") == "jane@example.com"
    assert bare_address(" jane@example.com") == "jane@example.com"
    assert status_in("smtp; 550 5.1.1 <x> unknown 4.2.2") == "5.1.1"
    assert status_in("from 192.5.1.1 at 12.5.1.1.") == ""
    assert identifier_in({"mailwitness": IDENTIFIER}) == IDENTIFIER
    assert identifier_in(f'{{"mailwitness": "{IDENTIFIER}"}}') == IDENTIFIER
    assert identifier_in(f" {IDENTIFIER}") == IDENTIFIER
    assert (identifier_in("other"), identifier_in(None), identifier_in("[1]"), identifier_in(7)) == ("", "", "", "")


# -- limits --------------------------------------------------------------------------------------------------
def test_an_address_that_is_refused_often_is_not_listened_to_for_a_while():
    refusals = Refusals()
    for n in range(LIMIT):
        assert not refusals.are_many("192.0.2.1", NOW + n)
        refusals.note("192.0.2.1", NOW + n)
    assert refusals.are_many("192.0.2.1", NOW + LIMIT)
    assert not refusals.are_many("192.0.2.2", NOW + LIMIT)
    assert not refusals.are_many("192.0.2.1", NOW + PERIOD)
    refusals.note("192.0.2.1", NOW + PERIOD)
    assert not refusals.are_many("192.0.2.1", NOW + PERIOD)


def test_many_addresses_do_not_fill_memory():
    refusals = Refusals()
    for n in range(ADDRESSES + 10):
        refusals.note(str(n), NOW)
    assert len(refusals._counts) == ADDRESSES


async def test_a_certificate_is_fetched_once_and_made_up_names_only_so_often():
    web = Web({"https://a": b"A"})
    certificates = Certificates(web.fetch)
    assert [await certificates.get("https://a") for _ in range(3)] == [b"A"] * 3
    for n in range(40):
        with pytest.raises(FetchError):
            await certificates.get(f"https://made-up-{n}")
    assert web.fetched.count("https://a") == 1
    assert len(web.fetched) == 20


async def test_certificates_of_many_regions_are_not_all_kept():
    web = Web({f"https://{n}": b"A" for n in range(40)})
    certificates = Certificates(web.fetch)
    for n in range(20):
        await certificates.get(f"https://{n}")
    certificates._fetched.clear()
    for n in range(20, 40):
        await certificates.get(f"https://{n}")
    assert len(certificates._kept) == 32


async def test_nothing_is_fetched_but_over_https():
    with pytest.raises(FetchError):
        await fetch("http://127.0.0.1:1/")


async def test_a_server_that_is_not_there_is_a_fetch_error():
    with pytest.raises(FetchError):
        await fetch("https://127.0.0.1:1/SimpleNotificationService-0.pem")
