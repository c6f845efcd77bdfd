"""Forms of the viewer's pages as a person without JavaScript sends them."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

import aiohttp


async def read(client: aiohttp.ClientSession, path: str, status: int = 200) -> str:
    async with client.get(path) as answer:
        assert answer.status == status
        return html.unescape(await answer.text())


async def press(client: aiohttp.ClientSession, path: str, fields: Sequence[tuple[str, str]], status: int = 200) -> str:
    """Posts a form with the CSRF token; the page that follows."""
    found = re.search(r'name="csrf" value="([^"]+)"', await read(client, "/account"))
    assert found is not None
    async with client.post(path, data=[("csrf", found[1]), *fields]) as answer:
        assert answer.status == status, await answer.text()
        return html.unescape(await answer.text())


def confirmed(page: str, action: str, **more: str) -> list[tuple[str, str]]:
    """What the confirmation's form holds; `action` is where it leads."""
    form = page[page.index(f'action="{action}"') :]
    hidden = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form)
    return [(name, value) for name, value in hidden if name != "csrf"] + list(more.items())
