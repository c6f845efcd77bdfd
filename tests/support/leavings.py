"""Mail about a person through a running server, and the files in which that person is still named afterwards."""

from __future__ import annotations

import contextlib
import os
import smtplib
from pathlib import Path

from tests.support.server import RunningServer

PERSON = "clara.bow@example.org"


def send(server: RunningServer, sender: str, text: str, *to: str) -> None:
    """One message, which says that it is an invoice."""
    with smtplib.SMTP("127.0.0.1", server.smtp_port, timeout=20) as client:
        content = f"From: {sender}\r\nTo: {to[0]}\r\nSubject: Invoice\r\n\r\n{text}\r\n"
        client.sendmail(sender, to, content.encode())


def traces(folder: Path) -> list[str]:
    """The files in it that name the person. Some may be gone before they are looked at; the socket is none."""
    found = []
    for place, _, names in os.walk(folder):
        for path in (Path(place, name) for name in names):
            with contextlib.suppress(FileNotFoundError):
                if path.is_file() and PERSON.encode() in path.read_bytes().lower():
                    found.append(str(path.relative_to(folder)))
    return sorted(found)
