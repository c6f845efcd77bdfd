"""Words that say more than any enhanced code beside them; see `wording.py`."""

from __future__ import annotations

from relay.rendition.findings import Finding
from relay.rendition.wording import Wording, rows

STRONG: tuple[Wording, ...] = (
    *rows(
        Finding.UNAUTHENTICATED,
        r"""
        dmarc
        (spf|dkim) (check|validation|record|fail|did not|result|authentication)~
        sender policy framework
        openspf\.(org|net)
        unauthenticated (e-?mail|sender|message)
        not (a )?(permitted|designated|authorized) sender
        pass authentication (checks|requirements)
        does not meet the required authentication level
        sender * is not authenticated
        """,
    ),
    *rows(
        Finding.BLOCKLIST,
        r"""
        ~spamhaus
        ~spamcop
        ~dnsbl~
        ~rbl
        sorbs(\.net)?
        uceprotect~
        psbl
        abuseat
        njabl
        ordb
        mailspike
        invaluement
        ~barracuda~
        blocked using \S+\.\S+
        black ?listed
        (on|in|by) * (black|block) ?list
        s31[45]0
        part of their network is on our block list
        banned sending ip
        access denied, banned
        dynamic(ally)? (ip|assigned|address|host)~
        dial-?up
        open (relay|proxy)
        residential (ip|customers|addresses)
        hostkarma
        junkemailfilter
        ipcheck\.proofpoint\.com
        server of your isp
        """,
    ),
    *rows(
        Finding.REPUTATION,
        r"""
        ~reputation
        ~\[(ip)?tss?\d\d~
        ts0[1-4]
        not accepted (for policy reasons|from this ip)~
        user complaints
        excessive (unknown|invalid) recipients
        unusual(ly high)? rate of unsolicited~
        unsolicited mail originating~
        suspicious due to the
        \(?(rly|hvu|dyn|rtr):[a-z]\w*
        550 (sc|ou|dy)-00\d
        ofr\d{0,3}_[1-35-9]\d*(_\d+)?
        lpn\d+_\d+
        bl0000\d\d
        \[?cs0\d\]?
        blocked for (abuse|spamming)
        comcast block for spam
        your (ip|host|server|domain|address)( address)? * (been|is) (blocked|denied|banned|rejected|refused)
        (mail|access|connections?) from (ip |host )?(address )?\[?\d[\d.:a-f]*\]? * (refused|rejected|blocked|denied)
        mail from your (ip|server|host|network|domain) * (refused|rejected|blocked|not accepted)
        (ip|server|host|client) * (is|was|has been) (blocked|banned|not allowed|denied|refused)
        refused to talk to me: 5~
        poor (sender|domain)~
        network blocks?
        host network not allowed
        not allowed to connect
        bad ip
        for one or more recipients \(\S{0,80}:blocked~
        """,
    ),
    *rows(
        Finding.RATE,
        r"""
        receiving mail at a rate
        """,
    ),
    *rows(
        Finding.NO_REVERSE_NAME,
        r"""
        reverse (dns|hostname|lookup|name|ip)~
        r?dns ptr
        ptr (record|lookup|resource)~
        rdns
        client host rejected
        cannot find your (host|reverse)~
        helo (command|name|hostname|string) rejected
        (invalid|bad|forged|fake) (helo|ehlo)
        """,
    ),
    *rows(
        Finding.VIRUS,
        r"""
        ~virus(es)?
        malware
        trojan
        infected
        ~phish~
        malicious
        """,
    ),
    *rows(
        Finding.SPAM,
        r"""
        ~spam~
        mass[- ]mail~
        content reject~
        unsolicited
        u[bc]e
        bulk (e-?)?mail
        junk ?(e-?)?mail~
        (uribl|surbl|uri blocklist|url blocklist)~
        unwanted (e-?)?mail
        \d points
        score of \d~
        (mail|message|spam) score~
        bayes~
        message (content|filtered|refused by|rejected by|looks)~
        (rejected|blocked|denied|refused) (by|due to|for) * (content|filter|filters|filtering|body)
        content (rejected|blocked|filter|restriction|scan)~
        looks like * (spam|junk|advert)~
        transaction failed: * content
        messagelabs
        surfcontrol
        mail ?marshal
        prohibited by * filter
        spoofed
        high probability
        hits=~
        """,
    ),
    *rows(
        Finding.FULL,
        r"""
        (mail ?box|in-?box|mail ?drop|mail folder|account|maildir|user)('s (mail ?box|account|quota))? * full
        (over|exceed|exceeds|exceeded|exceeding|out of|reached) * quota
        quota * (exceeded|exceed|violation|full|reached|limit|exceeds)
        ~over-?quota
        (disk|mail ?box|user|storage|mail|hard) quota
        (exceed|exceeds|exceeded) * (storage|space|disk|mail ?box) (size )?(limit|allocation|allocated|allowed)
        (exceeding|over|beyond) * (storage|space|disk|mail ?box) (size )?(limit|allocation|allocated|allowed)
        (exceed|exceeds|exceeded|over) * (storage|mail ?box|disk space)
        (not enough|insufficient|no more|no) * (disk|mail ?box|storage) * (space|storage)
        mail ?box * (limit|over|exceeded|overflow)
        too many (messages|mails) (in|on) * (mail ?box|account|system|server)
        storage * exceeded
        mailfolder is full
        would (exceed|be over) * (size|quota|storage|limit)
        postfach * (voll|überfüllt|speicher)~
        speicherplatz
        bo[iî]te * pleine
        casella * piena
        buz[oó]n * lleno
        caixa * cheia
        skrzynk[ai] * (pełna|pelna|przepełniona|przepelniona)
        переполнен~
        mailbox is full
        full (mail ?box|in-?box)
        mail ?box * exceeds?
        account is full
        overdrawn
        (mail ?box|disk) space not enough
        (mail ?box|user) * exceeds allowed~
        """,
    ),
    *rows(
        Finding.TOO_LARGE,
        r"""
        too (large|big)
        (message|mail|size|attachment|file) * (exceeds?|exceeded|larger than) * (size|limit|maximum|max|\d+ ?[km]?b~)
        (message|mail|size|attachment|file) * (bigger than|over|above) * (size|limit|maximum|max|\d+ ?[km]?b~)
        (message|mail|maximum|max|attachment) size * (exceed|exceeds|exceeded|limit|violation)~
        size (limit|restriction|exceed)~
        exceeds? * (maximum|fixed|allowed|permitted|size) * (size|length|limit)
        """,
    ),
    *rows(
        Finding.DISABLED,
        r"""
        @who( \S{1,80})? (is |has been |was |currently |been |no longer |temporarily ){0,4}(an? )?@gone
        not (an? )?active (address|user|account|mailbox)
        not active
        no longer (active|available|in use|valid|on server|accepts|with|works)
        no longer (work|exists|employed|has|have|a|at|used|accepting)
        has (left|been (deleted|removed|disabled|closed))
        inactive (user|mailbox|account|recipient)
        disabled or discontinued
        tried to reach is (disabled|inactive)
        \[suspend\]
        deactivated mailbox
        over \d+ days? * inactiv~
        konto * (zablokowane|zawieszone|nieaktywne|wyłączone|wylaczone)
        mailbox disabled
        delayed until * activat~
        """,
    ),
    *rows(
        Finding.NO_DOMAIN,
        r"""
        host ?( \S{1,80} )?(unknown|not found)
        (unknown|no such|illegal|bad) (host|domain|destination (host|system|domain))~
        (domain|host) (name )?\S{0,80} ?(is |does |was )?(not exist|not found|doesn'?t exist|unknown)
        (domain|host) (name )?\S{0,80} ?(is |does |was )?(nonexistent|non-existent|not known|invalid)
        ~hostnotfound
        name or service not known
        couldn'?t find any host~
        (null|invalid|bad|no|no valid) mx
        nullmx
        no (valid |usable )?(mx|mail exchanger|mail server|mail ?exchange|hosts?) *
        nxdomain
        (domain|host)( \S{1,80})? does not accept mail
        unrouteable (mail )?domain
        (domain|host|name) * (couldn't|could not|cannot|can't) be (found|resolved)
        unable to resolve
        non-existent (domain|host)
        malformed (or unexpected )?(name server reply|dns)~
        name server: * host not found
        dns error: * (no such|not found|does not exist|nonexistent)~
        server not found
        """,
    ),
    *rows(
        Finding.AMBIGUOUS,
        r"""
        not unique
        several matches
        ambiguous
        """,
    ),
    *rows(
        Finding.NO_MAILBOX,
        r"""
        @who(\(s\)|'s)?( @who)?:?( \S{1,100})?:? (is |was |were |does |do |are )?@unknown
        @no (such )?(\w{1,12} )?(@who|id|person|subscriber|users|recipients|addresses)
        (no|unknown|invalid|nonexistent|non-existent) (such )?(\w{1,12} )?(user|recipient|mail ?box|e-?mail|mail)
        (no|unknown|invalid|nonexistent|non-existent) (such )?(\w{1,12} )?(address|account|person|alias|name)
        (illegal|bad|unrouteable) (such )?(\w{1,12} )?(user|recipient|mail ?box|e-?mail|mail)
        (unresolvable|undeliverable|unrecognized) (such )?(\w{1,12} )?(user|recipient|mail ?box|e-?mail|mail)
        (illegal|bad|unrouteable) (such )?(\w{1,12} )?(address|account|person|alias|name)
        (unresolvable|undeliverable|unrecognized) (such )?(\w{1,12} )?(address|account|person|alias|name)
        (no|unknown|invalid|nonexistent|non-existent) (such )?(\w{1,12} )?(customer|member|addressee|destination|rcpt)
        (no|unknown|invalid|nonexistent|non-existent) (such )?(\w{1,12} )?(subscriber|users)
        (no|unknown|invalid|nonexistent|non-existent) (such )?(\w{1,12} )?(recipients|addresses|recipient's)
        (illegal|bad|unrouteable) (such )?(\w{1,12} )?(customer|member|addressee|destination|rcpt)
        (unresolvable|undeliverable|unrecognized) (such )?(\w{1,12} )?(customer|member|addressee|destination|rcpt)
        (illegal|bad|unrouteable) (such )?(\w{1,12} )?(subscriber|users|recipients|addresses|recipient's)
        (unresolvable|undeliverable|unrecognized) (such )?(\w{1,12} )?(subscriber|users)
        (unresolvable|undeliverable|unrecognized) (such )?(\w{1,12} )?(recipients|addresses|recipient's)
        not a (valid|known|local) (user|mailbox|recipient|address|account|customer|e-?mail)~
        is not a (known|valid|local|registered|current|yahoo|\w+) (user|address|account|mailbox|customer|e-?mail)
        no (mail ?box|mail box|mail ?drop|user) * (here|name|host|found|available|exists?|this user)
        no (account|recipient|one|person|such) * (here|name|host|found|available|exists?|this user)
        user[ -]?unknown
        mailbox unknown
        mailbox not found
        mailbox unavailable
        (does ?n.t|do(es)? not|did not) (exist|have an?( \S+)? (account|mailbox|e-?mail))
        not (found )?(in|on) * (directory|address book|table|database|server|recipients?)
        not listed in * (directory|address book|name)
        couldn'?t be found
        could not be found
        wasn'?t found
        wasn't found at
        (cannot|can'?t) (find|locate|validate|verify|identify) * (user|recipient|mail ?box|address|account)
        (unable to|could not|couldn't) (find|locate|validate|verify|identify) * (user|recipient)
        (unable to|could not|couldn't) (find|locate|validate|verify|identify) * (mail ?box|address|account)
        not our customer
        not (one of )?our customers?
        recipient (address )?rejected(?!:? (access|grey|policy|spam|rate|domain|relay|temp|sender|blocked))
        recipient rejected
        bad_?recipient
        badrcptto
        recipnotfound
        address (rejected|unknown|error)
        not local
        nie istnieje
        existiert nicht
        (ist )?unbekannt
        n'existe pas
        utilisateur inconnu
        non esiste
        sconosciut~
        no existe
        desconocid~
        n[aã]o existe
        desconhecid~
        не существует
        неизвест~
        存在しません~
        ~不存在~
        bestaat niet
        finns inte
        neexist~
        no longer on server
        has no (mailbox|account|mail)
        (mailbox|account|address) (you|that you) (tried|entered|specified) *
        not known at this~
        no mailbox
        user doesn't have~
        not deliverable to this user
        unrouteable address
        the name was not found
        invalid final delivery user~
        not be found in the~
        adresse * (invalide|inexistante|unbekannt)
        """,
    ),
)
