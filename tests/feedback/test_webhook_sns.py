"""What Amazon SNS signs, what is pinned before its certificate is fetched, and all that is refused. No sockets."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519, padding
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding
from multidict import CIMultiDict

from relay.feedback.webhooks import sns
from relay.feedback.webhooks.provider import Needs, Refusal, Request, Verified
from relay.feedback.webhooks.providers import PROVIDERS
from tests.support.hooks import (
    CERTIFICATE_URL,
    NOW,
    SUBSCRIBE_URL,
    certificate,
    iso,
    rsa_key,
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
