"""Commands that look often whether the server beside them is done."""

from __future__ import annotations

import pytest

from relay.commands import erase, retention


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for command in (erase, retention):
        monkeypatch.setattr(command, "LOOK", 0.05)
