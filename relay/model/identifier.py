"""The form of our ids: ULIDs, 26 characters of Crockford's base32 (github.com/ulid/spec)."""

from __future__ import annotations

ULID_PATTERN = "[0-7][0-9A-HJKMNP-TV-Z]{25}"
