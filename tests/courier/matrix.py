"""Every way to fail at every step of a session, and what must become of three recipients: the table alone.

A *manner* is what an upstream may do instead of its plain answer. What it means (`Effect`) is written down once for
each manner, and what an effect at a step means for each recipient once for each step: `expected` knows nothing of
the code under test.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from tests.support.upstream import DROP, HANG, RESET, Action, Manner, Raw, Step

RECIPIENTS = ("b@example.com", "c@example.com", "d@example.com")
STEPS = ("connect", "banner", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "DOT", "QUIT")
ANSWERS = {"2": None, "4": "450 4.2.1 grey", "5": "550 5.1.1 unknown"}
"""What a recipient's own RCPT is answered."""
PLAIN = {"banner": 220, "EHLO": 250, "STARTTLS": 220, "AUTH": 235, "MAIL": 250, "RCPT": 250, "DATA": 354, "DOT": 250}
PLAIN |= {"QUIT": 221}


class Effect(Enum):
    GOOD = auto()
    """As the plain answer."""
    TRANSIENT = auto()
    PERMANENT = auto()
    CLOSING = auto()
    """421, and closed."""
    LOST = auto()
    """No session any more, and no reply."""


@dataclass(frozen=True)
class Way:
    name: str
    effect: Effect
    action: Action
    words: str = ""
    """In the reply of those whom it concerns."""
    is_slow: bool = False
    """Ends with a time-out of ours."""


