"""One real server for all peers: plain, STARTTLS with a password, and implicit TLS with a password."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from tests.peers.house import PASSWORD, USER, House
from tests.support.authority import issue
from tests.support.server import RunningServer

CONFIGURATION = """
[[smtp.listeners]]
name = "plain"
port = 0

[[smtp.listeners]]
name = "submission"
port = 0
tls = "required"
certificate = "{certificate}"
certificate_key = "{key}"
require_auth = true

[[smtp.listeners]]
name = "smtps"
port = 0
tls = "implicit"
certificate = "{certificate}"
certificate_key = "{key}"
require_auth = true

[archive]
path = "{folder}/data"

[viewer]
port = 0

[[application]]
name = "shop"
username = "{user}"
secret_hash = "sha256:{secret}"
"""


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("peers")
    issued = issue(folder, "127.0.0.1", "localhost")
    secret = hashlib.sha256(PASSWORD.encode()).hexdigest()
    text = CONFIGURATION.format(certificate=issued.chain, key=issued.key, folder=folder, user=USER, secret=secret)
    with RunningServer(folder, text, own_tables=True) as server:
        ports = {name: int(address.rpartition(":")[2]) for name, address in server.status["smtp"]}
        yield House(
            archive=server.archive_path / "archive.db",
            config=server.config_file,
            authority=issued.authority,
            **ports,
        )
