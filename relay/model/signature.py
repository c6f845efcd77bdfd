"""A DKIM signature as facts: who signed a sent copy, with which key, and what that is worth to DMARC.

Made by `relay.rendition.signing`, kept with the attempt, shown by the viewer. RFC 6376, RFC 7489 section 3.1.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

DNS_LIMIT = 253
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
DNS_NAME = rf"{_LABEL}(?:\.{_LABEL})*"
"""Labels as the DNS has them, at most DNS_LIMIT octets; beyond ASCII as `xn--…` (RFC 6376 section 3.5, d= and s=)."""


class Algorithm(StrEnum):
    RSA = "rsa-sha256"
    ED25519 = "ed25519-sha256"


class Alignment(StrEnum):
    """How the signing domain agrees with the domain of the From field."""

    STRICT = "strict"
    """The same domain: DMARC passes by this signature, whatever the domain's policy asks for."""
    RELAXED = "relaxed"
    """One lies within the other: DMARC passes unless the policy says `adkim=s`."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature on one sent copy. `public_key`: the p= of its DNS record, as it was when we signed."""

    domain: str
    selector: str
    algorithm: Algorithm
    public_key: str
    alignment: Alignment
