"""Words that count where the enhanced code says nothing exact; see `wording.py`."""

from __future__ import annotations

from relay.rendition.findings import Finding
from relay.rendition.wording import Wording, rows

WEAK: tuple[Wording, ...] = (
    *rows(
        Finding.GREYLISTED,
        r"""
        gr[ea]y-?list~
        try again (in|after) \d+~
        (retry|try again|come back) (later|in) * (minutes|seconds)
        """,
    ),
    *rows(
        Finding.TOO_MANY_RECIPIENTS,
        r"""
        too many (recipients|rcpt|addressees)~
        max(imum)?( number of)? recipients~
        """,
    ),
    *rows(
        Finding.RATE,
        r"""
        too many (messages|connections|e-?mails|mails|concurrent|sessions|errors)
        rate[ -]?(limit|control|exceeded)~
        throttl~
        too (fast|busy|frequently)
        (exceed|exceeds|exceeded|over) * (rate|per (hour|minute|day)|sending limit|daily limit|message limit)
        max(imum)?( number of)? (connections|sessions)~
        slow down
        sending (limit|quota)
        """,
    ),
    *rows(
        Finding.RESTRICTED,
        r"""
        only accepts? (mail|messages) from
        (not|isn't|aren't) (authorized|authorised|allowed|permitted|able) to (send|post|mail) *
        (restricted|restricts|restriction) * (address|recipient|list|delivery|sender)~
        (members?|subscribers?)[ -]only
        sender (is )?not (allowed|authorized|permitted|a member)~
        not accepting (mail|messages|e-?mail)~
        (will|does) not accept (mail|messages|e-?mail|e-?mails) * (from|you)
        refus(es|ed|ing) * from (you|this|the)
        white-?list~
        recipnotauthorized~
        requires approval
        internal (use|mail|e-?mail) only
        blocked by the (recipient|user)
        sender block~
        """,
    ),
    *rows(
        Finding.BAD_SENDER,
        r"""
        sender (address )?(rejected|denied|refused|verify|verification|is invalid|unknown|blocked|domain)~
        (domain of sender|sender'?s? (address|domain))~
        (sender|return) * (not exist|not resolve|invalid|could not be verified|must (exist|resolve))~
        (envelope|mail from) * (not exist|not resolve|invalid|could not be verified|must (exist|resolve))~
        (invalid|bad|bogus|unknown) (sender|from)~
        call(out|back)~
        null sender
        """,
    ),
    *rows(
        Finding.RELAY,
        r"""
        rela[yi](ing)?(?![-.]\w)
        rcpthosts
        authentication (is )?(required|failed|failure)
        must (authenticate|log in|sign in)
        not a gateway
        not (hosted|handled|served) (here|by|on)~
        """,
    ),
    *rows(
        Finding.TLS,
        r"""
        ~starttls
        tls
        ssl
        encrypt(ed|ion)~
        certificate~
        """,
    ),
    *rows(
        Finding.LOOP,
        r"""
        (mail )?loops?( back| detected)?
        looping
        too many hops
        hop count~
        too many received~
        """,
    ),
    *rows(
        Finding.EXPIRED,
        r"""
        (message|mail|delivery|retry|queue)( time)? (has |was |is )?(been )?(expired|timed ?out|timeout|time exceeded)
        retry (timeout|time|limit) *
        (too long|been) in the queue~
        giving up
        failed \d+ attempts
        not been collected
        unable to deliver * (after|for) \d+ *
        (tried|trying|retry|attempts?|attempted|undelivered) * \d+ ?(hours?|days?|attempts)
        expired
        """,
    ),
    *rows(
        Finding.UNREACHABLE,
        r"""
        connection * (refused|timed ?out|reset|lost|dropped|failed|closed|aborted|error)
        (network|host|server|mx) (is )?(unreachable|down|not responding|unavailable)~
        no route to host
        time(d)?[- ]?out
        not (responding|reachable|answering)
        (could|can|unable|failed|cannot|couldn't|wasn't|was)( ?not)?( able)?( to)? (connect|contact|reach|establish)~
        lost connection
        all hosts have been failing~
        unreachable
        dropped connection
        """,
    ),
    *rows(
        Finding.NAME_TROUBLE,
        r"""
        (dns|name server|name service|mx|host ?name)( \S{1,60})?:? (lookup|query|resolution|server)~
        (dns|name server|name service|mx|host ?name)( \S{1,60})?:? (error|problem|failure|failed|temporary)~
        name ?server~
        (temporary|transient) (dns|name|lookup|resolution)~
        servfail
        """,
    ),
    *rows(
        Finding.FORMAT_SUPPORT,
        r"""
        smtputf8
        8bitmime
        conversion (required|error|failed)~
        does not support~
        """,
    ),
    *rows(
        Finding.CONTENT,
        r"""
        attachments?
        embedded images?
        (executable|extension|macro|file type)s?
        (header|headers|format|mime|body|subject|rfc ?\d{3,4}|syntax) * (invalid|malformed|missing|not allowed)~
        (header|headers|format|mime|body|subject|rfc ?\d{3,4}|syntax) * (compliant|violation|illegal|reject|error)~
        (illegal|invalid|bad|duplicate|missing|malformed) (header|mime|content|character|date|from|message|format)~
        (bare|bad) (lf|line)~
        no [\w-]+ (field|header)~
        content~
        """,
    ),
    *rows(
        Finding.OUT_OF_ORDER,
        r"""
        (system|server|service|disk|local|internal) * (error|problem|failure|failed|trouble)
        (system|server|service|disk|local|internal) * (full|shutdown|shutting down|unavailable|busy|exception)
        (configuration|software|database|resource|unexpected|i/o) * (error|problem|failure|failed|trouble)
        (configuration|software|database) * (full|shutdown|shutting down|unavailable|busy|exception)
        (resource|unexpected|i/o) * (full|shutdown|shutting down|unavailable|busy|exception)
        out of (memory|disk)
        (insufficient|no) (system|resources|memory|disk)~
        (cannot|can't|unable to|could not|couldn't) (create|open|write|append|access|lock)~
        (cannot|can't|unable to|could not|couldn't) (chdir|fork|deliver|execute|update|save)~
        permission denied
        temporar(y|ily) *
        try (again )?later
        deferr~
        (service|temporarily|currently) unavailable
        maintenance
        exit (code|status)~
        command (died|time|failed)~
        no message collected~
        """,
    ),
    *rows(
        Finding.NOT_PERMITTED,
        r"""
        polic(y|ies)
        prohibited
        (administrative|security|local) * (prohibition|reject|restriction|refused|blocked)~
        (not|isn't) (permitted|allowed|accepted|acceptable|authorized|authorised)
        (forbidden|unauthori[sz]ed|denied|refused|rejected|rejects|blocked|banned|declined|filtered)
        """,
    ),
)
