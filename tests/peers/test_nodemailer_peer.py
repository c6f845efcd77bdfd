"""nodemailer sends through a real server. Where NODE_PATH has none, npm installs it into a temporary folder first."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
from pathlib import Path

import pytest

from tests.peers.house import FILE, FILE_NAME, PASSWORD, SUBJECT, TEXT, USER, assert_is_the_invoice, run

pytestmark = [
    pytest.mark.peer,
    pytest.mark.xdist_group("peers"),
    pytest.mark.skipif(shutil.which("npm") is None or shutil.which("node") is None, reason="node is not installed"),
]

SCRIPT = """
const nodemailer = require('nodemailer');
const { transport, message } = JSON.parse(process.argv[2]);
message.attachments[0].content = Buffer.from(message.attachments[0].content, 'base64');
nodemailer.createTransport(transport).sendMail(message).then((info) => console.log(info.response));
"""


@pytest.fixture(scope="session")
def nodemailer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nodemailer and our script. Left out with npm's own words where it cannot be had."""
    folder = tmp_path_factory.mktemp("nodemailer")
    (folder / "package.json").write_text("{}")
    (folder / "send.js").write_text(SCRIPT)
    places = filter(None, os.environ.get("NODE_PATH", "").split(os.pathsep))
    if any((Path(place) / "nodemailer").is_dir() for place in places):
        return folder
    try:
        asyncio.run(run("npm", "install", "--no-audit", "--no-fund", "--silent", "nodemailer", folder=folder))
    except (AssertionError, TimeoutError) as error:
        pytest.skip(f"nodemailer cannot be installed: {error}")
    return folder


async def send(folder: Path, recipient: str, transport: dict[str, object]) -> str:
    message = {
        "from": {"name": "Käse & Co", "address": "shop@example.com"},
        "to": recipient,
        "subject": SUBJECT,
        "text": TEXT,
        "attachments": [{"filename": FILE_NAME, "content": base64.b64encode(FILE).decode()}],
    }
    return await run("node", "send.js", json.dumps({"transport": transport, "message": message}), folder=folder)


async def test_nodemailer_sends_without_a_password(house, nodemailer):
    said = await send(nodemailer, "node@example.net", {"host": "127.0.0.1", "port": house.plain})
    assert said.startswith("250 2.0.0")
    assert_is_the_invoice(house.only("node@example.net"))


@pytest.mark.parametrize("way", ["starttls", "implicit"])
async def test_nodemailer_sends_with_a_password(house, nodemailer, way):
    recipient = f"node-{way}@example.net"
    transport: dict[str, object] = {
        "host": "127.0.0.1",
        "port": house.submission if way == "starttls" else house.smtps,
        "secure": way == "implicit",
        "requireTLS": way == "starttls",
        "auth": {"user": USER, "pass": PASSWORD},
        "tls": {"ca": house.authority.read_text()},
    }
    await send(nodemailer, recipient, transport)
    message = house.only(recipient)
    assert_is_the_invoice(message)
    assert (message.protocol, message.auth_user) == ("ESMTPSA", USER)
