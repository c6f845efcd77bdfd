"""What is to be exported: offers, sent through a running server; and a timetable by which exports are made."""

from __future__ import annotations

import smtplib
from pathlib import Path

from relay.archive.api import Archive
from relay.config.handover import Export
from relay.handover.timetable import Timetable
from tests.support.archive_values import NOON, new_id
from tests.support.notarised import Notarised
from tests.support.prompt import Prompt
from tests.support.server import RunningServer
from tests.support.waiting import wait_until

LETTER = b"From: Ann <ann@example.com>\r\nTo: Bob <bob@example.com>\r\nSubject: offer %d\r\n\r\nFrom here, \xff.\r\n"


def send_offers(server: RunningServer, *contents: bytes) -> Prompt:
    """All are found by `subject:offer` when this returns."""
    prompt = Prompt(server.config_file)
    before = len(offers(prompt))
    with smtplib.SMTP("127.0.0.1", server.smtp_port, timeout=20) as client:
        for content in contents:
            client.sendmail("ann@example.com", ["bob@example.com"], content)
    wait_until(lambda: len(offers(prompt)) == before + len(contents))
    return prompt


def offers(prompt: Prompt) -> list[str]:
    """Their ids."""
    return [line.split("\t")[0] for line in prompt("search", "subject:offer").splitlines()]


def timetable(archive: Archive, one: Export, staging: Path, now: int = NOON) -> Timetable:
    log = Notarised(archive).evidence
    return Timetable([one], archive=archive, log=log, clock=lambda: now, new_id=new_id, staging=staging)
