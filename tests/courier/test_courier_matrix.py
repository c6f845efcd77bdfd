"""Every way to fail at every step, with every mix of three recipients' answers: see `matrix.py` for the table.

Each case is an upstream of its own, all of them of one courier with one archive, so that each is also the witness that
the others do not harm it; beside them a healthy one, through which mail goes all the time. Of the hundreds of cases of
a step one in ten is tried, of each way others of the mixes; a thorough run tries them all.
"""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from relay.archive.api import StoredMessage
from relay.config import TlsPolicy, Upstream
from relay.model.message import Message
from tests.courier.matrix import RECIPIENTS, STEPS, Case, Effect, cases, expected, script
from tests.support.authority import Certificate
from tests.support.dispatch import CONTENT, courier_of, message_of, queue, upstream_of
from tests.support.fresh import open_archive
from tests.support.keeping import opened
from tests.support.thoroughness import one_in
from tests.support.upstream import EVERYTHING, ScriptedUpstream

ONE_BY_ONE = tuple(word for word in EVERYTHING if word != "PIPELINING")
SOME = 10
"""One in so many: the 27 mixes are no multiple of it, so that all of them come to their turn."""
AT_ONCE = 60
"""Cases of one courier: as many recipients as it claims at once, so that those of a message stay together."""
PATIENCE, IMPATIENCE = 30, 3
"""Seconds to wait for a reply; the second where a case waits for nothing else."""


def batches(step: str, *, is_pipelined: bool) -> Iterator[list[Case]]:
    """Those that end by a time-out go together: they cost time, and no work."""
    planned = cases(step, is_pipelined=is_pipelined)
    if len(planned) > 100:
        planned = one_in(SOME, planned, first=int(is_pipelined))
    for is_slow in (False, True):
        chosen = [case for case in planned if case.way.is_slow is is_slow]
        for start in range(0, len(chosen), AT_ONCE):
            yield chosen[start : start + AT_ONCE]


@pytest.fixture(scope="module", autouse=True)
def _many_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4096
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))


@pytest.mark.parametrize("is_pipelined", [True, False], ids=["pipelined", "one-by-one"])
@pytest.mark.parametrize("step", STEPS)
async def test_each_recipient_is_in_the_state_that_the_table_says(
    tmp_path: Path, certificate: Certificate, step: str, is_pipelined: bool
) -> None:
    wrong: list[str] = []
    for n, batch in enumerate(batches(step, is_pipelined=is_pipelined)):
        wrong += await _run(tmp_path / f"{n}.db", batch, certificate)
    assert wrong == []


def test_the_table_has_every_step_and_way() -> None:
    """A table that lost its rows would prove nothing."""
    count = sum(len(cases(step, is_pipelined=is_pipelined)) for step in STEPS for is_pipelined in (True, False))
    assert count > 3500


async def _run(path: Path, batch: list[Case], certificate: Certificate) -> list[str]:
    archive = await open_archive(f"sqlite:///{path}")
    async with AsyncExitStack() as stack:
        servers: list[ScriptedUpstream | None] = []
        upstreams: list[Upstream] = []
        messages: list[Message] = []
        for n, case in enumerate(batch):
            server, upstream = await stack.enter_async_context(_peer(case, f"case {n}", certificate))
            servers.append(server)
            upstreams.append(upstream)
            message = message_of(CONTENT, *RECIPIENTS)
            messages.append(await queue(archive, message, CONTENT, wanted_upstream=upstream.name))
        healthy = await stack.enter_async_context(ScriptedUpstream())
        well = [message_of(CONTENT) for _ in range(3)]
        for message in well:
            await queue(archive, message, CONTENT, wanted_upstream="healthy")
        upstreams.append(upstream_of(healthy.port, name="healthy"))
        courier = courier_of(archive, upstreams, concurrency=2 * AT_ONCE)
        await courier.start()
        await _rest(path)
        await courier.stop(10)
        wrong = [
            f"{case}: {text}"
            for case, server, message in zip(batch, servers, messages, strict=True)
            for text in _differences(case, await archive.message(message.id), server)
        ]
        wrong += [f"healthy: {len(healthy.accepted)} sent beside {batch[0]}"] if len(healthy.accepted) != 3 else []
    await archive.close()
    return wrong


