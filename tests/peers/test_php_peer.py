"""PHP's mail() sends through `mailwitness sendmail`, set as its sendmail_path."""

from __future__ import annotations

import shlex
import shutil
import sys

import pytest

from tests.peers.house import SUBJECT, parsed, run, text_of
from tests.support.nursery import ROOT

pytestmark = [
    pytest.mark.peer,
    pytest.mark.xdist_group("peers"),
    pytest.mark.skipif(shutil.which("php") is None, reason="php is not installed"),
]

SCRIPT = """
$subject = '=?UTF-8?B?' . base64_encode($argv[2]) . '?=';
$fields = ['From' => 'shop@example.com', 'Bcc' => 'php-bcc@example.net', 'MIME-Version' => '1.0',
           'Content-Type' => 'text/plain; charset=UTF-8', 'Content-Transfer-Encoding' => '8bit'];
$sent = mail($argv[1], $subject, "Grüße\\n.\\nnach dem Punkt\\n", $fields, '-fbounces@example.com');
exit($sent ? 0 : 1);
"""


async def test_php_mail_sends_through_our_sendmail(house, tmp_path):
    # The system chose the port, so the configuration file does not name it: sendmail is told.
    told = [f"MAILWITNESS_SMTP__PORT={house.plain}", f"PYTHONPATH={ROOT}"]
    sendmail = tmp_path / "sendmail"
    sendmail.write_text(f'#!/bin/sh\nexec env {shlex.join([*told, sys.executable])} -m relay sendmail "$@"\n')
    sendmail.chmod(0o755)
    php = ("php", "-d", f"sendmail_path={sendmail} -t -i", "-r", SCRIPT, "--", "php@example.net", SUBJECT)
    await run(*php, folder=tmp_path)
    message = house.only("php@example.net")
    assert message.sender == "bounces@example.com"
    assert message.recipients == ("php@example.net", "php-bcc@example.net")
    assert b"php-bcc" not in message.content, "who is in Bcc is nobody else's business"
    read = parsed(message)
    assert read["Subject"] == SUBJECT
    assert text_of(read) == "Grüße\n.\nnach dem Punkt"
