"""A rule that names addresses: `a@example.com`, `@example.com`, or `@.example.com` with the domains under it. Pure.

Case is ignored: a rule names a mailbox or a domain of somebody, and no provider tells mailboxes apart by case.
"""

from __future__ import annotations

from collections.abc import Iterable


def names(rule: str, address: str) -> bool:
    """Whether the rule names the address; the null address '' is named by none."""
    rule, address = rule.casefold(), address.casefold()
    local, _, wanted = rule.rpartition("@")
    if local:
        return rule == address
    domain = address.rpartition("@")[2]
    if wanted.startswith("."):
        return domain == wanted[1:] or domain.endswith(wanted)
    return bool(domain) and domain == wanted


def any_names(rules: Iterable[str], address: str) -> bool:
    return any(names(rule, address) for rule in rules)
