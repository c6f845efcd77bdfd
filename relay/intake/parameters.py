"""The ESMTP parameters of MAIL and RCPT: SIZE, BODY, SMTPUTF8, AUTH, RET, ENVID; NOTIFY, ORCPT.

Values are kept as written, case included: they are passed on. Does not judge them (a size too large, a policy).
RFC 5321 section 4.1.2, RFC 1870, RFC 6152, RFC 6531, RFC 4954 section 5, RFC 3461.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from relay.model.reply import Reply

ENVID_LIMIT = 100
"""Characters (RFC 3461 section 4.4)."""
ORCPT_LIMIT = 500
"""Characters (RFC 3461 section 4.2)."""

_PARAMETER = re.compile(rb"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([\x21-\x3c\x3e-\x7e\x80-\xff]+))?")
_XTEXT = re.compile(r"(?:[\x21-\x2a\x2c-\x3c\x3e-\x7e]|\+[0-9A-F]{2})*")
_ORCPT = re.compile(r"[A-Za-z0-9-]+;(?:[\x21-\x2a\x2c-\x3c\x3e-\x7e\x80-\U0010ffff]|\+[0-9A-F]{2})+")
_NOTIFY = re.compile(r"NEVER|(?:SUCCESS|FAILURE|DELAY)(?:,(?:SUCCESS|FAILURE|DELAY))*", re.IGNORECASE)


class ParameterError(ValueError):
    """A parameter that is malformed (501) or unknown (555); `reply` is what the client is told."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


@dataclass(frozen=True, slots=True)
class MailParameters:
    """Parameters of MAIL as given; `size` in octets as declared."""

    size: int | None = None
    body: str | None = None
    smtputf8: bool = False
    auth: str | None = None
    ret: str | None = None
    envid: str | None = None


@dataclass(frozen=True, slots=True)
class RcptParameters:
    """Parameters of RCPT as given."""

    notify: str | None = None
    orcpt: str | None = None


_NO_MAIL_PARAMETERS = MailParameters()
_NO_RCPT_PARAMETERS = RcptParameters()


def parse_mail_parameters(octets: bytes) -> MailParameters:
    """The parameters in `octets`, such as `SIZE=1000 BODY=8BITMIME`. Raises ParameterError."""
    if not octets:
        return _NO_MAIL_PARAMETERS
    given = _split(octets)
    size = _take(given, "SIZE", re.compile(r"[0-9]{1,20}"))
    body = _take(given, "BODY", re.compile(r"7BIT|8BITMIME", re.IGNORECASE))
    smtputf8 = "SMTPUTF8" in given
    if given.pop("SMTPUTF8", None) is not None:
        raise _malformed("SMTPUTF8 takes no value")
    auth = _take(given, "AUTH", _XTEXT)
    ret = _take(given, "RET", re.compile(r"FULL|HDRS", re.IGNORECASE))
    envid = _take(given, "ENVID", _XTEXT, ENVID_LIMIT)
    _refuse_rest(given)
    return MailParameters(int(size) if size else None, body and body.upper(), smtputf8, auth, ret, envid)


def parse_rcpt_parameters(octets: bytes) -> RcptParameters:
    """The parameters in `octets`, such as `NOTIFY=NEVER ORCPT=rfc822;a@b`. Raises ParameterError."""
    if not octets:
        return _NO_RCPT_PARAMETERS
    given = _split(octets)
    notify = _take(given, "NOTIFY", _NOTIFY)
    orcpt = _take(given, "ORCPT", _ORCPT, ORCPT_LIMIT)
    _refuse_rest(given)
    return RcptParameters(notify, orcpt)


def _split(octets: bytes) -> dict[str, str | None]:
    given: dict[str, str | None] = {}
    for word in octets.split():
        match = _PARAMETER.fullmatch(word)
        if match is None:
            raise _malformed("a parameter is KEYWORD or KEYWORD=value")
        keyword = match[1].decode("ascii").upper()
        if keyword in given:
            raise _malformed(f"{keyword} is given twice")
        try:
            given[keyword] = None if match[2] is None else match[2].decode("utf-8")
        except UnicodeDecodeError:
            raise _malformed(f"the value of {keyword} is not UTF-8") from None
    return given


def _take(given: dict[str, str | None], keyword: str, form: re.Pattern[str], limit: int = 1000) -> str | None:
    """Removes `keyword` and returns its value, None if not given. Raises ParameterError if it has another form."""
    if keyword not in given:
        return None
    value = given.pop(keyword)
    if value is None or len(value) > limit or form.fullmatch(value) is None:
        raise _malformed(f"{keyword} has no value that it may have")
    return value


def _refuse_rest(given: dict[str, str | None]) -> None:
    if given:
        raise ParameterError(Reply(555, f"parameter {next(iter(given))} is not known", "5.5.4"))


def _malformed(text: str) -> ParameterError:
    return ParameterError(Reply(501, text, "5.5.4"))
