"""What can be wrong when mail is refused or comes back: each finding in plain words, and what to do about it.

Which words and codes lead to which finding is in `wording.py`; the choice is made in `diagnosis.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from relay.model.bounce import BounceClass

HARD, SOFT, BLOCK, SPAM, QUOTA, POLICY = (
    BounceClass.HARD,
    BounceClass.SOFT,
    BounceClass.BLOCK,
    BounceClass.SPAM,
    BounceClass.QUOTA,
    BounceClass.POLICY,
)


@dataclass(frozen=True, slots=True)
class Meaning:
    """`explanation` and `action` are sentences for a person who sends mail and runs no mail server."""

    bounce: BounceClass
    explanation: str
    action: str


class Finding(Enum):
    NO_MAILBOX = Meaning(
        HARD,
        "There is no such mailbox at the recipient's domain.",
        "Check the address for a typing error; do not send to it again.",
    )
    DISABLED = Meaning(
        HARD,
        "The mailbox exists no more or is switched off.",
        "Ask the recipient for another address; do not send to this one again.",
    )
    MOVED = Meaning(
        HARD,
        "The recipient has moved to another address.",
        "Use the new address, if the reply names one.",
    )
    NO_DOMAIN = Meaning(
        HARD,
        "The recipient's domain does not exist or takes no mail.",
        "Check the part after the @ for a typing error; do not send to it again.",
    )
    BAD_ADDRESS = Meaning(
        HARD,
        "The receiving server cannot read the address.",
        "Check the address: it may have a character too many, or be cut.",
    )
    AMBIGUOUS = Meaning(
        HARD,
        "The address fits several mailboxes there.",
        "Ask the recipient for the exact address.",
    )
    FULL = Meaning(
        QUOTA,
        "The recipient's mailbox is full.",
        "Try again in some days, or reach the recipient in another way.",
    )
    TOO_LARGE = Meaning(
        POLICY,
        "The message is larger than the recipient's server takes.",
        "Send it without its attachments, or a link to them.",
    )
    RESTRICTED = Meaning(
        POLICY,
        "This recipient takes mail from certain senders only.",
        "Ask the recipient to allow your address.",
    )
    CONTENT = Meaning(
        POLICY,
        "The receiving server does not take something in the message: a kind of attachment, a header or the format.",
        "Look at the reply for what it was, and send the message without it.",
    )
    VIRUS = Meaning(
        SPAM,
        "The receiving server found what it takes for a virus in the message.",
        "Check the attachments and links before anything is sent again.",
    )
    SPAM = Meaning(
        SPAM,
        "The receiving server takes the message for spam.",
        "Look at the message's content, links and list of recipients; sending it again unchanged makes it worse.",
    )
    BLOCKLIST = Meaning(
        BLOCK,
        "The sending server's address is on a block list.",
        "Find out by the name of the list in the reply why, have it removed, or send through another upstream.",
    )
    REPUTATION = Meaning(
        BLOCK,
        "The receiver refuses the sending server or domain for its reputation.",
        "See the receiver's page for senders that the reply names; send less, and only to people who asked for it.",
    )
    RATE = Meaning(
        BLOCK,
        "The receiver gets more mail from here than it wants to take now.",
        "Send more slowly to this receiver; it is tried again.",
    )
    GREYLISTED = Meaning(
        SOFT,
        "The receiver asks every unknown sender to try again after some minutes.",
        "Nothing: it is tried again.",
    )
    UNAUTHENTICATED = Meaning(
        POLICY,
        "The receiver asks for proof that the sender's domain allows this server: SPF, DKIM or DMARC failed.",
        "Check the DNS records of the sender's domain (SPF, DKIM, DMARC).",
    )
    NO_REVERSE_NAME = Meaning(
        BLOCK,
        "The sending server's address has no proper name in DNS (PTR record, HELO name).",
        "Have the PTR record and the HELO name of the sending server put right.",
    )
    BAD_SENDER = Meaning(
        POLICY,
        "The receiver does not accept the sender's address.",
        "Check that the sender's address and domain exist and can receive mail.",
    )
    RELAY = Meaning(
        POLICY,
        "The server says that it is not responsible for the recipient's domain, or that you must sign in there.",
        "Check the recipient's domain, and the upstream's user name and password.",
    )
    TLS = Meaning(
        POLICY,
        "The receiver takes mail over an encrypted connection only, or encryption could not be agreed.",
        "Check the upstream's TLS settings.",
    )
    NOT_PERMITTED = Meaning(
        POLICY,
        "A rule of the receiver forbids the delivery.",
        "Look at the reply for the rule; ask the receiver's postmaster if it does not say.",
    )
    UNREACHABLE = Meaning(
        SOFT,
        "The recipient's server could not be reached.",
        "Try again later; check the part after the @ if it stays so.",
    )
    EXPIRED = Meaning(
        SOFT,
        "The recipient's server did not take the message within the time it was tried.",
        "Send it again later, or reach the recipient in another way.",
    )
    NAME_TROUBLE = Meaning(
        SOFT,
        "The name servers of the recipient's domain did not answer properly.",
        "Try again later; check the part after the @ if it stays so.",
    )
    LOOP = Meaning(
        SOFT,
        "The message went round in circles between servers at the recipient's side.",
        "Tell the recipient's postmaster; the address forwards to itself.",
    )
    OUT_OF_ORDER = Meaning(
        SOFT,
        "The receiving server has trouble of its own.",
        "Try again later.",
    )
    PROTOCOL = Meaning(
        SOFT,
        "The two servers did not understand each other.",
        "Try again later; tell the upstream's operator if it stays so.",
    )
    TOO_MANY_RECIPIENTS = Meaning(
        POLICY,
        "The message had more recipients than the receiving server takes at once.",
        "Send it to fewer recipients at a time.",
    )
    FORMAT_SUPPORT = Meaning(
        POLICY,
        "A server on the way cannot handle the message's format or an address beyond ASCII.",
        "Send it in plain form, or to an ASCII address.",
    )
    TEMPORARY = Meaning(
        SOFT,
        "The receiving server could not take the message for now; it does not say why.",
        "Nothing: it is tried again.",
    )
    UNKNOWN = Meaning(
        SOFT,
        "The receiving server did not take the message; it does not say clearly why.",
        "Read the reply; if it happens again, ask the recipient's postmaster.",
    )
