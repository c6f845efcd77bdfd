"""Requests as providers make them, signed with keys made here."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from hmac import new as hmac_new
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from multidict import CIMultiDict
from pydantic import SecretStr

from relay.config import WebhookSource
from relay.feedback.webhooks import sns
from relay.feedback.webhooks.certificates import FetchError
from relay.feedback.webhooks.provider import Request
from relay.model.bounce import BounceClass
from relay.model.report import ReportKind

SECOND = 1_000_000
NOW = 1_767_268_800 * SECOND
"""2026-01-01 12:00 UTC: when the requests arrive."""
IDENTIFIER = "01KDWJM0000000000000000ABC"
TOPIC = "arn:aws:sns:eu-central-1:123456789012:mail"
CERTIFICATE_URL = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
SUBSCRIBE_URL = (
    f"https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37fb687f5d51"
)
MAILGUN_KEY = "key-of-the-account"
RESEND_KEY = base64.b64encode(b"a secret of twenty-four!").decode()
USER, PASSWORD = "provider", "correct horse"


@dataclass(frozen=True)
class Expected:
    """What is read in an event; fields that are left out are not compared, but for those of a bounce."""

    kind: ReportKind
    recipient: str = "jane@example.com"
    bounce: BounceClass | None = None
    event: str | None = None
    provider_id: str | None = None
    identifier: str | None = IDENTIFIER
    status: str | None = None
    diagnostic: str | None = None
    at: int | None = None
    is_machine: bool | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sample:
    """`document`: as the provider documents it, but with our addresses and ids."""

    name: str
    document: Any
    expected: tuple[Expected, ...]


def iso(seconds: float = 0.0) -> str:
    """`NOW` and so many seconds: `2026-01-01T12:00:00.000Z`."""
    when = datetime.fromtimestamp(NOW / SECOND + seconds, UTC)
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03}Z"


# -- SNS -----------------------------------------------------------------------------------------------------
@cache
def rsa_key(name: str = "sns") -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def certificate(name: str = "sns", start: int = -1, stop: int = 30) -> bytes:
    """PEM, self-signed, valid from so many days before to so many after `NOW`."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    noon = datetime.fromtimestamp(NOW / SECOND, UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(rsa_key(name).public_key())
        .serial_number(1)
        .not_valid_before(noon + timedelta(days=start))
        .not_valid_after(noon + timedelta(days=stop))
        .sign(rsa_key(name), SHA256())
    )
    return made.public_bytes(Encoding.PEM)


def sns_message(inner: Any, **changed: Any) -> dict[str, Any]:
    """A notification with the inner message as a string of JSON, not yet signed."""
    message = {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Subject": "Amazon SES Email Event Notification",
        "Message": inner if isinstance(inner, str) else json.dumps(inner),
        "Timestamp": iso(-2),
        "SignatureVersion": "2",
        "SigningCertURL": CERTIFICATE_URL,
        "UnsubscribeURL": "https://sns.eu-central-1.amazonaws.com/?Action=Unsubscribe",
    }
    return {name: value for name, value in {**message, **changed}.items() if value is not None}


def sns_confirmation(**changed: Any) -> dict[str, Any]:
    confirmation = {
        "Type": "SubscriptionConfirmation",
        "Message": "You have chosen to subscribe to the topic.",
        "Token": "2336412f37fb687f5d51",
        "SubscribeURL": SUBSCRIBE_URL,
        "Subject": None,
        "UnsubscribeURL": None,
    }
    return sns_message("", **{**confirmation, **changed})


def sns_signed(message: Mapping[str, Any], key: str = "sns") -> dict[str, Any]:
    signature = rsa_key(key).sign(sns.canonical(message), padding.PKCS1v15(), SHA256())
    return {**message, "Signature": base64.b64encode(signature).decode()}


class Web:
    """Stands for the network: gives what it was told to, and says what was fetched."""

    def __init__(self, pages: Mapping[str, bytes] | None = None) -> None:
        self.pages = {CERTIFICATE_URL: certificate(), SUBSCRIBE_URL: b"<xml/>"} if pages is None else dict(pages)
        self.fetched: list[str] = []

    async def fetch(self, url: str) -> bytes:
        self.fetched.append(url)
        if url not in self.pages:
            raise FetchError("answered 404")
        return self.pages[url]


