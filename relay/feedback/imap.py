"""Mail to the return paths, as it lies in a mailbox: fetched by IMAP, kept, and only then marked as seen or moved away.

Looks at once, and again when the server tells of new mail (IDLE, RFC 2177) or after `poll` seconds. Crash between
keeping and marking: the mail is fetched again, and known. A lost connection is made again, with growing pauses. The
conversation itself is aioimaplib's; nothing is read of a mail here but which return path it names.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence

from relay import maillog
from relay.archive.api import Archive, ArchiveError
from relay.archive.api.report import Keeping
from relay.config import Imap
from relay.feedback.inbound import SOURCE, VERDICT
from relay.feedback.mailbox import Mailbox, MailboxError
from relay.feedback.returnpath import ReturnPaths
from relay.lasting import Lasting
from relay.model.event import Grade
from relay.model.report import Payload
from relay.model.token import TokenKind

PAUSES = (1.0, 2.0, 5.0, 15.0, 60.0, 300.0)
"""Seconds before a connection is tried again, after so many failures."""
NAMES_NONE = "lay in the mailbox and names no return path of ours; the mail is not signed"
MAX_TOKENS = 20


class MailboxReader:
    """`kept`: called after mails were kept. `max_size`: octets; larger mails are left where they are."""

    def __init__(
        self,
        table: Imap,
        paths: ReturnPaths,
        *,
        max_size: int,
        archive: Archive,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        kept: Callable[[], None],
        pauses: Sequence[float] = PAUSES,
    ) -> None:
        self._table = table
        self._paths = paths
        self._max_size = max_size
        self._archive = archive
        self._clock = clock
        self._new_id = new_id
        self._kept = kept
        self._pauses = pauses
        self.problem = ""
        """In words, why the mailbox cannot be read now; '' if it can."""
        self._task = Lasting("imap")
        self._left: set[str] = set()
        """Of this connection: mails that are left alone."""

    def start(self) -> None:
        self._task.start(self._run())

    async def stop(self) -> None:
        """Ends at once: what was kept is kept, the rest is fetched at the next start."""
        await self._task.stop()

    async def _run(self) -> None:
        failures = 0
        while True:
            mailbox = Mailbox(self._table, _context(self._table))
            try:
                await mailbox.open()
                self._left.clear()
                while True:
                    await self._take_all(mailbox)
                    failures, self.problem = 0, ""
                    await mailbox.wait(self._table.poll)
            except (MailboxError, ArchiveError, OSError, TimeoutError) as cause:
                pause = self._pauses[min(failures, len(self._pauses) - 1)]
                failures += 1
                self.problem = str(cause) or repr(cause)
                maillog.mailbox_unreachable(self._table.host, self._table.mailbox, cause, pause)
            finally:
                await mailbox.close()
            await asyncio.sleep(pause)

    async def _take_all(self, mailbox: Mailbox) -> None:
        for uid in await mailbox.new():
            if uid in self._left:
                continue
            size = await mailbox.size(uid)
            if size is None:  # somebody else took it away
                continue
            if size > self._max_size:
                maillog.payload_refused(SOURCE, self._table.host, "size", f"mail {uid} has {size} octets")
                self._left.add(uid)
                continue
            content = await mailbox.fetch(uid)
            if content is None:
                continue
            await self._keep(content)
            await mailbox.done(uid)

    async def _keep(self, content: bytes) -> None:
        tokens = await asyncio.to_thread(self._paths.tokens_in, content)
        known = await self._archive.tracking_tokens(tokens[:MAX_TOKENS]) if tokens else {}
        ours = [token for token, value in known.items() if value.kind is TokenKind.RETURN]
        for token in ours or [""]:
            payload = Payload(
                id=self._new_id(),
                received_at=self._clock(),
                source=SOURCE,
                grade=Grade.UNSIGNED if token else Grade.HEURISTIC,
                verdict=VERDICT if token else NAMES_NONE,
                headers={"mailbox": self._table.mailbox},
                body=content,
                peer=self._table.host,
                return_token=token,
            )
            keeping = await self._archive.add_payload(payload)
            maillog.payload_kept(payload, is_known=keeping is Keeping.KNOWN)
        self._kept()


def _context(table: Imap) -> ssl.SSLContext | None:
    """None: in plain text, which the configuration allows on this machine only."""
    if table.tls == "none":
        return None
    context = ssl.create_default_context(cafile=table.ca)
    if not table.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
