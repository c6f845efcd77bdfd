"""One POST to an endpoint, and what its answer says. Standard Webhooks 1.0; RFC 9110 section 10.2.3 (Retry-After).

No redirect is followed, no cookie kept, no proxy of the environment used, and of an answer's body a little is read and
nothing kept. Addresses come from the configuration alone, so whoever may write that decides what is reached.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import aiohttp

from relay.model.notification import GONE, Answer

READ = 16 * 1024
"""Octets of an answer's body that are read, so that a connection can be used again; of a longer one it is closed."""


def session(connections: int) -> aiohttp.ClientSession:
    """To be closed by the caller. `connections`: at once, to one endpoint."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections, ttl_dns_cache=60),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        headers={"User-Agent": "Mailwitness", "Content-Type": "application/json"},
        # Field and header sizes of an answer are bounded by aiohttp (8190 octets a line).
    )


async def post(
    client: aiohttp.ClientSession, url: str, content: bytes, headers: Mapping[str, str], *, timeout: float, now: int
) -> Answer:
    """What became of it; never raises. `timeout`: seconds for all of it; `now`: UTC microseconds."""
    limits = aiohttp.ClientTimeout(total=timeout)
    try:
        async with client.post(url, data=content, headers=headers, allow_redirects=False, timeout=limits) as response:
            answer = _answer(response, now)
            await _drain(response)
            return answer
    except TimeoutError:
        return Answer(None, f"no answer within {timeout:g} s")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return Answer(None, _in_words(error))


async def _drain(response: aiohttp.ClientResponse) -> None:
    """The answer's status counts, however its body ends."""
    try:
        taken = 0
        while chunk := await response.content.read(READ):
            taken += len(chunk)
            if taken > READ:
                break
    except (aiohttp.ClientError, OSError, TimeoutError):
        pass
    if not response.content.at_eof():
        response.close()


def _answer(response: aiohttp.ClientResponse, now: int) -> Answer:
    status = response.status
    if 200 <= status < 300:
        return Answer(status)
    error = f"answered {status}"
    if 300 <= status < 400:
        error += ": redirects are not followed"
    elif status == GONE:
        error += " Gone: told nothing more"
    return Answer(status, error, retry_after(response.headers.get("Retry-After", ""), now))


def retry_after(value: str, now: int) -> int | None:
    """Seconds that a Retry-After field asks for; None if there is none or it is neither seconds nor a date."""
    text = value.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    try:
        return max(round(parsedate_to_datetime(text).timestamp() - now / 1_000_000), 0)
    except (ValueError, TypeError, OverflowError):
        return None


def _in_words(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"its certificate is not accepted: {error.certificate_error}"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name cannot be resolved"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"cannot connect: {error.os_error.strerror or error.os_error}"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the connection was closed without an answer"
    if isinstance(error, aiohttp.InvalidURL):
        return "its address cannot be used"
    if isinstance(error, (ssl.SSLError, aiohttp.ClientResponseError)):
        return f"{type(error).__name__}: not an answer that HTTP knows"
    return f"the connection failed: {type(error).__name__}"
