"""Edits applied and merged: `wire content = splice(content, edits)`.

An edit says nothing of why; its `step` names who asked. Storing edits is the archive's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from relay.model.edit import Edit


def splice(content: bytes, edits: Sequence[Edit]) -> bytes:
    """`content` with every edit applied; the very same octets when there are none.

    Edits are relative to `content`, in order, and do not overlap; two insertions at one place appear in list order.
    Raises ValueError otherwise: the edits belong to another content, so nothing may be sent.

    >>> splice(b"abcd", [Edit(0, 0, b"x", "a"), Edit(1, 3, b"", "b")])
    b'xad'
    """
    if not edits:
        return content
    _check(edits, len(content))
    pieces: list[bytes | memoryview] = []
    view = memoryview(content)
    position = 0
    for edit in edits:
        pieces += (view[position : edit.start], edit.replacement)
        position = edit.stop
    pieces.append(view[position:])
    return b"".join(pieces)


def merge(*steps: Iterable[Edit]) -> tuple[Edit, ...]:
    """The edits of several steps, all relative to the same content, as one list for `splice`.

    Earlier steps come first where two insert at one place. An edit lying wholly within a longer one of an earlier
    step is dropped: its octets are gone. Raises ValueError for any other overlap.
    """
    ranked = [(edit.start, -(edit.stop > edit.start), rank, edit) for rank, step in enumerate(steps) for edit in step]
    # At one start: insertions before replacements, so that the insertion's place still exists.
    ranked.sort(key=lambda item: (item[0], -item[1], item[2]))
    kept: list[tuple[int, Edit]] = []
    for _, _, rank, edit in ranked:
        if kept and edit.start < kept[-1][1].stop:
            owner, outer = kept[-1]
            if owner < rank and edit.stop <= outer.stop:
                continue
            raise ValueError(f"edits overlap: {outer.step} [{outer.start}, {outer.stop}), {edit.step} at {edit.start}")
        kept.append((rank, edit))
    return tuple(edit for _, edit in kept)


def _check(edits: Sequence[Edit], size: int) -> None:
    position = 0
    for edit in edits:
        if not position <= edit.start <= edit.stop <= size:
            raise ValueError(
                f"edit {edit.step} [{edit.start}, {edit.stop}) does not fit: {size} octets, {position} already passed"
            )
        position = edit.stop
