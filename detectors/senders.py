"""What rows say of who sent them. All of it is optional: each column has a value that means it was not said."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from detectors.columns import Bools, Int32s, Int64s, int32s, int64s
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

    While rows are on their way their columns may be *thin*: ids as a view, and `sketch` with rows only for those that
    have one, row i at `sketch_row[i]` (-1: none), those of one text at the same. Detectors are given `whole` rows.
    """

    account_ids: Strings
    created_ms: Int64s
    followers: Int32s
    client: Codes
    network: Codes
    country: Countries
    referrer: Codes
    sketch: Sketches
    sketch_row: Int32s | None = None

    def __len__(self) -> int:
        return len(self.created_ms)

    def take(self, rows: Any) -> Senders:
        """Return the rows that a slice, a mask or an array of indices selects."""
        return self.view(rows).whole()

    def view(self, rows: Any) -> Senders:
        """Return the rows that a slice, a mask or an array of indices selects, as thin as they are."""
        plain: dict[str, Any] = {name: getattr(self, name)[rows] for name in PLAIN_COLUMNS}
        ids = self.account_ids.view(rows)
        if self.sketch_row is None:
            return Senders(account_ids=ids, sketch=self.sketch[rows], **plain)
        return Senders(account_ids=ids, sketch=self.sketch, sketch_row=self.sketch_row[rows], **plain)

    def thin(self) -> Senders:
        """Return the same rows with sketches only for those that have one."""
        if self.sketch_row is not None:
            return self
        told = np.flatnonzero(self.sketch.any(axis=1)) if self.sketch.size else int64s()
        place = np.full(len(self), -1, np.int32)
        place[told] = np.arange(len(told))
        return replace(self, sketch=self.sketch[told], sketch_row=place)

    def has_sketches(self) -> bool:
        """Tell whether any row has one."""
        return bool(self.sketch.any() if self.sketch_row is None else (self.sketch_row >= 0).any())

    def whole(self) -> Senders:
        """Return the same rows with ids end to end and a sketch for each row."""
        ids = self.account_ids.contiguous()
        if self.sketch_row is None:
            return replace(self, account_ids=ids)
        sketch = np.zeros((len(self), self.sketch.shape[1]), np.uint32)
        told = np.flatnonzero(self.sketch_row >= 0)
        sketch[told] = self.sketch[self.sketch_row[told]]
        return replace(self, account_ids=ids, sketch=sketch, sketch_row=None)


def senders(parts: list[Senders]) -> Senders:
    """Return rows of several parts, one after the other; all are thin or none is, and sketches are equally wide."""
    parts = [part for part in parts if len(part)]
    if len(parts) < 2:
        return parts[0] if parts else NO_SENDERS
    plain: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in PLAIN_COLUMNS}
    ids, sketch = joined([part.account_ids for part in parts]), np.concatenate([part.sketch for part in parts])
    if parts[0].sketch_row is None:
        return Senders(account_ids=ids, sketch=sketch, **plain)
    shifts = np.cumsum([0, *(len(part.sketch) for part in parts[:-1])]).tolist()
    places = [
        np.where(part.sketch_row >= 0, part.sketch_row + shift, -1)
        for part, shift in zip(parts, shifts, strict=True)
        if part.sketch_row is not None
    ]
    return Senders(account_ids=ids, sketch=sketch, sketch_row=np.concatenate(places).astype(np.int32), **plain)


def packed(sender: Senders) -> dict[str, bytes]:
    """Return rows as plain data."""
    sender = sender.whole()
    plain = {name: getattr(sender, name).tobytes() for name in PLAIN_COLUMNS}
    ids = sender.account_ids
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
    sketch = sender.sketch[:, :width] if sender.sketch.shape[1] else np.zeros((len(sender.sketch), width), np.uint32)
    return replace(sender, sketch=sketch)


def account_ids_only(sender: Senders) -> Senders:
    """Return the rows with nothing said but account ids and sketches: what is needed across polls."""
    return replace(unknown_senders(sender.account_ids), sketch=sender.sketch, sketch_row=sender.sketch_row)


def unknown_senders(account_ids: Strings, sketch_width: int = 0) -> Senders:
    """Return rows of which nothing but the account ids is said.

    >>> from detectors.strings import strings
    >>> unknown_senders(strings(["a", "b"])).followers
    array([-1, -1], dtype=int32)
    """
    rows = len(account_ids)
    plain: dict[str, Any] = {name: np.full(rows, MISSING[name], dtype) for name, dtype in PLAIN_COLUMNS.items()}
    return Senders(account_ids=account_ids, sketch=np.zeros((rows, sketch_width), np.uint32), **plain)


def nobody(rows: int) -> Senders:
    """Return so many rows of which nothing is said, not even an account id.

    >>> nobody(2).account_ids.texts()
    ['', '']
    """
    return unknown_senders(Strings(np.zeros(0, np.uint8), np.zeros(rows, np.int64)))


def struck(sender: Senders, rows: Bools) -> Senders:
    """Return a copy in which these rows say nothing of who sent them, nor what he wrote."""
    whole = sender.whole()
    plain: dict[str, Any] = {name: np.where(rows, MISSING[name], getattr(whole, name)).astype(PLAIN_COLUMNS[name]) for name in MISSING}
    sketch = np.where(rows[:, np.newaxis], 0, whole.sketch).astype(np.uint32)
    return Senders(account_ids=whole.account_ids.without(rows), sketch=sketch, **plain)


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
