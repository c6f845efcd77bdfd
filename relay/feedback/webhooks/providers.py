"""The providers by the name that the configuration gives them."""

from __future__ import annotations

from relay.feedback.webhooks.brevo import BREVO
from relay.feedback.webhooks.mailgun import MAILGUN
from relay.feedback.webhooks.mailjet import MAILJET
from relay.feedback.webhooks.postmark import POSTMARK
from relay.feedback.webhooks.provider import Provider
from relay.feedback.webhooks.resend import RESEND
from relay.feedback.webhooks.sendgrid import SENDGRID
from relay.feedback.webhooks.ses import SES
from relay.feedback.webhooks.sparkpost import SPARKPOST

PROVIDERS: dict[str, Provider] = {
    "ses": SES,
    "mailgun": MAILGUN,
    "sendgrid": SENDGRID,
    "postmark": POSTMARK,
    "resend": RESEND,
    "brevo": BREVO,
    "mailjet": MAILJET,
    "sparkpost": SPARKPOST,
}
