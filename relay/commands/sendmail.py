"""`mailwitness sendmail`: stands in for /usr/sbin/sendmail, for cron, PHP's mail() and everything that pipes mail.

Exits 0 only after the server has answered 250, that is: after the message is durably kept. Otherwise with a code of
sysexits.h and one line on standard error, and nothing was sent. Options that mean nothing here are accepted and
ignored. Starts without the libraries of the other commands.
"""

from __future__ import annotations

import os
import re
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from relay.commands import draft as drafts
from relay.commands.submission import NoListener, NotTaken, Place, Submission, pipe, place, submit

EX_USAGE = 64
EX_DATAERR = 65
EX_NOUSER = 67
EX_UNAVAILABLE = 69
EX_TEMPFAIL = 75
EX_NOPERM = 77
EX_CONFIG = 78

USAGE = (
    "sendmail [-t] [-i] [-f SENDER] [-F NAME] [-bm | -bs] [-N notify] [-R ret] [-V envid] [-C FILE] [--] RECIPIENT…\n"
)

_WITH_VALUE = frozenset("ABCFLNORVXfhopr")
"""Options that take a value, attached or as the next argument (-o only attached)."""


class WrongUsage(Exception):
    """The arguments cannot be understood: exit code 64."""


@dataclass(slots=True)
class Wish:
    """What the arguments ask for."""

    mode: str = "m"
    """`m` deliver a message, `s` SMTP on standard input and output, `p` list the queue, `i` rebuild aliases."""
    recipients: list[str] = field(default_factory=list)
    from_header: bool = False
    dot_ends: bool = True
    sender: str | None = None
    name: str = ""
    config: Path | None = None
    notify: str = ""
    ret: str = ""
    envid: str = ""


def read_arguments(arguments: Sequence[str]) -> Wish:
    """What sendmail's arguments mean: `-t -i -fann@example.com -F "Ann" -oi -bs -- bob@example.com`.

    Raises WrongUsage.
    """
    wish = Wish()
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if argument == "--":
            wish.recipients += rest
            break
        if argument == "--config" and rest:
            wish.config = Path(rest.pop(0))
        elif argument.startswith("-") and argument != "-":
            _read_option(wish, argument[1:], rest)
        else:
            wish.recipients.append(argument)
    return wish


def _read_option(wish: Wish, text: str, rest: list[str]) -> None:
    """One argument; letters without value may stand together (`-ti`), one with value takes what follows it."""
    letter, attached = text[0], text[1:]
    if letter == "c":
        letter = "C"
    if letter in _WITH_VALUE:
        if not attached and letter != "o":
            if not rest:
                raise WrongUsage(f"-{letter} needs a value")
            attached = rest.pop(0)
        _set(wish, letter, attached)
    elif letter == "b":
        if attached not in ("m", "s", "p", "i"):
            raise WrongUsage(f"-b{attached} is not supported, expected -bm, -bs, -bp or -bi")
        wish.mode = attached
    elif letter in "qd":
        wish.mode = "q" if letter == "q" else wish.mode
    elif letter in "itnvmGUsxe":
        _set(wish, letter, "")
        if attached and letter != "e":
            _read_option(wish, attached, rest)
    else:
        raise WrongUsage(f"-{letter} is not an option of sendmail")


def _set(wish: Wish, letter: str, value: str) -> None:
    if letter == "t":
        wish.from_header = True
    elif (letter, value.lower()) in (("i", ""), ("o", "i"), ("O", "ignoredots=true")):
        wish.dot_ends = False
    elif letter in "fr":
        wish.sender = value.removeprefix("<").removesuffix(">")
    elif letter == "F":
        wish.name = value
    elif letter == "C":
        wish.config = Path(value)
    elif letter == "N":
        wish.notify = _checked(r"never|(success|failure|delay)(,(success|failure|delay))*", letter, value).upper()
    elif letter == "R":
        wish.ret = _checked(r"full|hdrs", letter, value).upper()
    elif letter == "V":
        wish.envid = _checked(r"[\x21-\x2a\x2c-\x3c\x3e-\x7e]{1,100}", letter, value)


