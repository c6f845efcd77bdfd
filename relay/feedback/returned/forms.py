"""The sentences by which mail systems that send no delivery status say that mail did not arrive.

    qmail    I'm afraid I wasn't able to deliver your message to the following addresses. …
             <jo@example.com>:
             Sorry, no mailbox here by that name. (#5.1.1)

One table of such openings; what follows one, up to the copy of the original, is looked through for addresses. To add
one: the words, by what software, and a test line in `tests/feedback/returned/openings.tsv`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from relay.feedback.returned.values import Action

F, D, K = Action.FAILED, Action.DELAYED, Action.DELIVERED


@dataclass(frozen=True, slots=True)
class Opening:
    software: str
    words: str
    action: Action
    pattern: re.Pattern[str]


def _openings(*table: tuple[str, Action, str]) -> tuple[Opening, ...]:
    return tuple(Opening(name, words, action, _compiled(words)) for name, action, words in table)


def _compiled(words: str) -> re.Pattern[str]:
    """Any white space and quote marks between words; ` … ` for up to 80 characters."""
    parts = (r"[\s>|*]{1,40}".join(part.split()) for part in words.split("…"))
    return re.compile(r"(?is)(?<!\w)" + r".{0,80}?".join(parts))


OPENINGS = _openings(
    # What is only a warning comes first: it often goes on in the words of a failure.
    ("sendmail", D, r"this is a warning message only"),
    ("generic", D, r"(?:message|mail|delivery) … has (?:not yet been|been) delayed"),
    ("generic", D, r"has not (?:yet )?been delivered … after"),
    ("generic", D, r"has not yet been delivered"),
    ("exim", D, r"message … has not (?:yet )?been delivered to (?:one or more|all)"),
    ("exim", D, r"the addresse?s?s? to which (?:it|the message) has not yet been delivered"),
    ("generic", D, r"addresses? (?:had|with) (?:delivery delays|delayed|transient (?:non-fatal|errors))"),
    ("sendmail", D, r"had transient non-fatal errors"),
    (
        "generic",
        D,
        r"(?:will (?:continue|keep)|still|is) (?:to (?:try|attempt)|trying|attempting|being (?:tried|retried))",
    ),
    ("generic", D, r"delivery (?:attempts )?to the following recipients?(?: has| have)? been delayed"),
    ("generic", D, r"could not be delivered for \d+(?:\.\d+)? hours"),
    ("generic", D, r"(?:you do not need to|please do not|do not) resend"),
    ("generic", D, r"delivery attempts will continue"),
    ("generic", D, r"it will be (?:retried|deleted from the queue)"),
    ("generic", D, r"will be retried (?:for|until)"),
    ("generic", D, r"delivery is delayed to these recipients"),
    ("generic", D, r"(?:warning|warnung): (?:message|could not send)"),
    # -- qmail and its relatives -------------------------------------------------------------------------------------
    ("qmail", F, r"(?:wasn't|was not|unable) (?:able )?to deliver your message to the following addresse?s?"),
    ("qmail", F, r"this is (?:the|an?) … qmail … program"),
    ("qmail", F, r"unable to deliver (?:your )?message to the following addresse?s?"),
    ("yahoo", F, r"sorry, we were unable to deliver your message to the following address"),
    ("qmail", F, r"i tried to deliver a bounce message to this address, but the bounce bounced"),
    # -- Postfix -----------------------------------------------------------------------------------------------------
    ("postfix", F, r"could not be delivered to one or more (?:of its )?recipients"),
    ("postfix", F, r"(?:i'm|i am) sorry to have to inform you"),
    # -- Exim --------------------------------------------------------------------------------------------------------
    ("exim", F, r"the following address\S{0,6} failed"),
    ("exim", F, r"(?:could|cannot) not? be delivered to (?:one or more|all) of its recipients"),
    ("exim", F, r"the following address … (?:could|can)(?:not| not) be delivered"),
    # -- sendmail ----------------------------------------------------------------------------------------------------
    ("sendmail", F, r"the following addresses had (?:permanent )?(?:fatal |delivery )?(?:errors|problems)"),
    ("sendmail", F, r"the following addresses had"),
    ("sendmail", F, r"the following addresses have delivery"),
    ("sendmail", F, r"unable to deliver mail to (?:the )?(?:following|some or all)"),
    ("sendmail", F, r"-{2,} transcript of session follows"),
    ("sendmail", F, r"-{2,} unsent message"),
    # -- Exchange, Outlook ----------------------------------------------------------------------------------------
    ("exchange", F, r"did not reach the following recipient(?:\(s\)|s)?"),
    (
        "exchange",
        F,
        r"(?:delivery|message) (?:has )?failed (?:to|for) (?:these|the following) (?:recipient|address|"
        r"distribution)\S{0,20}(?: or (?:distribution lists|groups))?",
    ),
    ("exchange", F, r"delivery to the following recipients? (?:has )?(?:failed|could not|was)"),
    ("exchange", F, r"the following recipients? (?:cannot|could not|can not) be reached"),
    ("outlook", F, r"your message (?:to|couldn't be delivered to|wasn't delivered to)"),
    ("exchange", F, r"undeliverable to"),
    ("exchange", F, r"was undeliverable to the following"),
    ("exchange", F, r"(?:could not|couldn't|cannot|can't|did not) be delivered to (?:these|the following|all)"),
    # -- Gmail ----------------------------------------------------------------------------------------------------
    ("gmail", F, r"delivery to the following recipients? failed permanently"),
    ("gmail", F, r"your message (?:wasn't|was not) delivered to"),
    ("gmail", F, r"there was a (?:temporary )?problem delivering your message to"),
    # -- AOL, CompuServe, others that provide mailboxes --------------------------------------------------------------
    ("aol", F, r"your mail to the following recipients? could not be delivered"),
    ("sina", F, r"the following messages? (?:can ?not|could not) be delivered"),
    ("netscape", F, r"this message was undeliverable due to the following reason"),
    ("netscape", F, r"message could not be delivered to the following"),
    (
        "smtp32",
        F,
        r"(?:user mailbox exceeds allowed size|delivery failed … attempts|invalid final delivery user|"
        r"unknown user|undeliverable to|unknown host)\s?:",
    ),
    ("groupwise", F, r"the message that you sent was undeliverable to the following"),
    ("domino", F, r"was not delivered to"),
    ("domino", F, r"failed to deliver to"),
    ("x400", F, r"(?:non-?delivery|distribution) (?:report|list) … (?:about|for|to)"),
    ("mdaemon", F, r"the following data may be used to determine"),
    ("mdaemon", F, r"the (?:attached|following) message (?:was|has been|had)(?: been)? undeliver(?:able|ed)"),
    ("mdaemon", F, r"(?:the )?(?:attached message|message) … permanent … delivery errors"),
    ("mailenable", F, r"message could not be delivered to (?:some|the following|one or more)"),
    ("courier", F, r"undelivered mail"),
    ("courier", F, r"unable to deliver (?:your )?(?:message|mail) to"),
    ("interscan", F, r"sent … to … (?:could not|cannot|failed)"),
    ("yale", F, r"message not delivered to the following"),
    ("llnl", F, r"the following address … (?:is|are|does|was) … (?:invalid|known|not|unknown)"),
    # -- words that many use --------------------------------------------------------------------------------------
    ("generic", F, r"(?:could|can|was|has|were|is|are)(?:n't| ?not) (?:been |be )?(?:delivered|sent|send|deliver) to"),
    ("generic", F, r"(?:could|can|was|has|were|is|are)(?:n't| ?not) (?:been |be )?(?:delivered|sent)"),
    (
        "generic",
        F,
        r"(?:following|these) (?:recipient|addresse?|user|address\(es\)|name)s?\S{0,5} … (?:fail|reject|"
        r"invalid|error|unknown|unable|undeliver|not)",
    ),
    (
        "generic",
        F,
        r"(?:deliver|delivering|delivery of|sending) (?:the |your |a |this )?(?:message|mail|"
        r"e-?mail) … (?:failed|to the following|could not|not possible)",
    ),
    (
        "generic",
        F,
        r"(?:message|mail|e-?mail) … (?:was|is|has been) (?:undeliverable|undelivered|rejected|refused|"
        r"returned|not delivered|bounced)",
    ),
    ("generic", F, r"(?:delivery|delivering) … (?:failed|failure|unsuccessful|not possible|errors?)"),
    ("generic", F, r"undeliverable (?:mail|message|address)"),
    ("generic", F, r"(?:unknown|no such|invalid|nonexistent) (?:local )?(?:user|recipient|address|mailbox|account)"),
    (
        "generic",
        F,
        r"the (?:user|recipient|address|mailbox|account|following)(?:\(s\)|s)? … (?:unknown|not found|"
        r"does not exist|invalid|failed|full|over)",
    ),
    ("generic", F, r"(?:failed|failing|faulty|bad|rejected|problem) (?:recipient|address|delivery)\S{0,5}"),
    ("generic", F, r"returned (?:to you|mail|message|to sender)"),
    ("dovecot", F, r"your message to … was automatically rejected"),
    ("generic", F, r"reason for (?:failure|return|rejection|non-?delivery)"),
    # -- other languages ------------------------------------------------------------------------------------------
    ("german", F, r"(?:konnte|kann) nicht (?:zugestellt|ausgeliefert|übermittelt|gesendet)"),
    ("german", F, r"unzustellbar"),
    ("french", F, r"n'a (?:pas )?(?:pu|été) (?:être |pas )?(?:délivré|remis|distribué|livré|transmis)"),
    ("spanish", F, r"no (?:se )?(?:ha |pudo |puede )?(?:podido |sido |se )?(?:entregar|entregado|enviar|enviado)"),
    ("portuguese", F, r"n[ãa]o (?:pôde|pode|foi) (?:ser )?(?:entregue|enviad)"),
    ("italian", F, r"(?:non (?:è stato|e' stato|ha potuto|può) … (?:consegnat|recapitat|inviat))"),
    ("polish", F, r"nie (?:mo[żz]e|mog[łl]a|zosta[łl]a?) … dor[ęe]czon"),
    ("russian", F, r"(?:не (?:может|могло|было|удалось) … (?:доставлен|отправлен))"),
    ("japanese", F, r"(?:配信|送信|配送)(?:でき|に失敗|不能|エラー)"),
    ("chinese", F, r"(?:退信|无法(?:投递|发送|送达)|無法(?:投遞|傳送))"),
)

WHERE_THE_COPY_BEGINS = re.compile(
    r"(?im)^[ \t>|]*(?:"
    r"[-=*_+#]{2,}[ \t]*(?:(?:this|below|here|enclosed|the|your|included|begin|start|beginning|copy|message header|"
    r"headers?|original|unsent|returned|undelivered|message (?:follows|text|headers?)|forwarded|text of|body of|"
    r"your (?:original )?message)\b[^\n]{0,120})"
    r"|(?:below this line is a copy|this is a copy of|the (?:original|first \d+ lines of the|headers? of the|message) "
    r"(?:message|headers?|that|was|text|follows)[^\n]{0,80}:?|original (?:message|headers?|text)(?: follows|"
    r" details| headers?)?[ \t]*[:.]?$|"
    r"your (?:original )?message (?:follows|reads|begins)|message (?:header|text|headers) follows?|message from:?$|"
    r"-{0,9} ?included is a copy|returned (?:message|mail) (?:follows|below)|unsent message (?:follows|below)|"
    r"header of (?:the )?(?:original|message)|text of (?:the )?(?:original|message)|"
    r"attached (?:is|you will find) (?:a copy of )?(?:the|your) (?:original )?message)"
    r"|(?:received|return-path|x-envelope-from): [^\n]"
    r"|from \S+@\S+ +(?:mon|tue|wed|thu|fri|sat|sun) "
    r"|(?:message-id|mime-version|x-mailer): [^\n])"
)
"""The line where the text ends and the copy of the original begins."""

DAEMON = re.compile(
    r"(?i)\b(?:mailer-?daemon|mail-?daemon|post_?master|mdaemon|mail ?delivery|mail ?deliverer|mailsystem|mail-?system|"
    r"mailerdaemon|mailer|delivery-?(?:sub)?system|maildelivery|bounce|mail administrator|mailadm|mta-?admin|"
    r"system administrator|mail-?router|microsoftexchange\w*|microsoft outlook|administrator|mail subsystem|"
    r"autoresponder-bounce|mailer_daemon|mailmaster|mmdf|smtp|pp-?manager|sysadm|virusalert|mail-gateway)\b"
)
SUBJECT = re.compile(
    r"(?i)undeliver|undelivrable|return(?:ed|ing) (?:mail|message|to sender|e-?mail)|(?:delivery|mail|message|e-?mail)"
    r"[- :]{1,3}(?:\w+ )?(?:status|fail|delay|error|problem|not|report|system|unsuccess|undeliver|bounce|"
    r"reject|warning|"
    r"notification)|non-?(?:delivery|remise|recapito)|failure (?:notice|delivery)|failed (?:mail|delivery|to deliver)|"
    r"unable to deliver|could not (?:be )?(?:deliver|send)|couldn't (?:be )?(?:deliver|send)|not (?:be )?delivered|"
    r"nondeliverable|rejected|bounced?|mail (?:could|couldn)|user unknown|unknown user|message you sent|"
    r"warning: (?:could|message)|unzustellbar|nicht zustellbar|zustellung|fehlgeschlagen|non remis|échec de la remise|"
    r"no se (?:ha )?(?:pu|entreg)|devuelto|não entregue|devolvida|mancato recapito|mail devolvida|nie dostarczon|"
    r"niedor[ęe]cz|недостав|не доставлен|配信|不達|退信|エラーメール|メールエラー|配送不能|"
    r"^(?:returned|error|bounce|undelivered|postmaster|notification|failure|warning|delivery)\b|problem delivering|"
    r"(?:invalid|bad) (?:address|recipient|user)|mail (?:system )?error|quota|over ?quota|"
    r"address.{0,20}(?:changed|closed)"
)
