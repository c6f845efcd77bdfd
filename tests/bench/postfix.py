"""A Postfix of our own to be measured against: its configuration, queue and log in one folder, all mail discarded.

Durable as Postfix is by default (queue file fsynced before 250). Needs root and Debian's `postfix`.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

MAIN = """\
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
maillog_file = {home}/log
maillog_file_prefixes = {home}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
myhostname = postfix.example
mydestination =
alias_maps =
default_transport = discard:
relay_transport = discard:
message_size_limit = 104857600
smtpd_relay_restrictions = permit_mynetworks, reject
smtputf8_enable = no
"""

MASTER = """\
{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def is_at_hand() -> bool:
    return shutil.which("postfix", path="/usr/sbin:/usr/bin") is not None


class Postfix:
    """`with Postfix(folder) as postfix:` runs one that listens on `postfix.port`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = 0

    def __enter__(self) -> Postfix:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        for folder in ("etc", "queue", "data"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o755)
        shutil.chown(self.home / "data", "postfix")
        (self.home / "etc" / "main.cf").write_text(MAIN.format(home=self.home))
        (self.home / "etc" / "master.cf").write_text(MASTER.format(port=self.port))
        self._run("start")
        deadline = time.monotonic() + 20
        while not self._answers():
            if time.monotonic() > deadline:
                raise RuntimeError((self.home / "log").read_text()[-2000:])
            time.sleep(0.1)
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._run("stop")

    def _run(self, action: str) -> None:
        subprocess.run(["/usr/sbin/postfix", "-c", str(self.home / "etc"), action], check=True, capture_output=True)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                return connection.recv(64).startswith(b"220")
        except OSError:
            return False

    def queued(self) -> int:
        """Messages accepted and not yet discarded."""
        return sum(
            1
            for name in ("maildrop", "incoming", "active")
            for p in (self.home / "queue" / name).rglob("*")
            if p.is_file()
        )