# -- the others ----------------------------------------------------------------------------------------------
@cache
def ec_key(name: str = "sendgrid") -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def sendgrid_public(name: str = "sendgrid") -> str:
    """As SendGrid shows it: base64 of the SubjectPublicKeyInfo."""
    octets = ec_key(name).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(octets).decode()


def tables() -> dict[str, WebhookSource]:
    """A table for each provider, under its name."""
    basic = WebhookSource(username=USER, password=SecretStr(PASSWORD))
    return {
        "ses": WebhookSource(topic_arns=(TOPIC,)),
        "mailgun": WebhookSource(key=SecretStr(MAILGUN_KEY)),
        "sendgrid": WebhookSource(key=SecretStr(sendgrid_public())),
        "resend": WebhookSource(key=SecretStr(f"whsec_{RESEND_KEY}")),
        "postmark": basic,
        "brevo": basic,
        "mailjet": basic,
        "sparkpost": basic,
    }


@dataclass(frozen=True)
class Post:
    """A request ready to be sent."""

    body: bytes
    headers: Mapping[str, str]

    def request(self, now: int = NOW, certificates: Mapping[str, bytes] | None = None) -> Request:
        try:
            document = json.loads(self.body)
        except ValueError:
            document = None
        if certificates is None:
            certificates = {CERTIFICATE_URL: certificate()}
        return Request(self.body, CIMultiDict(self.headers), document, now, certificates)


JSON = {"Content-Type": "application/json", "User-Agent": "a provider"}


def post(provider: str, document: Any, at: int = NOW, *, is_forged: bool = False) -> Post:
    """The document as that provider would send it at that time. `is_forged`: with another's key or password."""
    return _POSTS[provider](document, at // SECOND, is_forged)


def _ses(document: Any, at: int, is_forged: bool) -> Post:
    message = document if "TopicArn" in document else sns_message(document, Timestamp=iso(at - NOW // SECOND))
    signed = sns_signed(message, "another" if is_forged else "sns")
    return Post(json.dumps(signed).encode(), {**JSON, "Content-Type": "text/plain; charset=UTF-8"})


def _mailgun(document: Any, at: int, is_forged: bool) -> Post:
    token = sha256(json.dumps(document).encode()).hexdigest()[:50]
    key = b"another" if is_forged else MAILGUN_KEY.encode()
    signature = hmac_new(key, f"{at}{token}".encode(), sha256).hexdigest()
    body = {"signature": {"timestamp": str(at), "token": token, "signature": signature}, "event-data": document}
    return Post(json.dumps(body).encode(), JSON)


def _sendgrid(document: Any, at: int, is_forged: bool) -> Post:
    # With line ends as SendGrid writes them: what is signed are the octets, not the JSON.
    body = json.dumps(document, separators=(",", ":")).replace("},{", "},\r\n{").encode() + b"\r\n"
    key = ec_key("another" if is_forged else "sendgrid")
    signature = key.sign(str(at).encode() + body, ec.ECDSA(SHA256()))
    return Post(
        body,
        {
            **JSON,
            "X-Twilio-Email-Event-Webhook-Timestamp": str(at),
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
        },
    )


def _resend(document: Any, at: int, is_forged: bool) -> Post:
    body = json.dumps(document).encode()
    id_ = f"msg_{sha256(body).hexdigest()[:27]}"
    key = b"another secret of twenty" if is_forged else base64.b64decode(RESEND_KEY)
    signature = base64.b64encode(hmac_new(key, f"{id_}.{at}.".encode() + body, sha256).digest()).decode()
    return Post(
        body, {**JSON, "svix-id": id_, "svix-timestamp": str(at), "svix-signature": f"v1a,ignored v1,{signature}"}
    )


def _basic(document: Any, at: int, is_forged: bool) -> Post:
    pair = f"{USER}:{'guess' if is_forged else PASSWORD}"
    return Post(
        json.dumps(document).encode(), {**JSON, "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    )


_POSTS = {
    "ses": _ses,
    "mailgun": _mailgun,
    "sendgrid": _sendgrid,
    "resend": _resend,
    "postmark": _basic,
    "brevo": _basic,
    "mailjet": _basic,
    "sparkpost": _basic,
}
