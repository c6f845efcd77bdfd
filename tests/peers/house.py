"""What the peers' tests share: where the server is, what every peer sends, and what must then be kept of it."""

from __future__ import annotations

import asyncio
import email
import email.policy
import os
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from tests.support.keeping import Kept, kept, opened

USER = "shop-user"
PASSWORD = "correct horse battery staple"
SUBJECT = "Grüße aus Zürich ✓ (INV-12345)"
TEXT = "Guten Tag\n.\nEine Zeile mit einem Punkt.\n"
FILE_NAME = "Rechnung.bin"
FILE = bytes(range(256)) * 4
DEADLINE = 90.0


@dataclass(frozen=True, slots=True)
class House:
    """The running server. `plain` wants no password, `submission` STARTTLS and one, `smtps` TLS and one."""

    archive: Path
    config: Path
    plain: int
    submission: int
    smtps: int
    authority: Path

    def only(self, recipient: str) -> Kept:
        """The one message kept for `recipient`."""
        with opened(self.archive) as connection:
            (message,) = [message for message in kept(connection) if recipient in message.recipients]
        return message


def parsed(message: Kept) -> EmailMessage:
    return email.message_from_bytes(message.content, policy=email.policy.default)


def text_of(message: EmailMessage) -> str:
    """The plain text with LF lines, without white space at its end."""
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n").rstrip()


def attachment_of(message: EmailMessage) -> tuple[str | None, bytes]:
    (part,) = message.iter_attachments()
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return part.get_filename(), content


def invoice(recipient: str) -> EmailMessage:
    """The message that the Python libraries send."""
    message = EmailMessage()
    message["From"] = "Käse & Co <shop@example.com>"
    message["To"] = recipient
    message["Subject"] = SUBJECT
    message.set_content(TEXT)
    message.add_attachment(FILE, maintype="application", subtype="octet-stream", filename=FILE_NAME)
    return message


def assert_is_the_invoice(message: Kept) -> None:
    read = parsed(message)
    assert read["Subject"] == SUBJECT
    assert text_of(read) == TEXT.rstrip()
    assert attachment_of(read) == (FILE_NAME, FILE)


async def run(*command: str | Path, given: bytes = b"", folder: Path | None = None) -> str:
    """What the program said, standard output and error; it must end well."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=folder,
        env=os.environ | {"LC_ALL": "C.UTF-8"},
    )
    async with asyncio.timeout(DEADLINE):
        said, _ = await process.communicate(given)
    assert process.returncode == 0, said.decode(errors="replace")
    return said.decode(errors="replace")
