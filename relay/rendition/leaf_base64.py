"""Changes in a base64 leaf: only the groups of three octets that hold a change are written anew, as far as can be.

A change that does not keep the rest in step by three gets white space added, if that means nothing; else all that
follows is written anew. RFC 2045 section 6.8.
"""

from __future__ import annotations

import binascii
import re
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from relay.model.edit import Edit
from relay.rendition.change import Change, Unfit
from relay.rendition.decode import from_base64
from relay.rendition.folding import Placed, folded

_CLEAN = re.compile(rb"[A-Za-z0-9+/ \t\r\n]*+(?:=[ \t\r\n]*+){0,2}")
_RUN = re.compile(rb"[A-Za-z0-9+/=]++")


class Base64Leaf:
    """`text` is the decoded body that stands at content[start:stop], not empty. Raises Unfit."""

    def __init__(self, content: bytes, start: int, stop: int) -> None:
        self._content = content
        self._places, self._digits = array("Q"), array("Q")
        """Where each run of digits begins: in the content, and counted in digits."""
        count = 0
        for match in _RUN.finditer(content, start, stop):
            self._places.append(match.start())
            self._digits.append(count)
            count += match.end() - match.start()
        body = content[start:stop]
        if _CLEAN.fullmatch(body) is None or count % 4:
            raise Unfit("its base64 is broken")
        self._count = count
        self.text = binascii.a2b_base64(body)
        if self.text != from_base64(body) or len(self.text) != count // 4 * 3 - body.count(b"="):
            raise Unfit("its base64 is broken")

    def fitting(self, changes: Sequence[Change]) -> list[Change]:
        """All of `changes`: lines can be broken anywhere."""
        return list(changes)

    def edits(self, changes: Sequence[Change], step: str) -> tuple[Edit, ...]:
        """The edits that make `changes`, which are in order and apart from each other."""
        return tuple(folded(self._content, self._placed(changes), b"\r\n", step))

    def _placed(self, changes: Sequence[Change]) -> Iterator[Placed]:
        for cluster, is_aligned in self._clusters(changes):
            first, last = cluster[0].start // 3, -(-cluster[-1].stop // 3)
            if not is_aligned:
                last = -(-len(self.text) // 3)
            octets = self._changed(cluster, 3 * first, 3 * last)
            stop = self._after_digit(4 * last - 1)
            start = self._place(4 * first) if first < last else stop
            encoded = binascii.b2a_base64(octets, newline=False)
            yield Placed(start, stop, self._line(start)[0], self._line(stop)[1], encoded)

    def _clusters(self, changes: Sequence[Change]) -> Iterator[tuple[list[Change], bool]]:
        """Changes that share a group, or leave what is between them out of step; and whether they end in step."""
        cluster: list[Change] = []
        shift = 0
        for change in changes:
            if cluster and not shift and change.start >= -(-cluster[-1].stop // 3) * 3:
                yield cluster, True
                cluster = []
            shift = (shift + len(change.replacement) - (change.stop - change.start)) % 3
            if shift and change.is_loose:
                change = Change(change.start, change.stop, change.replacement + b" " * (3 - shift), True)
                shift = 0
            cluster.append(change)
        if cluster:
            yield cluster, not shift

    def _changed(self, cluster: Sequence[Change], start: int, stop: int) -> bytes:
        pieces: list[bytes] = []
        for change in cluster:
            pieces += (self.text[start : change.start], change.replacement)
            start = change.stop
        return b"".join((*pieces, self.text[start:stop]))

    # -- where digits stand ------------------------------------------------------------------------------------
    def _place(self, digit: int) -> int:
        run = bisect_right(self._digits, digit) - 1
        return self._places[run] + digit - self._digits[run]

    def _after_digit(self, digit: int) -> int:
        """The place just after `digit`; for -1 that of the first digit."""
        return self._place(digit) + 1 if digit >= 0 else self._places[0]

    def _line(self, place: int) -> tuple[int, int]:
        """The run of digits that `place` stands in or just after: a line, if there are no spaces in it."""
        run = bisect_right(self._places, place) - 1
        following = self._digits[run + 1] if run + 1 < len(self._digits) else self._count
        return self._places[run], self._places[run] + following - self._digits[run]