async def _rest(path: Path) -> None:
    """Returns once nothing is queued or under way."""
    question = "SELECT 1 FROM delivery WHERE state IN ('queued', 'sending') LIMIT 1"
    with opened(path) as connection:
        async with asyncio.timeout(90):
            while connection.execute(question).fetchone() is not None:
                await asyncio.sleep(0.05)


@asynccontextmanager
async def _peer(
    case: Case, name: str, certificate: Certificate
) -> AsyncIterator[tuple[ScriptedUpstream | None, Upstream]]:
    """The upstream of a case, with its settings."""
    timeout = IMPATIENCE if case.way.is_slow else PATIENCE
    settings: dict[str, Any] = {"name": name, "timeout": timeout, "connect_timeout": PATIENCE}
    if case.step == "connect":
        settings["connect_timeout"] = timeout
        with _unreachable(is_full=case.way.is_slow) as port:
            yield None, upstream_of(port, **settings)
        return
    server = ScriptedUpstream(extensions=EVERYTHING if case.is_pipelined else ONE_BY_ONE, script=script(case))
    if case.step == "STARTTLS":
        server.tls = certificate.server_context()
        settings |= {"tls": TlsPolicy.REQUIRED, "ca": certificate.authority}
    if case.step == "AUTH":
        server.credentials = ("user", "secret")
        settings |= {"username": "user", "password": SecretStr("secret")}
    async with server:
        yield server, upstream_of(server.port, **settings)


@contextmanager
def _unreachable(*, is_full: bool) -> Iterator[int]:
    """A port where nobody listens; or where somebody does, and takes no more connections."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        if not is_full:
            listener.close()
            yield port
            return
        listener.listen(0)
        with _filled(port):
            yield port


@contextmanager
def _filled(port: int) -> Iterator[None]:
    """Connections that fill the queue of a listener which accepts none."""
    sockets = [socket.socket() for _ in range(3)]
    try:
        for each in sockets:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        yield
    finally:
        for each in sockets:
            each.close()


def _differences(case: Case, found: StoredMessage, server: ScriptedUpstream | None) -> Iterator[str]:
    by_address = {delivery.recipient.address: delivery for delivery in found.deliveries}
    wanted = dict(zip(RECIPIENTS, expected(case), strict=True))
    for address, (state, words) in wanted.items():
        delivery = by_address[address]
        if delivery.state != state or words not in str(delivery.reply):
            yield f"{address} is {delivery.state}: {str(delivery.reply)[:200]}; expected {state}: {words}"
        attempts = [attempt for attempt in found.attempts if attempt.delivery_id == delivery.id]
        if len(attempts) != 1 or attempts[0].finished_at is None:
            yield f"{address} has {len(attempts)} attempts, or an open one"
        elif attempts[0].is_uncertain != (state == "unconfirmed"):
            yield f"the attempt for {address} is wrong about its certainty"
    if server is None:
        return
    taken = [path.strip("<>") for message in server.accepted for path in message.recipients]
    is_said = case.step != "DOT" or case.way.effect is not Effect.LOST  # else it took what it took, and did not say
    if is_said and sorted(taken) != sorted(address for address, (state, _) in wanted.items() if state == "sent"):
        yield f"the upstream took it for {taken}"
    if any(message.content != CONTENT for message in server.messages if message.recipients):
        yield "the content is not what it was"
    if case.way.effect is Effect.LOST and case.step != "QUIT" and "QUIT" in server.commands and _concerns(case):
        yield "a session that was lost went on"


def _concerns(case: Case) -> bool:
    """Whether the step is come to: without an accepted recipient there is no DATA."""
    return case.step not in ("DATA", "DOT") or "2" in case.mix
