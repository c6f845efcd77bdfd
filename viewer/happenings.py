"""The words for what happened: one text, icon and tone for each kind of event. Pure.

Each says no more than was observed, and keeps apart what sounds alike: a provider that has a mail (accepted), one that
still tries (delayed), a server that took it (delivered), one that passed it on (relayed, expanded).
"""

from __future__ import annotations

from collections.abc import Mapping

from relay.model.event import Kind

KINDS: Mapping[Kind, tuple[str, str, str]] = {
    Kind.CAPTURED: ("Captured: kept byte for byte, then answered 250", "captured", "quiet"),
    Kind.QUEUED: ("Queued for sending", "queued", "busy"),
    Kind.HELD: ("Held for approval", "held", "held"),
    Kind.SENT: ("Sent: the provider took responsibility", "sent", "good"),
    Kind.DEFERRED: ("Deferred: will be tried again", "deferred", "warn"),
    Kind.FAILED: ("Failed: refused for good", "failed", "bad"),
    Kind.EXPIRED: ("Expired: could not be handed over in time", "failed", "bad"),
    Kind.UNCONFIRMED: ("Unconfirmed: the provider's answer was lost", "unconfirmed", "warn"),
    Kind.CANCELLED: ("Cancelled", "cancelled", "quiet"),
    Kind.RESENT: ("Sent again by a person", "resend", "busy"),
    Kind.VIEWED: ("Viewed", "view", "quiet"),
    Kind.DOWNLOADED: ("Downloaded", "download", "quiet"),
    Kind.EXPORTED: ("Exported", "download", "quiet"),
    Kind.NOTICE: ("Delivery status notification to the sender", "mail", "quiet"),
    Kind.OPENED: ("Opened: the pixel was fetched", "view", "quiet"),
    Kind.CLICKED: ("Clicked: a link was followed", "view", "quiet"),
    Kind.NOT_TRACKED: ("Tracking left something alone", "mail", "quiet"),
    Kind.UNSUBSCRIBED: ("Unsubscribed: the recipient asked for no more", "unsubscribed", "warn"),
    Kind.SUPPRESSED: ("Suppressed: kept, and not sent", "suppressed", "held"),
    Kind.DUPLICATE: ("Not sent: the same went to this recipient a moment ago", "suppressed", "held"),
    Kind.RETRIED: ("Made due now by a person", "resend", "busy"),
    Kind.REROUTED: ("Given another upstream by a person", "route", "busy"),
    Kind.ACCEPTED: ("Accepted: the provider reports that it has it", "accepted", "quiet"),
    Kind.DELAYED: ("Delayed: reported as still being tried", "deferred", "warn"),
    Kind.RELAYED: ("Relayed: passed on to a server that reports nothing", "relayed", "quiet"),
    Kind.EXPANDED: ("Expanded: passed on to the members of a list", "users", "quiet"),
    Kind.DELIVERED: ("Delivered: the recipient's server took it", "delivered", "good"),
    Kind.BOUNCED: ("Bounced: reported as not delivered", "bounced", "bad"),
    Kind.DROPPED: ("Dropped: the provider did not try", "dropped", "bad"),
    Kind.COMPLAINED: ("Complained: the recipient called it spam", "complained", "bad"),
    Kind.AUTO_REPLIED: ("Answered by a machine: says nothing of delivery", "auto-replied", "quiet"),
    Kind.REPORTED: ("Reported: something that we have no word for", "mail", "quiet"),
    Kind.SUPPRESSION_ADDED: ("Put on the suppression list", "suppressed", "held"),
    Kind.SUPPRESSION_REMOVED: ("Taken off the suppression list", "plus", "quiet"),
    Kind.MODE_CHANGED: ("Mode switched", "app", "held"),
    Kind.PAUSED: ("Sending paused", "held", "warn"),
    Kind.RESUMED: ("Sending resumed", "sending", "quiet"),
    Kind.ENDPOINT_FAILED: ("A notification was not taken in time", "alert", "warn"),
    Kind.REPLAYED: ("Notifications sent again", "resend", "quiet"),
    Kind.SIGNED_IN: ("Signed in", "user", "quiet"),
    Kind.SIGNED_OUT: ("Signed out", "user", "quiet"),
    Kind.SIGN_IN_REFUSED: ("Sign-in refused", "user", "warn"),
    Kind.ACCOUNT_CHANGED: ("Account changed", "user", "quiet"),
}
"""Text, icon and tone of each kind of event."""
