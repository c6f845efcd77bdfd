"""Time stamps (RFC 3161): authorities say that a checkpoint was there at a time. One stamp covers every fact below it.

What is stamped is the SHA-256 of the whole signed note. An answer is kept only if the roots that the configuration
gives vouch for it, and if `verify.py` will accept it too. Kept with it is what a checker needs years later, when the
authority may be gone: the configured certificates, and the revocation lists that the certificates name, as they were.
"""

from __future__ import annotations

import asyncio
import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence

import aiohttp
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from rfc3161_client import (
    HashAlgorithm,
    TimeStampRequest,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from relay import maillog
from relay.archive.api import Archive, ArchiveError
from relay.archive.api.ledger import Stamp, StoredCheckpoint
from relay.config import Ledger
from relay.config.ledger import Authority
from relay.lasting import Lasting
from relay.ledger.stamp import check_stamp
from relay.model.delivery import MICROSECONDS

TIME_LIMIT = 30.0
"""Seconds for one request as a whole."""
MOST_OCTETS = 1024 * 1024
"""Of a response, and of a revocation list."""
MOST_LISTS = 8
LOOK = 10.0
AGAIN = 300 * MICROSECONDS
"""After an authority gave no good answer."""
_QUERY, _REPLY = "application/timestamp-query", "application/timestamp-reply"


class StampRefused(Exception):
    """The authority gave no stamp that can be kept; the text says why."""


class Stamping:
    """Stamps the newest checkpoint by every authority, as often as the table says."""

    def __init__(self, table: Ledger, *, archive: Archive, clock: Callable[[], int], look: float = LOOK) -> None:
        self._table = table
        self._archive = archive
        self._clock = clock
        self._look = look
        self._not_before: dict[str, int] = {}
        self._task = Lasting("stamping")

    def use(self, table: Ledger) -> None:
        """Another table from now on."""
        self._table = table
        self._not_before = {}

    def start(self) -> None:
        self._task.start(self._run())

    async def stop(self) -> None:
        await self._task.stop()

    async def stamp_due(self) -> None:
        """Returns when every authority that is due has been asked."""
        latest = await self._archive.latest_checkpoint()
        if latest is None:
            return
        last = {stamp.authority: stamp for stamp in await self._archive.latest_stamps()}
        due = [one for one in self._table.authority if self._is_due(one, latest, last.get(one.name))]
        await asyncio.gather(*(self._ask(one, latest) for one in due))

    def _is_due(self, authority: Authority, latest: StoredCheckpoint, last: Stamp | None) -> bool:
        if self._clock() < self._not_before.get(authority.name, 0):
            return False
        if last is None:
            return True
        return latest.size > last.size and self._clock() - last.at >= self._table.stamp_every * MICROSECONDS

    async def _ask(self, authority: Authority, checkpoint: StoredCheckpoint) -> None:
        try:
            stamp = await stamped(authority, checkpoint, self._clock())
        except StampRefused as error:
            maillog.ledger_stamped(authority.name, checkpoint.size, "refused", str(error))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            maillog.ledger_stamped(authority.name, checkpoint.size, "failed", str(error) or type(error).__name__)
        else:
            await self._archive.add_stamp(stamp)
            maillog.ledger_stamped(authority.name, checkpoint.size, "stamped")
            return
        self._not_before[authority.name] = self._clock() + AGAIN

    async def _run(self) -> None:
        while True:
            try:
                await self.stamp_due()
            except ArchiveError as error:
                maillog.ledger_waits(error)
            except Exception as error:
                maillog.room_failed("stamping", error)
            await asyncio.sleep(self._look)


async def stamped(authority: Authority, checkpoint: StoredCheckpoint, now: int) -> Stamp:
    """The authority's stamp over the checkpoint as it is, checked. `now`: UTC microseconds, when it is kept.

    Raises StampRefused: the answer is not a good one. aiohttp.ClientError, TimeoutError, OSError: there was none.
    """
    octets = checkpoint.note.encode()
    request = _request(octets)
    timeout = aiohttp.ClientTimeout(total=TIME_LIMIT)
    async with aiohttp.ClientSession(timeout=timeout, headers={"User-Agent": "mailwitness"}) as session:
        response = await _answer(session, authority, request.as_bytes())
        roots = await asyncio.to_thread(authority.roots.read_bytes)
        answer = await asyncio.to_thread(_checked, response, request, octets, roots)
        lists = await _revocation(session, [*answer.signed_data.certificates], roots)
    return Stamp(checkpoint.size, authority.name, now, checkpoint.note, response, b"".join([roots, *lists]))


def _request(octets: bytes) -> TimeStampRequest:
    builder = TimestampRequestBuilder().data(octets).hash_algorithm(HashAlgorithm.SHA256)
    return builder.nonce(nonce=True).cert_request(cert_request=True).build()


async def _answer(session: aiohttp.ClientSession, authority: Authority, query: bytes) -> bytes:
    headers = {"Content-Type": _QUERY, "Accept": _REPLY}
    if authority.username:
        login = f"{authority.username}:{authority.password.get_secret_value()}"
        headers["Authorization"] = f"Basic {b64encode(login.encode()).decode()}"
    async with session.post(authority.url, data=query, headers=headers, allow_redirects=False) as response:
        body = await response.content.read(MOST_OCTETS)
        if response.status != 200 or not response.content.at_eof():
            raise StampRefused(f"{authority.url} answered {response.status}, {len(body)} octets")
    return body


def _checked(response: bytes, request: TimeStampRequest, octets: bytes, roots: bytes) -> TimeStampResponse:
    """The response, if the roots vouch for it: checked by rfc3161-client (chain, nonce), and as bundles are."""
    try:
        answer = decode_timestamp_response(response)
        builder = VerifierBuilder.from_request(request)
        for certificate in x509.load_pem_x509_certificates(roots):
            is_root = certificate.subject == certificate.issuer
            builder = (builder.add_root_certificate if is_root else builder.add_intermediate_certificate)(certificate)
        builder.build().verify_message(answer, octets)
        check_stamp(response, hashlib.sha256(octets).digest(), roots)
    except (VerificationError, ValueError) as error:
        raise StampRefused(str(error)) from error
    return answer


async def _revocation(session: aiohttp.ClientSession, certificates: Sequence[bytes], roots: bytes) -> list[bytes]:
    """The revocation lists, in PEM, that the certificates name and that can be had now; none is no reason to refuse."""
    known = [x509.load_der_x509_certificate(each) for each in certificates] + x509.load_pem_x509_certificates(roots)
    found = []
    for url in list(dict.fromkeys(_places(known)))[:MOST_LISTS]:
        try:
            async with session.get(url) as response:
                body = await response.content.read(MOST_OCTETS)
            found.append(x509.load_der_x509_crl(body).public_bytes(Encoding.PEM))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            continue
    return found


def _places(certificates: Iterable[x509.Certificate]) -> Iterator[str]:
    """Where the certificates say that their revocation lists are, by HTTP."""
    for certificate in certificates:
        try:
            points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
        except (x509.ExtensionNotFound, ValueError):
            continue
        for point in points:
            for name in point.full_name or ():
                if isinstance(name, x509.UniformResourceIdentifier) and name.value.startswith("http"):
                    yield name.value
