"""The words for what happened: one text, icon and tone for each kind of event. Pure.

Each says no more than was observed, and keeps apart what sounds alike: a provider that has a mail (accepted), one that
still tries (delayed), a server that took it (delivered), one that passed it on (relayed, expanded).
"""

from __future__ import annotations

from collections.abc import Mapping

from relay.model.event import Kind
from viewer.translation import say

KINDS: Mapping[Kind, tuple[str, str, str]] = {
    Kind.CAPTURED: (say("Captured: kept byte for byte, then answered 250"), "captured", "quiet"),
    Kind.IMPORTED: (say("Imported: kept byte for byte, but its sending was not witnessed here"), "captured", "warn"),
    Kind.QUEUED: (say("Queued for sending"), "queued", "busy"),
    Kind.HELD: (say("Held for approval"), "held", "held"),
    Kind.SENT: (say("Sent: the provider took responsibility"), "sent", "good"),
    Kind.DEFERRED: (say("Deferred: will be tried again"), "deferred", "warn"),
    Kind.FAILED: (say("Failed: refused for good"), "failed", "bad"),
    Kind.EXPIRED: (say("Expired: could not be handed over in time"), "failed", "bad"),
    Kind.UNCONFIRMED: (say("Unconfirmed: the provider's answer was lost"), "unconfirmed", "warn"),
    Kind.CANCELLED: (say("Cancelled"), "cancelled", "quiet"),
    Kind.RESENT: (say("Sent again by a person"), "resend", "busy"),
    Kind.VIEWED: (say("Viewed"), "view", "quiet"),
    Kind.DOWNLOADED: (say("Downloaded"), "download", "quiet"),
    Kind.EXPORTED: (say("Exported"), "download", "quiet"),
    Kind.NOTICE: (say("Delivery status notification to the sender"), "mail", "quiet"),
    Kind.OPENED: (say("Opened: the pixel was fetched"), "view", "quiet"),
    Kind.CLICKED: (say("Clicked: a link was followed"), "view", "quiet"),
    Kind.NOT_TRACKED: (say("Tracking left something alone"), "mail", "quiet"),
    Kind.UNSUBSCRIBED: (say("Unsubscribed: the recipient asked for no more"), "unsubscribed", "warn"),
    Kind.SUPPRESSED: (say("Suppressed: kept, and not sent"), "suppressed", "held"),
    Kind.DUPLICATE: (say("Not sent: the same went to this recipient a moment ago"), "suppressed", "held"),
    Kind.RETRIED: (say("Made due now by a person"), "resend", "busy"),
    Kind.REROUTED: (say("Given another upstream by a person"), "route", "busy"),
    Kind.ACCEPTED: (say("Accepted: the provider reports that it has it"), "accepted", "quiet"),
    Kind.DELAYED: (say("Delayed: reported as still being tried"), "deferred", "warn"),
    Kind.RELAYED: (say("Relayed: passed on to a server that reports nothing"), "relayed", "quiet"),
    Kind.EXPANDED: (say("Expanded: passed on to the members of a list"), "users", "quiet"),
    Kind.DELIVERED: (say("Delivered: the recipient's server took it"), "delivered", "good"),
    Kind.BOUNCED: (say("Bounced: reported as not delivered"), "bounced", "bad"),
    Kind.DROPPED: (say("Dropped: the provider did not try"), "dropped", "bad"),
    Kind.COMPLAINED: (say("Complained: the recipient called it spam"), "complained", "bad"),
    Kind.AUTO_REPLIED: (say("Answered by a machine: says nothing of delivery"), "auto-replied", "quiet"),
    Kind.REPORTED: (say("Reported: something that we have no word for"), "mail", "quiet"),
    Kind.SUPPRESSION_ADDED: (say("Put on the suppression list"), "suppressed", "held"),
    Kind.SUPPRESSION_REMOVED: (say("Taken off the suppression list"), "plus", "quiet"),
    Kind.MODE_CHANGED: (say("Mode switched"), "app", "held"),
    Kind.PAUSED: (say("Sending paused"), "held", "warn"),
    Kind.RESUMED: (say("Sending resumed"), "sending", "quiet"),
    Kind.ENDPOINT_FAILED: (say("A notification was not taken in time"), "alert", "warn"),
    Kind.REPLAYED: (say("Notifications sent again"), "resend", "quiet"),
    Kind.SIGNED_IN: (say("Signed in"), "user", "quiet"),
    Kind.SIGNED_OUT: (say("Signed out"), "user", "quiet"),
    Kind.SIGN_IN_REFUSED: (say("Sign-in refused"), "user", "warn"),
    Kind.ACCOUNT_CHANGED: (say("Account changed"), "user", "quiet"),
    Kind.DELETED: (say("Content deleted; envelope, hash and events stay"), "deleted", "bad"),
    Kind.DELETION_ASKED: (say("Deletion asked for: another person has to approve"), "held", "held"),
    Kind.DELETION_REFUSED: (say("Deletion refused: the content stays"), "cancelled", "quiet"),
    Kind.HOLD_MADE: (say("Legal hold begun"), "held", "held"),
    Kind.HOLD_PLACED: (say("Under a legal hold: nobody can delete it"), "held", "held"),
    Kind.HOLD_LIFTED: (say("Not under a legal hold any more"), "cancelled", "quiet"),
    Kind.HOLD_ENDED: (say("Legal hold ended"), "cancelled", "quiet"),
    Kind.ERASURE_ASKED: (say("Erasure of a person asked for"), "deleted", "quiet"),
    Kind.ERASURE_DECIDED: (say("Erasure of a person decided"), "deleted", "quiet"),
    Kind.ERASED: (say("Personal facts erased"), "deleted", "quiet"),
    Kind.RETENTION_RUN: (say("Rules of retention gone through"), "deleted", "quiet"),
    Kind.TAGGED: (say("Tags changed"), "tag", "quiet"),
    Kind.SETTING_CHANGED: (say("Setting changed"), "edit", "held"),
    Kind.KEY_CHANGED: (say("The log has another signing key"), "edit", "held"),
    Kind.ENCRYPTION_CHANGED: (say("Encryption of what is kept changed"), "edit", "held"),
    Kind.RESTORED: (say("The archive was put back from a copy: what came after it is missing"), "alert", "warn"),
    Kind.ALERT_RAISED: (say("Alert: what a rule watches for has come true"), "alert", "warn"),
    Kind.ALERT_CLEARED: (say("Alert over"), "sent", "good"),
}
"""Text, icon and tone of each kind of event."""
