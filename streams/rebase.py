"""Moves the times of a recording's lines and leaves every other byte as it is. Knows no Kafka and no clock."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
import numpy as np

from detectors.columns import Int64s
from streams.decode import Decoded, Decoder

_TS = re.compile(rb'"ts"\s*:\s*(-?[0-9]+)')
_LATEST_MS = 2**53
_TRIES = 8


def rebased(lines: Sequence[bytes], decoded: Decoded, decoder: Decoder, by_ms: int) -> list[bytes]:
    """Return the lines with every accepted one's `ts` moved by `by_ms`; refused lines come back unchanged.

    `decoded` is what `decoder.recording(lines)` gave.
    """
    wanted = np.clip(decoded.ts_ms + by_ms, 0, _LATEST_MS)
    moved = list(lines)
    for index, old_ms, new_ms in zip(
        decoded.index.tolist(), decoded.ts_ms.tolist(), wanted.tolist(), strict=True
    ):
        match = _TS.search(lines[index])
        if match and match[1] == b"%d" % old_ms:
            moved[index] = _replaced(lines[index], match, new_ms)
    for index in _wrong(moved, decoded, wanted, decoder):
        moved[index] = _rewritten(lines[index], int(wanted[np.searchsorted(decoded.index, index)]), decoder)
    return moved


def _wrong(moved: list[bytes], decoded: Decoded, wanted: Int64s, decoder: Decoder) -> list[int]:
    """Find the lines whose first "ts" was not the one that counts: a key may stand twice, or deeper down."""
    again = decoder.recording(moved)
    found = np.full(len(moved), -1, dtype=np.int64)
    found[again.index] = again.ts_ms
    return [int(index) for index in decoded.index[found[decoded.index] != wanted]]


def _rewritten(line: bytes, ts_ms: int, decoder: Decoder) -> bytes:
    for match in list(_TS.finditer(line))[: -_TRIES - 1 : -1]:
        candidate = _replaced(line, match, ts_ms)
        again = decoder.recording([candidate])
        if len(again) and again.ts_ms[0] == ts_ms:
            return candidate
    # the key is written with escapes, or its like stands in many places: spell the object anew, values as they are
    fields = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    return msgspec.json.encode({**fields, "ts": ts_ms})


def _replaced(line: bytes, match: re.Match[bytes], ts_ms: int) -> bytes:
    return line[: match.start(1)] + b"%d" % ts_ms + line[match.end(1) :]
