"""Codes of an authenticator app: six digits, new every 30 seconds. RFC 6238 over RFC 4226, with SHA-1 as apps have it.

Pure. That a code is taken once is the archive's work (`use_step`).
"""

from __future__ import annotations

import base64
import hmac
from urllib.parse import quote, urlencode

STEP = 30
"""Seconds."""
DIGITS = 6
SECRET_SIZE = 20
DRIFT = 1
"""Steps that a phone's clock may be before or after ours."""
_MICROSECONDS = 1_000_000


def code(secret: bytes, step: int) -> str:
    """The six digits of one time step."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def step_at(now: int) -> int:
    """`now`: UTC microseconds."""
    return now // (STEP * _MICROSECONDS)


def step_of(secret: bytes, given: str, now: int) -> int | None:
    """The time step that `given` is the code of, or None. Spaces in it do not matter.

    Every step that may be meant is compared, each in constant time, so that the time taken says nothing.
    """
    typed = "".join(given.split()).encode("utf-8", "replace")
    steps = range(step_at(now) - DRIFT, step_at(now) + DRIFT + 1)
    found = [step for step in steps if hmac.compare_digest(code(secret, step).encode(), typed)]
    return found[-1] if found else None


def written(secret: bytes) -> str:
    """The secret as people type it: base32 in groups of four."""
    text = base64.b32encode(secret).decode().rstrip("=")
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def address(secret: bytes, user: str, house: str) -> str:
    """What the app reads from the picture: `otpauth://totp/Mailwitness:ann?secret=…&issuer=Mailwitness`."""
    label = quote(f"{house}:{user}", safe=":@")
    values = {"secret": base64.b32encode(secret).decode().rstrip("="), "issuer": house}
    return f"otpauth://totp/{label}?{urlencode(values, quote_via=quote)}"