def ways(step: str) -> Iterator[Way]:
    """All that an upstream may do at a step."""
    code = PLAIN[step]
    good, yes = str(code).encode(), "354" if code != 354 else "250"
    yield Way("plain", Effect.GOOD, None)
    yield Way("slow", Effect.GOOD, Manner(before=0.05))
    yield Way("octet by octet", Effect.GOOD, Manner(piece=1))
    yield Way("positive, not ASCII", Effect.GOOD, Raw(good + b" gr\xc3\xbc\xdf\xff\x00 ok\r\n"))
    yield Way("ended by LF alone", Effect.GOOD, Raw(good + b" ok\n"))
    yield Way("4yz", Effect.TRANSIENT, f"451 4.3.0 later, {step}", f"451 4.3.0 later, {step}")
    yield Way("4yz, not ASCII", Effect.TRANSIENT, Raw(b"451 4.3.0 sp\xc3\xa4ter\xff\r\n"), "451 4.3.0 später\\xff")
    yield Way("5yz", Effect.PERMANENT, f"554 5.7.1 no, {step}", f"554 5.7.1 no, {step}")
    yield Way("5yz, not ASCII", Effect.PERMANENT, Raw(b"554 5.7.1 n\xc3\xb6\xff\r\n"), "554 5.7.1 nö\\xff")
    yield Way("421", Effect.CLOSING, "421 4.3.2 going down", "421 4.3.2 going down")
    yield Way("wrong class", Effect.LOST, f"{yes} what", f"answered {yes} to")
    yield Way("drop", Effect.LOST, DROP, "closed the connection")
    yield Way("reset", Effect.LOST, RESET, "Connection reset")
    yield Way("silence", Effect.LOST, HANG, "no reply within", is_slow=True)
    yield Way("octets without end", Effect.LOST, Manner(b"2", piece=1, between=0.01, is_endless=True),
              "no reply within", is_slow=True)  # fmt: skip
    yield Way("lines without end", Effect.LOST, Manner(b"250-more\r\n", is_endless=True), "more than 256 lines")
    yield Way("not SMTP", Effect.LOST, Raw(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "not an SMTP reply line")
    yield Way("binary", Effect.LOST, Raw(bytes(range(256)) + b"\r\n"), "not an SMTP reply line")
    yield Way("no such code", Effect.LOST, Raw(b"650 ok\r\n"), "not an SMTP reply line")
    yield Way("two codes", Effect.LOST, Raw(b"250-a\r\n550 b\r\n"), "2 different codes")
    yield Way("a line of 100 kB", Effect.LOST, Raw(good + b" " + b"x" * 100_000 + b"\r\n"), "more than 8192 octets")
    yield Way("a reply of 100 kB", Effect.LOST, Raw((good + b"-" + b"x" * 1000 + b"\r\n") * 100), "more than 65536")


@dataclass(frozen=True)
class Case:
    step: str
    way: Way
    mix: str
    """For each recipient what its RCPT is answered: `245`; `!` is the one at which the way is gone."""
    is_pipelined: bool

    def __str__(self) -> str:
        return f"{self.step}, {self.way.name}, {self.mix}, {'pipelined' if self.is_pipelined else 'one by one'}"


def cases(step: str, *, is_pipelined: bool) -> list[Case]:
    """All combinations at a step. Before RCPT the recipients' answers make no difference."""
    if step == "connect":
        absent = Way("refused", Effect.LOST, None, "connection failed")
        full = Way("unanswered", Effect.LOST, None, "no connection within", is_slow=True)
        return [Case(step, way, "222", is_pipelined) for way in (absent, full)]
    if step == "RCPT":
        others = ["".join(answers) for answers in itertools.product("245", repeat=2)]
        mixes = [answers[:n] + "!" + answers[n:] for n in range(3) for answers in others]
    elif step == "QUIT":
        mixes = ["222", "245", "452", "444"]
    elif step in ("DATA", "DOT"):
        mixes = ["".join(answers) for answers in itertools.product("245", repeat=3)]
    else:
        mixes = ["222"]
    return [Case(step, way, mix, is_pipelined) for way in ways(step) for mix in mixes]


def script(case: Case) -> dict[str, Step]:
    """For the scripted upstream: the way at its step, and each recipient's answer."""
    answers = {
        f"<{address}>": case.way.action if answer == "!" else ANSWERS[answer]
        for address, answer in zip(RECIPIENTS, case.mix, strict=True)
    }
    planned: dict[str, Step] = {"RCPT": answers}
    if case.step not in ("RCPT", "connect"):
        planned[case.step] = [case.way.action] if case.step == "STARTTLS" else case.way.action
    return planned


OWN = {"4": ("deferred", "450 4.2.1 grey"), "5": ("failed", "550 5.1.1 unknown")}
SENT = ("sent", "250")


def expected(case: Case) -> Sequence[tuple[str, str]]:
    """The state of each recipient, and part of its reply."""
    if case.step == "RCPT":
        return _after_rcpt(case)
    fate = _fate(case)
    if case.step in ("DATA", "DOT", "QUIT"):
        return [OWN.get(answer, fate) for answer in case.mix]
    return [fate] * len(case.mix)


def _fate(case: Case) -> tuple[str, str]:
    """Of those whom the step concerns."""
    effect, words = case.way.effect, case.way.words
    if effect is Effect.GOOD or case.step == "QUIT":
        return SENT
    if case.step == "EHLO" and effect is Effect.PERMANENT:
        return SENT  # HELO is tried
    if effect is Effect.PERMANENT:
        # What is refused before MAIL is the session: about our configuration, not about the message.
        return ("failed", words) if case.step in ("MAIL", "DATA", "DOT") else ("deferred", words)
    if case.step == "DOT" and effect is Effect.LOST:
        return ("unconfirmed", words)
    return ("deferred", words)


def _after_rcpt(case: Case) -> Sequence[tuple[str, str]]:
    at, way = case.mix.index("!"), case.way
    if way.effect in (Effect.CLOSING, Effect.LOST):
        # Who had been refused before stays refused; of the others nothing is known, and no content was sent.
        lost = ("deferred", way.words)
        return [OWN.get(answer, lost) if n < at else lost for n, answer in enumerate(case.mix)]
    here = {
        Effect.GOOD: SENT,
        Effect.TRANSIENT: ("deferred", way.words),
        Effect.PERMANENT: ("failed", way.words),
    }[way.effect]
    return [here if answer == "!" else OWN.get(answer, SENT) for answer in case.mix]
