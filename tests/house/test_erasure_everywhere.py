"""Everything is used that keeps or makes something, a person is erased, and no file of the folder names them."""

from __future__ import annotations

import json
import signal
import smtplib
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any

from tests.support import waiting
from tests.support.leavings import PERSON, traces
from tests.support.prompt import Prompt
from tests.support.server import RunningServer

CONFIG = """
[[upstream]]
name = "nobody"
host = "127.0.0.1"
port = 9
tls = "none"

[[application]]
name = "shop"
addresses = ["127.0.0.1"]
mode = "hold"
"""
EXPORTS = """
[[export]]
name = "court"
to = "{folder}"

[[export]]
name = "vault"
to = "s3://bucket/mail"
endpoint = "http://127.0.0.1:9"
"""
KEYS = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing"}
wait_until = partial(waiting.wait_until, limit=60.0)


class Program:
    """Somebody's program, with a token."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url, token

    def __call__(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text[:1] in (b"{", b"[") else text


def nothing_waits(program: Program) -> bool:
    """All is cancelled. What is just being sent cannot be: it is when it waits again."""
    program("POST", "/api/queue/cancel/all", {})
    return not program("GET", "/api/queue")["deliveries"]


def use_everything(program: Program, prompt: Prompt, server: RunningServer, handed_out: Path) -> None:
    """The person is in mail that is held and edited, exports made and under way, views, tags, and what people said."""
    content = f"From: shop@example.com\r\nTo: {PERSON}\r\nSubject: Invoice\r\n\r\nHello {PERSON}.\r\n"
    with smtplib.SMTP("127.0.0.1", server.smtp_port, timeout=20) as client:
        client.sendmail("shop@example.com", [PERSON, "bob@example.org"], content.encode())
        client.sendmail(PERSON, ["bob@example.org"], b"Subject: From her\r\n\r\nHello.\r\n")
        client.sendmail("shop@example.com", ["bob@example.org"], b"Subject: Else\r\n\r\nHello Bob.\r\n")
    wait_until(lambda: len(program("GET", "/api/messages?q=hello")["messages"]) == 3)
    (message,) = program("GET", "/api/messages?q=invoice")["messages"]
    edit = {"edit": {"subject": f"For {PERSON}"}, "recipients": [PERSON]}
    program("POST", f"/api/messages/{message['id']}/resend", edit)
    program("POST", f"/api/messages/{message['id']}/tags", {"add": ["said-by-clara"]})
    wait_until(lambda: nothing_waits(program))
    program("POST", "/api/views", {"name": f"About {PERSON}", "q": f"recipient:{PERSON}"})
    program("POST", "/api/suppressions", {"address": PERSON, "reason": f"{PERSON} said so"})
    prompt("hold", "add", f"case of {PERSON}", "subject:else")
    prompt("hold", "end", f"case of {PERSON}", "--reason", "settled")
    program("POST", "/api/bulk/export", {"q": "", "format": "mbox"})
    program("POST", "/api/bulk/export", {"q": "", "format": "signed"})
    program("GET", f"/api/messages?q={PERSON}")
    program("GET", f"/api/messages/{message['id']}/content")
    # Made when they are there, so not before there is mail; the bucket of the one cannot be reached.
    server.config_file.write_text(server.config_file.read_text() + EXPORTS.format(folder=handed_out))
    server.process.send_signal(signal.SIGHUP)
    data = server.archive_path
    wait_until(lambda: any("vault" in name for name in traces(data)) and len(list((data / "exports").glob("*"))) == 2)
    wait_until(lambda: traces(handed_out) != [])
    (data / "import-01J00000000000000000000001.spool").write_bytes(PERSON.encode())


def test_no_file_of_the_folder_names_somebody_who_was_erased(tmp_path: Path) -> None:
    handed_out = tmp_path / "court"
    handed_out.mkdir()
    with RunningServer(tmp_path, CONFIG, environment=KEYS) as server:
        prompt = Prompt(server.config_file)
        prompt("user", "add", "boss", "--password-stdin", typed="a long enough password\n")
        program = Program(server.viewer_url, prompt("token", "add", "x", "--user", "boss").split()[3])
        use_everything(program, prompt, server, handed_out)
        before = traces(server.archive_path)
        assert {name.partition("/")[0] for name in before} >= {"exports", "outgoing"}
        body = {"addresses": [PERSON], "reason": "asked on paper"}
        (asked,) = program("POST", "/api/erasures", body)["erasures"]
        wait_until(lambda: program("GET", f"/api/erasures/{asked['id']}")["standing"] == "done")
        done = program("GET", f"/api/erasures/{asked['id']}")
        assert (done["address"], done["kept"]) == (None, 0)
        said = prompt("erase", PERSON, "--dry-run")
        assert "0 messages name the person" in said
        assert str(handed_out) in said
        server.stop()
        assert traces(server.archive_path) == []
        # What was delivered is not ours: it stays as it was signed.
        assert traces(handed_out) != []
        assert "Nothing in this archive is wrong" in prompt("verify", "--archive")
