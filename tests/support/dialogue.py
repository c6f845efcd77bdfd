r"""SMTP dialogues that a person can read and a test can play.

A file has options, then what is said, then what is kept:

    # What this shows, for people.
    play: whole octets cuts          how (default: lines); see PLAYS
    tls: required                    the listener's policy; a certificate is made for all but `none`
    smtp: max_errors=2               settings of [smtp]
    client: 192.0.2.7                who connects, as a trusted proxy says (default: loopback, no proxy)
    application: shop                the application SHOP of `reception.py` exists

    S: 220 *                         the server says this line; * stands for anything
    C: EHLO client.example           the client sends this line, CRLF added
    S+ 250 mx.test *                 the server gives a whole reply: its code, its lines joined by one space
    C-: \0\xff                       the client sends these octets, nothing added; \r \n \0 \xNN \\ are octets
    C 3x: NOOP                       three times;  S 3x: likewise
    2C: QUIT   2S: …                 a second connection
    TLS                              the client begins TLS
    END                              the client sends no more (half-close);  GONE: it resets the connection
    CLOSED                           the server has closed

    K: message                       the archive holds a message, in order of capture; then facts about it:
    K: sender a@b                    also recipients, content, traits, protocol, application, size, …
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import struct
from dataclasses import dataclass, field
from pathlib import Path

from relay.archive.api import StoredMessage

DEADLINE = 10.0
PLAYS = {
    "lines": "each C line is one write",
    "whole": "everything the client says up to the next TLS or end is one segment",
    "octets": "each octet is a segment of its own",
    "cuts": "two segments, cut at each octet in turn, on a new connection each time",
}
_STEP = re.compile(r"(?P<number>[2-9]?)(?P<who>[CS])(?P<form>[-+]?)(?: (?P<times>\d+)x)?:? ?(?P<text>.*)", re.DOTALL)
_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|[rn0t\\])")
_PLAIN = {b"r": b"\r", b"n": b"\n", b"0": b"\0", b"t": b"\t", b"\\": b"\\"}


@dataclass(frozen=True, slots=True)
class Step:
    """`act` is `send`, `line`, `reply`, `tls`, `end`, `gone` or `closed`."""

    act: str
    number: int = 1
    octets: bytes = b""
    pattern: str = ""
    where: int = 0


@dataclass(slots=True)
class Dialogue:
    options: dict[str, str] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    kept: list[list[tuple[str, str]]] = field(default_factory=list)

    @property
    def plays(self) -> list[str]:
        return self.options.get("play", "lines").split()

    @property
    def said(self) -> bytes:
        """All that the client sends on its first connection."""
        return b"".join(step.octets for step in self.steps if step.act == "send" and step.number == 1)


def read_dialogue(path: Path) -> Dialogue:
    dialogue = Dialogue()
    for where, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        option = re.fullmatch(r"(play|tls|smtp|client|application|listener): *(.*)", line)
        if option:
            dialogue.options[option[1]] = option[2]
        elif line.startswith("K: message"):
            dialogue.kept.append([])
        elif line.startswith("K: "):
            name, _, value = line[3:].partition(" ")
            dialogue.kept[-1].append((name, value))
        elif line in ("TLS", "END", "GONE", "CLOSED"):
            dialogue.steps.append(Step(line.lower(), where=where))
        else:
            dialogue.steps.extend(_steps(line, where))
    return dialogue


def _steps(line: str, where: int) -> list[Step]:
    match = _STEP.fullmatch(line)
    assert match, f"line {where} is not a step: {line}"
    number, times = int(match["number"] or 1), int(match["times"] or 1)
    if match["who"] == "C":
        octets = unescape(match["text"]) + (b"" if match["form"] else b"\r\n")
        return [Step("send", number, octets * times, where=where)]
    act = "reply" if match["form"] else "line"
    return [Step(act, number, pattern=match["text"], where=where)] * times


def unescape(text: str) -> bytes:
    r"""The octets that `text` says: UTF-8, with `\r`, `\n`, `\0`, `\t`, `\xNN` and `\\`."""
    return _ESCAPE.sub(
        lambda m: bytes([int(m[1][1:], 16)]) if m[1].startswith(b"x") else _PLAIN[m[1]], text.encode("utf-8")
    )


class Player:
    """Plays one dialogue once; every wait has a deadline, and a failure names the line of the file."""

    def __init__(self, dialogue: Dialogue, port: int, play: str, cut: int = 0) -> None:
        self._dialogue = dialogue
        self._port = port
        self._play = play
        self._cut = cut
        self._connections: dict[int, tuple[asyncio.StreamReader, asyncio.StreamWriter]] = {}
        self._sent = 0

    async def run(self) -> None:
        steps = self._dialogue.steps
        try:
            for at, step in enumerate(steps):
                try:
                    async with asyncio.timeout(DEADLINE):
                        await self._take(step, steps[:at])
                except (OSError, EOFError, TimeoutError, ssl.SSLError) as cause:
                    raise AssertionError(f"line {step.where}: {cause!r}") from cause
        finally:
            for _, writer in self._connections.values():
                writer.transport.abort()

    async def _connection(self, number: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if number not in self._connections:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 20)
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections[number] = reader, writer
            client = self._dialogue.options.get("client")
            if client:
                writer.write(f"PROXY TCP4 {client} 127.0.0.1 4321 25\r\n".encode())
        return self._connections[number]

    async def _take(self, step: Step, before: list[Step]) -> None:
        reader, writer = await self._connection(step.number)
        if step.act == "send":
            await self._send(step, before, writer)
        elif step.act == "line":
            line = await reader.readuntil(b"\r\n")
            assert matches(step.pattern, line[:-2].decode()), f"line {step.where}: server said {line!r}"
        elif step.act == "reply":
            reply = await _reply(reader)
            assert matches(step.pattern, reply), f"line {step.where}: server said {reply!r}"
        elif step.act == "tls":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            await writer.start_tls(context)
        elif step.act == "end":
            writer.write_eof()
        elif step.act == "gone":
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
        else:
            rest = await _rest(reader)
            assert rest == b"", f"line {step.where}: server also said {rest!r}"

    async def _send(self, step: Step, before: list[Step], writer: asyncio.StreamWriter) -> None:
        if step.number != 1 or self._play == "lines":
            writer.write(step.octets)
        elif self._play == "octets":
            for octet in step.octets:
                writer.write(bytes([octet]))
                await asyncio.sleep(0)
                await asyncio.sleep(0)
        elif not any(earlier.act == "send" and earlier.number == 1 for earlier in _stretch(before)):
            await self._send_stretch(step, writer)
        await writer.drain()

    async def _send_stretch(self, step: Step, writer: asyncio.StreamWriter) -> None:
        """Sends all that the client says until something else must happen; later C lines are then already sent."""
        steps = self._dialogue.steps
        start = next(at for at, other in enumerate(steps) if other is step)
        octets = b""
        for other in steps[start:]:
            if other.act not in ("send", "line", "reply"):
                break
            if other.act == "send" and other.number == 1:
                octets += other.octets
        cut = self._cut - self._sent
        if self._play == "cuts" and 0 < cut < len(octets):
            writer.write(octets[:cut])
            await _quiet()
            octets = octets[cut:]
            self._sent += cut
        writer.write(octets)
        self._sent += len(octets)


def _stretch(before: list[Step]) -> list[Step]:
    """The steps since the last one that is neither sending nor hearing."""
    for at in range(len(before) - 1, -1, -1):
        if before[at].act not in ("send", "line", "reply"):
            return before[at + 1 :]
    return before


async def _quiet() -> None:
    """Lets the server (in this very loop) read and act on what has come."""
    for _ in range(6):
        await asyncio.sleep(0)


async def _rest(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionResetError:  # what we sent was still unread when the server closed
        return b""


async def _reply(reader: asyncio.StreamReader) -> str:
    lines: list[str] = []
    while True:
        line = (await reader.readuntil(b"\r\n"))[:-2].decode()
        lines.append(line[4:])
        if line[3:4] != "-":
            return f"{line[:3]} {' '.join(lines)}"


def matches(pattern: str, text: str) -> bool:
    """Whether `text` is `pattern`, in which `*` stands for anything."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL) is not None


