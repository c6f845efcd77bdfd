"""A small IMAP server on a real socket: one user, mailboxes of octets with flags, what MailboxReader asks for.

Scripted by attributes: what it can do (`capabilities`), whether it refuses to let anyone in, and a call to drop all
connections. RFC 3501, RFC 2177 (IDLE), RFC 6851 (MOVE).
"""

from __future__ import annotations

import asyncio
import re
import ssl
from dataclasses import dataclass, field


@dataclass
class Mail:
    uid: int
    content: bytes
    flags: set[str] = field(default_factory=set)


class ImapServer:
    """`async with ImapServer() as server`; `deliver` puts a mail in and tells those that idle."""

    def __init__(self, *, capabilities: str = "IDLE MOVE UIDPLUS", context: ssl.SSLContext | None = None) -> None:
        self.capabilities = capabilities
        self.context = context
        self.user, self.secret = "bounces", 'pass"word'
        self.mailboxes: dict[str, list[Mail]] = {"INBOX": [], "done": []}
        self.commands: list[str] = []
        self.connections = 0
        self.is_refusing = False
        self._uid = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._idle: dict[asyncio.StreamWriter, str] = {}

    async def __aenter__(self) -> ImapServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.context)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.drop()

    def drop(self) -> None:
        """All connections end."""
        for writer in self._writers:
            writer.close()

    def deliver(self, content: bytes, mailbox: str = "INBOX") -> Mail:
        self._uid += 1
        mail = Mail(self._uid, content)
        self.mailboxes[mailbox].append(mail)
        for writer, watched in self._idle.items():
            if watched == mailbox:
                writer.write(f"* {len(self.mailboxes[mailbox])} EXISTS\r\n".encode())
        return mail

    def still_here(self) -> None:
        for writer in self._idle:
            writer.write(b"* OK Still here\r\n")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        writer.write(f"* OK [CAPABILITY IMAP4rev1 {self.capabilities}] ready\r\n".encode())
        selected, told = "", self._uid
        try:
            while line := (await reader.readline()).decode().rstrip("\r\n"):
                tag, _, command = line.partition(" ")
                self.commands.append(command)
                verb = command.split(" ")[0].upper()
                if verb == "UID":
                    told = self._uid if "SEARCH" in command.upper() else told
                    answer = self._uid_command(selected, command[4:])
                elif verb == "IDLE":
                    self._idle[writer] = selected
                    writer.write(b"+ idling\r\n")
                    if self._uid > told:  # what came since the client last looked is told at once
                        writer.write(f"* {len(self.mailboxes[selected])} EXISTS\r\n".encode())
                        told = self._uid
                    await reader.readline()
                    del self._idle[writer]
                    answer = ("", "OK")
                else:
                    answer = self._plain(verb, command)
                    if verb == "SELECT" and answer[1] == "OK":
                        selected = command.split(" ", 1)[1].strip('"')
                untagged, result = answer
                writer.write(untagged.encode("latin-1") + f"{tag} {result} {verb} completed\r\n".encode())
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._idle.pop(writer, None)
            self._writers.discard(writer)
            writer.close()

    def _plain(self, verb: str, command: str) -> tuple[str, str]:
        if verb == "CAPABILITY":
            return f"* CAPABILITY IMAP4rev1 {self.capabilities}\r\n", "OK"
        if verb == "LOGIN":
            expected = f'LOGIN "{self.user}" "{self.secret}"'.replace('pass"word', 'pass\\"word')
            return "", "OK" if command == expected and not self.is_refusing else "NO"
        if verb == "SELECT":
            name = command.split(" ", 1)[1].strip('"')
            return (f"* {len(self.mailboxes[name])} EXISTS\r\n", "OK") if name in self.mailboxes else ("", "NO")
        return "", "OK"

    def _uid_command(self, selected: str, command: str) -> tuple[str, str]:
        mails = self.mailboxes[selected]
        verb, _, rest = command.partition(" ")
        if verb.upper() == "SEARCH":
            unwanted = "\\Seen" if "UNSEEN" in rest else "\\Deleted"
            return "* SEARCH " + " ".join(str(mail.uid) for mail in mails if unwanted not in mail.flags) + "\r\n", "OK"
        number, _, what = rest.partition(" ")
        mail = next((mail for mail in mails if str(mail.uid) == number), None)
        if mail is None:
            return "", "OK"
        place = mails.index(mail) + 1
        if verb.upper() == "FETCH" and "SIZE" in what:
            return f"* {place} FETCH (UID {mail.uid} RFC822.SIZE {len(mail.content)})\r\n", "OK"
        if verb.upper() == "FETCH":
            body = mail.content.decode("latin-1")
            return f"* {place} FETCH (UID {mail.uid} BODY[] {{{len(body)}}}\r\n{body})\r\n", "OK"
        if verb.upper() == "STORE":
            mail.flags |= set(re.findall(r"\\\w+", what))
            return "", "OK"
        if verb.upper() in ("MOVE", "COPY"):
            target = what.strip('"')
            if target not in self.mailboxes:
                return "", "NO"
            self.mailboxes[target].append(Mail(mail.uid, mail.content, set(mail.flags)))
        mails.remove(mail) if verb.upper() in ("MOVE", "EXPUNGE") else None
        return "", "OK"
