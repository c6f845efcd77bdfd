"""The way a command submits a message: SMTP to a listener of ours, and where that listener is.

Reads `[smtp]` alone and leaves every other table unread and unchecked: sendmail starts for each mail and runs as any
user, who need not be able to read the server's secrets. The server checks its own configuration.
"""

from __future__ import annotations

import smtplib
import socket
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 1025
TIME_LIMIT = 300.0
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}


class NoListener(Exception):
    """The configuration names no listener that takes mail without TLS and password: exit code 78."""


class NotTaken(Exception):
    """The server did not take the message; nothing was sent. `code` is its reply's, or 0 without one."""

    def __init__(self, code: int, text: str, *, recipient: str | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.recipient = recipient


@dataclass(frozen=True, slots=True)
class Place:
    """Where to submit: a host and port, or a UNIX socket."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    path: str | None = None
    """Of the UNIX socket."""

    def connect(self) -> socket.socket:
        """A connected socket. Raises OSError."""
        if self.path is None:
            return socket.create_connection((self.host, self.port), TIME_LIMIT)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(TIME_LIMIT)
        connection.connect(self.path)
        return connection


@dataclass(frozen=True, slots=True)
class Submission:
    """An envelope and its content: octets, CRLF line ends."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    notify: str = ""
    ret: str = ""
    envid: str = ""


def place(file: Path | None, environment: Mapping[str, str]) -> Place:
    """The first listener that takes mail without TLS and password; `file` None: ./config.toml if there is one.

    Raises NoListener; OSError or tomllib.TOMLDecodeError where a named file cannot be used.
    """
    table = _smtp_table(file)
    listeners = table.get("listeners") or [{}]
    first = {key: table[key] for key in ("host", "port") if key in table} | listeners[0]
    first |= {
        key: environment[f"MAILWITNESS_SMTP__{key.upper()}"]
        for key in ("host", "port")
        if f"MAILWITNESS_SMTP__{key.upper()}" in environment
    }
    for listener in (first, *listeners[1:]):
        if listener.get("tls", "optional") in ("none", "optional") and not listener.get("require_auth", False):
            host = str(listener.get("host", DEFAULT_HOST))
            return Place(_ANYWHERE.get(host, host), int(listener.get("port", DEFAULT_PORT)), listener.get("socket"))
    raise NoListener("no listener takes mail without TLS and password, expected one on 127.0.0.1 or a socket")


def _smtp_table(file: Path | None) -> dict[str, Any]:
    if file is None and not Path("config.toml").is_file():
        return {}
    try:
        table = tomllib.loads((file or Path("config.toml")).read_text("utf-8")).get("smtp", {})
    except (OSError, ValueError):
        if file is not None:
            raise
        return {}  # A config.toml that happens to lie where a program sends from need not be ours.
    return table if isinstance(table, dict) else {}


class _Client(smtplib.SMTP):
    """smtplib over a socket that is already connected."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__(local_hostname="localhost")
        self.sock = connection
        self.file = None
        self._expect(self.getreply(), 220)

    def submit(self, submission: Submission) -> str:
        """The text of the 250. Raises NotTaken. All recipients or none: one that is refused stops everything."""
        self._expect(self.ehlo())
        self._expect(self.mail(submission.sender, self._parameters(submission)))
        options = [f"NOTIFY={submission.notify}"] if submission.notify and self.has_extn("dsn") else []
        for recipient in submission.recipients:
            self._expect(self.rcpt(recipient, options), recipient=recipient)
        reply = self.data(submission.content)
        self._expect(reply)
        return reply[1].decode("ascii", "replace")

    def _parameters(self, submission: Submission) -> list[str]:
        parameters = []
        if self.has_extn("size"):
            parameters.append(f"SIZE={len(submission.content)}")
        if not submission.content.isascii() and self.has_extn("8bitmime"):
            parameters.append("BODY=8BITMIME")
        if not "".join((submission.sender, *submission.recipients)).isascii():
            parameters.append("SMTPUTF8")
            self.command_encoding = "utf-8"
        if self.has_extn("dsn"):
            parameters += [f"RET={submission.ret}"] if submission.ret else []
            parameters += [f"ENVID={submission.envid}"] if submission.envid else []
        return parameters

    def _expect(self, reply: tuple[int, bytes], code: int = 250, recipient: str | None = None) -> None:
        if reply[0] != code:
            text = f"{reply[0]} {reply[1].decode('utf-8', 'replace')}"
            raise NotTaken(reply[0], f"{recipient}: {text}" if recipient else text, recipient=recipient)


def submit(where: Place, submission: Submission) -> str:
    """Returns the server's last words once it has the message. Raises NotTaken, or OSError without a connection."""
    try:
        client = _Client(where.connect())
        text = client.submit(submission)
        client.close()
    except smtplib.SMTPException as error:
        code = error.smtp_code if isinstance(error, smtplib.SMTPResponseException) else 0
        raise NotTaken(code, str(error)) from error
    except UnicodeEncodeError as error:
        raise NotTaken(553, "an address is not UTF-8") from error
    return text


def pipe(where: Place, source: int, sink: int) -> None:
    """Joins two file descriptors to the listener until it ends the session (sendmail -bs). Raises OSError."""
    import os
    import select

    with where.connect() as connection:
        waiting: Sequence[Any] = [source, connection]
        while True:
            readable = select.select(waiting, [], [])[0]
            if connection in readable:
                octets = connection.recv(65536)
                if not octets:
                    return
                while octets:
                    octets = octets[os.write(sink, octets) :]
            if source in readable:
                octets = os.read(source, 65536)
                if octets:
                    connection.sendall(octets)
                else:
                    connection.shutdown(socket.SHUT_WR)
                    waiting = [connection]
