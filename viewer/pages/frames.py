"""Inert documents as answers: what a sandboxed frame shows, under the policy that keeps it inert."""

from __future__ import annotations

from aiohttp import web

from viewer.message.preview import USUAL, Look, Preview


def framed(made: Preview, look: Look = USUAL) -> web.Response:
    """The document, which can run nothing, and fetch nothing but pictures that its reader asked for."""
    return document(made.document, look.policy)


def document(html: str, policy: str) -> web.Response:
    """An inert document. Pictures that it loads are not told where they are shown."""
    headers = {"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"}
    return web.Response(text=html, content_type="text/html", charset="utf-8", headers=headers)
