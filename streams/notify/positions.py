"""How far each target has come, in one commit: the offset is the least of all, the text beside it has each one's own.

So what a commit passes was taken or refused by every target, and after a restart each goes on where it was. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping


def as_commit(positions: Mapping[str, int]) -> tuple[int, str]:
    """Return offset and text of a commit.

    >>> as_commit({"pager": 7, "chat": 9})
    (7, '{"pager":7,"chat":9}')
    """
    return min(positions.values()), json.dumps(positions, separators=(",", ":"))


def from_commit(offset: int | None, text: str, targets: Iterable[str], end: int) -> dict[str, int]:
    """Return where each target goes on; `offset` is None before the first commit, `end` is where the partition ends.

    A target that was not there when it was committed begins with what comes from now on. Where the text can't be read,
    all go on at the offset: that repeats some, and loses none.

    >>> from_commit(7, '{"pager":7,"chat":9}', ["pager", "chat", "new"], 12)
    {'pager': 7, 'chat': 9, 'new': 12}
    """
    if offset is None:
        return dict.fromkeys(targets, end)
    try:
        known = json.loads(text)
    except ValueError:
        known = None
    if not isinstance(known, dict) or not all(type(one) is int for one in known.values()):
        return dict.fromkeys(targets, min(offset, end))
    return {name: min(max(known.get(name, end), 0), end) for name in targets}
