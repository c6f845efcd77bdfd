"""Regular expressions that people give: whether they are any, in Python's syntax or in RE2's (linear time)."""

from __future__ import annotations

import re

import re2


def pattern_fault(pattern: str, *, is_linear: bool) -> str:
    """Why it is no regular expression, in Python's syntax or in RE2's; '' if it is one."""
    try:
        if is_linear:
            re2.compile(pattern, _quiet())
        else:
            re.compile(pattern)
    except (re.error, re2.error) as error:
        what = error.args[0] if error.args else error
        return what.decode("utf-8", "replace") if isinstance(what, bytes) else str(what)
    return ""


def matches_nothing(pattern: str, *, is_linear: bool) -> bool:
    """Whether it finds a code where there is no text."""
    compiled = re2.compile(pattern, _quiet()) if is_linear else re.compile(pattern)
    return compiled.fullmatch("") is not None


def _quiet() -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    return options
