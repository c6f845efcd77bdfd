"""The intake is tested on uvloop, on which it runs in production; its life and TLS also on asyncio's own loop."""

from __future__ import annotations

import asyncio

import uvloop

BOTH = ("test_intake_life.py", "test_standard_clients.py")


def pytest_asyncio_loop_factories(config, item):
    if item.path.name in BOTH:
        return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}
    return {"uvloop": uvloop.new_event_loop}
