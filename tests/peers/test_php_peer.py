"""PHP's mail() sends through `mailwitness sendmail`, set as its sendmail_path."""

from __future__ import annotations

import shlex
import shutil
import sys

import pytest

from tests.peers.house import SUBJECT, parsed, run, text_of
from tests.support.victim import ROOT

pytestmark = [pytest.mark.peer, pytest.mark.skipif(shutil.which("php") is None, reason="php is not installed")]

SCRIPT = """
$subject = '=?UTF-8?B?' . base64_encode($argv[2]) . '?=';
$fields = ['From' => 'shop@example.com', 'Bcc' => 'php-bcc@example.net', 'MIME-Version' => '1.0',
           'Content-Type' => 'text/plain; charset=UTF-8', 'Content-Transfer-Encoding' => '8bit'];
$sent = mail($argv[1], $subject, "Grüße\\n.\\nnach dem Punkt\\n", $fields, '-fbounces@example.com');
exit($sent ? 0 : 1);
"""


async def test_php_mail_sends_through_our_sendmail(house):
    sendmail = shlex.join([sys.executable, "-m", "relay", "sendmail", "-C", str(house.config), "-t", "-i"])
    await run("php", "-d", f"sendmail_path={sendmail}", "-r", SCRIPT, "--", "php@example.net", SUBJECT, folder=ROOT)
    message = house.only("php@example.net")
    assert message.sender == "bounces@example.com"
    assert message.recipients == ("php@example.net", "php-bcc@example.net")
    assert b"php-bcc" not in message.content, "who is in Bcc is nobody else's business"
    read = parsed(message)
    assert read["Subject"] == SUBJECT
    assert text_of(read) == "Grüße\n.\nnach dem Punkt"
