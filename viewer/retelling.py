"""What relay/ noted in English, told in the reader's language.

Findings, opinions and the faults of a search are kept or raised as English text, so that the archive, the logs and the
API say the same to everybody. Each has its sentence here, for gettext; a test goes through all that relay/ can say. A
text that has none is shown as it is.
"""

from __future__ import annotations

import re

from viewer.translation import Saying, say

FINDINGS = (
    say("The provider did not try to deliver it."),
    say("Look at the provider's own list."),
    say("There is no such mailbox at the recipient's domain."),
    say("Check the address for a typing error; do not send to it again."),
    say("The mailbox exists no more or is switched off."),
    say("Ask the recipient for another address; do not send to this one again."),
    say("The recipient has moved to another address."),
    say("Use the new address, if the reply names one."),
    say("The recipient's domain does not exist or takes no mail."),
    say("Check the part after the @ for a typing error; do not send to it again."),
    say("The receiving server cannot read the address."),
    say("Check the address: it may have a character too many, or be cut."),
    say("The address fits several mailboxes there."),
    say("Ask the recipient for the exact address."),
    say("The recipient's mailbox is full."),
    say("Try again in some days, or reach the recipient in another way."),
    say("The message is larger than the recipient's server takes."),
    say("Send it without its attachments, or a link to them."),
    say("This recipient takes mail from certain senders only."),
    say("Ask the recipient to allow your address."),
    say("The receiving server does not take something in the message: a kind of attachment, a header or the format."),
    say("Look at the reply for what it was, and send the message without it."),
    say("The receiving server found what it takes for a virus in the message."),
    say("Check the attachments and links before anything is sent again."),
    say("The receiving server takes the message for spam."),
    say("Look at the message's content, links and list of recipients; sending it again unchanged makes it worse."),
    say("The sending server's address is on a block list."),
    say("Find out by the name of the list in the reply why, have it removed, or send through another upstream."),
    say("The receiver refuses the sending server or domain for its reputation."),
    say("See the receiver's page for senders that the reply names; send less, and only to people who asked for it."),
    say("The receiver gets more mail from here than it wants to take now."),
    say("Send more slowly to this receiver; it is tried again."),
    say("The receiver asks every unknown sender to try again after some minutes."),
    say("Nothing: it is tried again."),
    say("The receiver asks for proof that the sender's domain allows this server: SPF, DKIM or DMARC failed."),
    say("Check the DNS records of the sender's domain (SPF, DKIM, DMARC)."),
    say("The sending server's address has no proper name in DNS (PTR record, HELO name)."),
    say("Have the PTR record and the HELO name of the sending server put right."),
    say("The receiver does not accept the sender's address."),
    say("Check that the sender's address and domain exist and can receive mail."),
    say("The server says that it is not responsible for the recipient's domain, or that you must sign in there."),
    say("Check the recipient's domain, and the upstream's user name and password."),
    say("The receiver takes mail over an encrypted connection only, or encryption could not be agreed."),
    say("Check the upstream's TLS settings."),
    say("A rule of the receiver forbids the delivery."),
    say("Look at the reply for the rule; ask the receiver's postmaster if it does not say."),
    say("The recipient's server could not be reached."),
    say("Try again later; check the part after the @ if it stays so."),
    say("The recipient's server did not take the message within the time it was tried."),
    say("Send it again later, or reach the recipient in another way."),
    say("The name servers of the recipient's domain did not answer properly."),
    say("The message went round in circles between servers at the recipient's side."),
    say("Tell the recipient's postmaster; the address forwards to itself."),
    say("The receiving server has trouble of its own."),
    say("Try again later."),
    say("The two servers did not understand each other."),
    say("Try again later; tell the upstream's operator if it stays so."),
    say("The message had more recipients than the receiving server takes at once."),
    say("Send it to fewer recipients at a time."),
    say("A server on the way cannot handle the message's format or an address beyond ASCII."),
    say("Send it in plain form, or to an ASCII address."),
    say("The receiving server could not take the message for now; it does not say why."),
    say("The receiving server did not take the message; it does not say clearly why."),
    say("Read the reply; if it happens again, ask the recipient's postmaster."),
)
"""What is wrong when mail is refused or comes back, and what to do about it: `relay/rendition/findings.py`."""
OPINIONS = (
    say("nothing speaks against a person"),
    say("asked by POST, as only a person's mail program or our page does (RFC 8058)"),
    say("followed a link that no person can see"),
    say("asked by HEAD whether it is there, which shows nothing to anyone"),
    say("fetched in advance, by its own word (%(name)s)"),
    say("%(name)s fetched it for the recipient"),
    say("fetched from %(name)s's network, for the recipient"),
    say("fetched from %(name)s's network"),
    say("fetched by %(name)s"),
    say("a program that follows links"),
    say("a bare Mozilla/5.0, as Apple Mail Privacy Protection fetches, often unopened"),
    say("says not what it is, as every browser does"),
    say("at the same time a link was followed that no person can see"),
    say("%(many)s or more links were followed within %(n)s seconds"),
    say("every link was followed within %(n)s seconds"),
    say("within %(n)s seconds of sending"),
)
"""Who fetched, as far as can be told: `relay/feedback/classify.py`."""
LEFT_ALONE = (
    say("no HTML in it"),
    say("left alone: %(why)s"),
    say("1 link left alone: %(why)s"),
    say("%(n)s links left alone: %(why)s"),
    say("part %(number)s left alone: %(why)s"),
    say("part %(number)s without pixel: its HTML ends within a %(what)s"),
    say("it is already signed (%(name)s)"),
    say("marked as not to be tracked"),
    say("to unsubscribe"),
    say("to an excluded domain"),
    say("tracked already"),
    say("its end in the text cannot be told"),
    say("it may go on in the next line"),
    say("its base64 is broken"),
    say("its quoted-printable is broken"),
    say("it has a checksum (Content-MD5)"),
    say("its charset (%(name)s) is not one that can be edited"),
    say("it is empty"),
    say("its octets are not of its charset"),
    say("its transfer encoding (%(name)s) is not known"),
    say("it is another message, attached"),
    say("it is signed (S/MIME or PGP)"),
    say("it is signed (PGP)"),
    say("it is encrypted (PGP)"),
    say("it is signed or encrypted (S/MIME)"),
    say("it is a calendar invitation"),
    say("it is a report on another message"),
    say("it is a piece of a message"),
    say("its MIME structure is defective: %(why)s"),
    say("it is signed or encrypted (PGP)"),
)
"""What tracking did not touch: `relay/rendition/tracking.py`."""
FAULTS = (
    say("longer than %(n)s characters"),
    say("a closing parenthesis without an opening one"),
    say("there is no field %(field)s (known are %(known)s); quote it to search for it as text"),
    say("a quotation mark without its partner"),
    say("%(field)s: needs a value"),
    say("a search term is missing at the end"),
    say("a search term is missing before %(what)s"),
    say("nested more than %(n)s deep"),
    say("more than %(n)s terms"),
    say("a parenthesis is not closed"),
    say("%(field)s: takes one of %(known)s"),
    say("header: takes NAME=value, such as header:X-Mailer=Acme"),
    say("%(field)s: takes a size in octets, such as 2000, 10K or 5M"),
    say(
        "%(field)s: takes a date such as 2026-05-31, 2026-05, 2026 or 2026-05-31T14:30,"
        " or an age such as 7d, 12h or 30m"
    ),
    say("%(field)s: takes a date such as 2026-05-31, 2026-05, 2026 or 2026-05-31T14:30"),
)
"""What is wrong with a search: `relay/archive/query.py`."""

_ALL = (*FINDINGS, *OPINIONS, *LEFT_ALONE, *FAULTS)
_WHOLE = {one.words.replace("%%", "%"): one for one in _ALL if "%(" not in one.words}
_VALUE = re.compile(r"%\\\((\w+)\\\)s")
_PARTLY = tuple(
    (re.compile(_VALUE.sub(r"(?P<\1>.{1,300})", re.escape(one.words))), one.words) for one in _ALL if "%(" in one.words
)
"""Sentences with values; none is tried on a text much longer than they are."""
LIMIT = 600


def retold(text: str) -> str:
    """`text` as a saying where it is one of these; values are told again as well."""
    if isinstance(text, Saying) or len(text) > LIMIT:
        return text
    if text in _WHOLE:
        return _WHOLE[text]
    for pattern, words in _PARTLY:
        if (found := pattern.fullmatch(text)) is not None:
            return Saying(words, "", 1, {name: retold(value) for name, value in found.groupdict().items()})
    return text
