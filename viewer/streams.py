"""Answers that are sent while they are made, with flat memory, and file downloads in general."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping

from aiohttp import web
from aiohttp.helpers import content_disposition_header

from relay import maillog

INERT = "default-src 'none'; sandbox"
"""The policy of everything that came out of a message: should a browser show it, it can do nothing."""


def attachment(filename: str, *, inline: bool = False) -> str:
    """A Content-Disposition value: RFC 6266, with RFC 5987 for what is not ASCII.

    >>> attachment("01J.eml")
    'attachment; filename="01J.eml"'
    """
    return content_disposition_header("inline" if inline else "attachment", filename=filename)


def download(body: bytes, content_type: str, filename: str, *, inline: bool = False) -> web.Response:
    """`body` as a file that a browser saves, or shows without giving it any power."""
    headers = {
        "Content-Type": content_type,
        "Content-Disposition": attachment(filename, inline=inline),
        "Content-Security-Policy": INERT,
    }
    return web.Response(body=body, headers=headers)


async def stream(request: web.Request, chunks: AsyncIterator[bytes], headers: Mapping[str, str]) -> web.StreamResponse:
    """Sends `chunks`. One that fails before the first chunk fails the request; a later failure cuts the connection,

    so that no one takes half a file for a whole one.
    """
    response = web.StreamResponse(headers={"Content-Security-Policy": INERT, **headers})
    try:
        first = b"" if request.method == "HEAD" else await anext(chunks, b"")
        await response.prepare(request)
        if request.method != "HEAD":
            await _write(request, response, first, chunks)
    finally:
        await close(chunks)
    return response


async def _write(
    request: web.Request, response: web.StreamResponse, first: bytes, chunks: AsyncIterator[bytes]
) -> None:
    try:
        await response.write(first)
        async for chunk in chunks:
            await response.write(chunk)
        await response.write_eof()
    except ConnectionError:
        return
    except Exception as error:  # the top of a web request that has begun to answer
        maillog.room_failed("viewer", error)
        if request.transport is not None:
            request.transport.abort()


async def close(chunks: AsyncIterator[object]) -> None:
    """Ends a generator that was not read to its end, so that what it holds is let go of now."""
    if isinstance(chunks, AsyncGenerator):
        await chunks.aclose()
