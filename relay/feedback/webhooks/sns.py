"""Amazon SNS: messages signed with RSA over a canonical form, by a certificate that the message names. Pure.

What is pinned before anything is fetched: the topic, by the list in the configuration, and the certificate's address.
Only SignatureVersion 2 (SHA-256) is taken; version 1 is SHA-1. A message may be sent again for an hour with its first
timestamp; one that is repeated does no harm, its octets are known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from relay.config import WebhookSource
from relay.feedback.webhooks.document import text
from relay.feedback.webhooks.proof import decoded
from relay.feedback.webhooks.provider import (
    UNTRUSTED,
    Needs,
    Refusal,
    Request,
    Verdict,
    Verified,
    forged,
    malformed,
    stale,
)
from relay.feedback.webhooks.told import moment
from relay.model.delivery import MICROSECONDS
from relay.model.event import Grade

HOST = r"https://sns\.[a-z0-9-]{1,40}\.amazonaws\.com(\.cn)?"
CERTIFICATE = re.compile(HOST + r"/SimpleNotificationService-[a-z0-9]{1,80}\.pem")
CONFIRMATION = re.compile(HOST + r"/\?Action=ConfirmSubscription&[!-~]{1,2000}")
RETRIED = 3600
"""Seconds for which SNS tries again."""
KEY_SIZE = 2048
"""Bits, at least."""

NOTIFICATION = "Notification"
SUBSCRIPTION = "SubscriptionConfirmation"
UNSUBSCRIPTION = "UnsubscribeConfirmation"
_SIGNED = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    SUBSCRIPTION: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    UNSUBSCRIPTION: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}


def verify(request: Request, table: WebhookSource) -> Verdict:
    """`Needs` the certificate once all that can be looked at without it is right."""
    message = request.document
    if not isinstance(message, dict) or text(message, "Type") not in _SIGNED:
        return malformed("not a message of SNS")
    refusal = _outside(message, table, request.now)
    if refusal is not None:
        return refusal
    url = text(message, "SigningCertURL")
    if url not in request.certificates:
        return Needs(url)
    if not _is_signed(message, request.certificates[url], request.now):
        return forged()
    confirm = text(message, "SubscribeURL") if text(message, "Type") == SUBSCRIPTION else ""
    if confirm and CONFIRMATION.fullmatch(confirm) is None:
        return Refusal(403, UNTRUSTED, "SubscribeURL is not an address of SNS")
    return Verified(Grade.SIGNED, "signed by SNS (RSA, SHA-256) for a topic on the list", confirm=confirm)


def _outside(message: Mapping[str, Any], table: WebhookSource, now: int) -> Refusal | None:
    """What is wrong with the message, the signature left aside."""
    if text(message, "TopicArn") not in table.topic_arns:
        return Refusal(403, UNTRUSTED, "the topic is not on the list")
    if text(message, "SignatureVersion") != "2":
        return Refusal(403, UNTRUSTED, "expected SignatureVersion 2: set it on the topic")
    if CERTIFICATE.fullmatch(text(message, "SigningCertURL")) is None:
        return Refusal(403, UNTRUSTED, "SigningCertURL is not an address of SNS")
    age = (now - moment(text(message, "Timestamp"))) // MICROSECONDS
    if not -table.replay_window <= age <= table.replay_window + RETRIED:
        return stale("the timestamp is too far from now")
    return None


def canonical(message: Mapping[str, Any]) -> bytes:
    """The octets that are signed: name and value, each on a line of its own, of the fields that are there."""
    names = _SIGNED[text(message, "Type")]
    pairs = [(name, message[name]) for name in names if isinstance(message.get(name), str)]
    return "".join(f"{name}\n{value}\n" for name, value in pairs).encode("utf-8", "surrogatepass")


def _is_signed(message: Mapping[str, Any], pem: bytes, now: int) -> bool:
    key = _key(pem, now)
    signature = decoded(text(message, "Signature"))
    if key is None or signature is None:
        return False
    try:
        key.verify(signature, canonical(message), padding.PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _key(pem: bytes, now: int) -> rsa.RSAPublicKey | None:
    """The key of a certificate that is valid now, None if it is not."""
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        key = certificate.public_key()
    except ValueError:
        return None
    when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=now)
    if not certificate.not_valid_before_utc <= when <= certificate.not_valid_after_utc:
        return None
    return key if isinstance(key, rsa.RSAPublicKey) and key.key_size >= KEY_SIZE else None