def _checked(pattern: str, letter: str, value: str) -> str:
    if re.fullmatch(pattern, value, re.IGNORECASE) is None:
        raise WrongUsage(f"-{letter} {value!r} is not understood")
    return value


def main(arguments: Sequence[str]) -> int:
    """The exit code, after what the arguments ask for has been done."""
    if list(arguments) == ["--help"]:
        sys.stdout.write(f"{__doc__}\n{USAGE}")
        return 0
    try:
        wish = read_arguments(arguments)
        return _do(wish)
    except WrongUsage as error:
        return _end(EX_USAGE, str(error))
    except NoListener as error:
        return _end(EX_CONFIG, str(error))
    except drafts.NotAddresses as error:
        return _end(EX_DATAERR, str(error))
    except NotTaken as error:
        return _end(_code_of(error), str(error))
    except BrokenPipeError:
        return EX_TEMPFAIL


def _do(wish: Wish) -> int:
    if wish.mode in ("q", "i"):
        return 0  # The server's queue runs by itself, and there are no aliases.
    if wish.mode == "p":
        sys.stdout.write("The queue is shown by the viewer and by `mailwitness search status:queued`.\n")
        return 0
    try:
        where = place(wish.config, os.environ)
    except (OSError, ValueError, AttributeError, TypeError, IndexError) as error:
        return _end(EX_CONFIG, f"{wish.config or 'config.toml'}: {error}")
    try:
        if wish.mode == "s":
            pipe(where, sys.stdin.fileno(), sys.stdout.fileno())
        else:
            submit(where, _submission(wish, sys.stdin.buffer.read()))
    except OSError as error:
        return _end(EX_TEMPFAIL, f"{_shown(where)}: {error.strerror or error}")
    return 0


def _submission(wish: Wish, piped: bytes) -> Submission:
    message = drafts.read_draft(piped, dot_ends=wish.dot_ends)
    recipients = tuple(wish.recipients)
    if wish.from_header:
        recipients = tuple(dict.fromkeys((*recipients, *drafts.recipients(message))))
        message = drafts.without_bcc(message)
    if not recipients:
        raise WrongUsage("no recipients" + (" in To, Cc or Bcc" if wish.from_header else ", expected them or -t"))
    address = _own_address()
    sender = address if wish.sender is None else wish.sender
    message = drafts.completed(
        message, sender=sender or address, name=wish.name, now=time.time(), message_id=_new_message_id(address)
    )
    return Submission(sender, recipients, message.octets, wish.notify, wish.ret, wish.envid)


def _own_address() -> str:
    """`user@host`: who runs us, where. What is not fit for an address is left out."""
    import pwd

    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = f"uid{os.getuid()}"
    host = re.sub(r"[^A-Za-z0-9.-]", "", socket.gethostname()).strip(".-") or "localhost"
    return f"{re.sub(r'[^A-Za-z0-9._-]', '', user).strip('.') or 'unknown'}@{host}"


def _new_message_id(address: str) -> str:
    import secrets

    return f"{secrets.token_hex(16)}@{address.rpartition('@')[2]}"


def _code_of(error: NotTaken) -> int:
    if error.code < 500:
        return EX_TEMPFAIL
    if error.recipient is not None:
        return EX_NOUSER
    return {530: EX_NOPERM, 535: EX_NOPERM, 550: EX_NOPERM, 552: EX_DATAERR, 553: EX_DATAERR}.get(
        error.code, EX_UNAVAILABLE
    )


def _shown(where: Place) -> str:
    return where.path or f"{where.host}:{where.port}"


def _end(code: int, line: str) -> int:
    sys.stderr.write(f"sendmail: {' '.join(line.split())}\n")
    return code
