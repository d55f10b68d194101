"""What rows say of who sent them. All of it is optional: each column has a value that means it was not said."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from detectors.columns import Int32s, Int64s, int32s, int64s
from detectors.strings import NO_STRINGS, Strings, joined

Codes: TypeAlias = NDArray[np.uint32]
Sketches: TypeAlias = NDArray[np.uint32]
Countries: TypeAlias = NDArray[np.int16]

NO_TIME_MS = -(1 << 62)
NO_COUNT = -1
NO_CODE = 0
NO_COUNTRY = -1

SKETCH_WIDTH = 32
"""Numbers in the sketch of a reply's text; a row without a text worth sketching has zeros."""

MISSING = {
    "created_ms": NO_TIME_MS,
    "followers": NO_COUNT,
    "client": NO_CODE,
    "network": NO_CODE,
    "country": NO_COUNTRY,
    "referrer": NO_CODE,
}
PLAIN_COLUMNS = {
    "created_ms": "i8",
    "followers": "i4",
    "client": "u4",
    "network": "u4",
    "country": "i2",
    "referrer": "u4",
}


@dataclass(frozen=True, slots=True)
class Senders:
    """n rows: account ids as text, and what may be missing.

    `created_ms` is when the account was made (`NO_TIME_MS`: not said), `followers` how many it has (`NO_COUNT`);
    `client`, `network` and `referrer` are keyed 32-bit hashes (`NO_CODE`); `country` is 26 x first letter + second
    (`NO_COUNTRY`). `sketch` has n rows of `SKETCH_WIDTH` numbers (`detectors.sketch`), or of none where no
    detector reads texts.
    """

    account_ids: Strings
    created_ms: Int64s
    followers: Int32s
    client: Codes
    network: Codes
    country: Countries
    referrer: Codes
    sketch: Sketches

    def __len__(self) -> int:
        return len(self.created_ms)

    def take(self, rows: Any) -> Senders:
        """Return the rows that a slice, a mask or an array of indices selects, their ids end to end."""
        return self._with(self.account_ids.take(rows), rows)

    def view(self, rows: Any) -> Senders:
        """Return the rows that a slice, a mask or an array of indices selects, their ids as a view."""
        return self._with(self.account_ids.view(rows), rows)

    def contiguous(self) -> Senders:
        """Return the same rows with their ids end to end."""
        return replace(self, account_ids=self.account_ids.contiguous())

    def _with(self, account_ids: Strings, rows: Any) -> Senders:
        plain = {name: getattr(self, name)[rows] for name in PLAIN_COLUMNS}
        return Senders(account_ids=account_ids, sketch=self.sketch[rows], **plain)


def senders(parts: list[Senders]) -> Senders:
    """Return rows of several parts, one after the other; their sketches must be equally wide."""
    parts = [part for part in parts if len(part)]
    if len(parts) < 2:
        return parts[0] if parts else NO_SENDERS
    plain = {name: np.concatenate([getattr(part, name) for part in parts]) for name in PLAIN_COLUMNS}
    sketch = np.concatenate([part.sketch for part in parts])
    return Senders(account_ids=joined([part.account_ids for part in parts]), sketch=sketch, **plain)


def packed(sender: Senders) -> dict[str, bytes]:
    """Return rows as plain data."""
    plain = {name: getattr(sender, name).tobytes() for name in PLAIN_COLUMNS}
    ids = sender.account_ids.contiguous()
    return plain | {"ids": ids.data.tobytes(), "id_ends": ids.ends.tobytes(), "sketch": sender.sketch.tobytes()}


def unpacked(state: dict[str, bytes], sketch_width: int) -> Senders:
    """Return the rows that `packed` wrote."""
    plain = {name: np.frombuffer(state[name], dtype) for name, dtype in PLAIN_COLUMNS.items()}
    ids = Strings(np.frombuffer(state["ids"], np.uint8), np.frombuffer(state["id_ends"], np.int64))
    sketch = np.frombuffer(state["sketch"], np.uint32).reshape(len(ids), sketch_width)
    return Senders(account_ids=ids, sketch=sketch, **plain)


def with_sketches(sender: Senders, width: int) -> Senders:
    """Return the rows with sketches of this width: cut off, or zeros where there were none."""
    if sender.sketch.shape[1] == width:
        return sender
    sketch = sender.sketch[:, :width] if sender.sketch.shape[1] else np.zeros((len(sender), width), np.uint32)
    return replace(sender, sketch=sketch)


def account_ids_only(sender: Senders) -> Senders:
    """Return the rows with nothing said but account ids and sketches: what is needed across polls."""
    return replace(unknown_senders(sender.account_ids), sketch=sender.sketch)


def unknown_senders(account_ids: Strings, sketch_width: int = 0) -> Senders:
    """Return rows of which nothing but the account ids is said.

    >>> from detectors.strings import strings
    >>> unknown_senders(strings(["a", "b"])).followers
    array([-1, -1], dtype=int32)
    """
    rows = len(account_ids)
    plain: dict[str, Any] = {name: np.full(rows, MISSING[name], dtype) for name, dtype in PLAIN_COLUMNS.items()}
    return Senders(account_ids=account_ids, sketch=np.zeros((rows, sketch_width), np.uint32), **plain)


NO_SENDERS = Senders(
    NO_STRINGS,
    int64s(),
    int32s(),
    np.zeros(0, np.uint32),
    np.zeros(0, np.uint32),
    np.zeros(0, np.int16),
    np.zeros(0, np.uint32),
    np.zeros((0, 0), np.uint32),
)


def country_name(code: int) -> str:
    """Return the two letters of a country's code.

    >>> country_name(26 * (ord("U") - ord("A")) + ord("A") - ord("A"))
    'UA'
    """
    return chr(ord("A") + code // 26) + chr(ord("A") + code % 26)