def facts(stored: StoredMessage, content: bytes) -> dict[str, str]:
    """What a K line may state of a message, as text."""
    message, envelope = stored.message, stored.message.envelope
    return {
        "sender": envelope.sender or "<>",
        "recipients": " ".join(recipient.address for recipient in envelope.recipients),
        "deliveries": " ".join(f"{d.recipient.address}={d.state.value}" for d in stored.deliveries),
        "content": escape(content),
        "sha256": message.sha256.hex(),
        "size": str(message.size),
        "traits": " ".join(sorted(trait.value for trait in message.traits)) or "none",
        "hops": str(message.hops),
        "protocol": message.reception.protocol,
        "helo": message.reception.helo,
        "peer": message.reception.peer,
        "proxy": message.reception.via_proxy or "none",
        "tls": message.reception.tls_version or "none",
        "user": message.reception.auth_user or "none",
        "application": message.application,
        "mode": message.mode.value,
        "tags": " ".join(message.tags),
        "body": envelope.body or "none",
        "smtputf8": str(envelope.smtputf8).lower(),
        "declared": str(envelope.declared_size),
        "auth": envelope.auth or "none",
        "ret": envelope.ret or "none",
        "envid": envelope.envid or "none",
        "notify": " ".join(recipient.notify or "none" for recipient in envelope.recipients),
        "orcpt": " ".join(recipient.orcpt or "none" for recipient in envelope.recipients),
    }


def escape(octets: bytes) -> str:
    r"""Octets as a dialogue writes them: `\r\n`, `\0`, `\xNN`, `\\`; UTF-8 is not shown as text."""
    named = {0x0D: "\\r", 0x0A: "\\n", 0x00: "\\0", 0x5C: "\\\\"}
    return "".join(named.get(o) or (chr(o) if 0x20 <= o < 0x7F else f"\\x{o:02x}") for o in octets)
