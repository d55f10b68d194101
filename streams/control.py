"""Control records: what the sender of a recording tells intake about event time. Knows no client and no topic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

CONTROL_HEADER = "pollwatch-control"
CONTROL_KEY = b"pollwatch-control"
"""Clients refuse a record that has neither key nor value."""
LEAD_MS = 10_000
"""How far before the first event a recording says it begins: its first lines may be out of order."""


class Control(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Event time of one partition has come to `watermark_ms`; with `end`, nothing more will come in it."""

    watermark_ms: Annotated[int, Meta(ge=-(2**53), le=2**53)]
    end: bool

    def at_most(self, ms: int) -> Control:
        """Return the same with a watermark that is not later: whoever may send votes must not end all time to come."""
        return self if self.watermark_ms <= ms else Control(ms, self.end)


_decoder = msgspec.json.Decoder(Control)


def opening(first_ts_ms: int) -> Control:
    """Return what is sent before the first line, given the smallest `ts` of the first chunk."""
    return Control(watermark_ms=first_ts_ms - LEAD_MS, end=False)


def closing(last_ts_ms: int, window_ms: int) -> Control:
    """Return what is sent after the last line, given the largest `ts`: the window it falls in is over.

    >>> closing(119_999, 60_000).watermark_ms, closing(120_000, 60_000).watermark_ms
    (120000, 180000)
    """
    return Control(watermark_ms=(last_ts_ms // window_ms + 1) * window_ms, end=True)


def control_record(watermark_ms: int, end: bool) -> list[tuple[str, bytes]]:
    """Return the headers of a control record; its value is None and its key CONTROL_KEY."""
    return [(CONTROL_HEADER, msgspec.json.encode(Control(watermark_ms, end)))]


def parse_control(headers: Sequence[tuple[str, bytes | None]]) -> Control | None:
    """Return what a record without a value says, or None when it is no control record: then it is refused as any other.

    >>> parse_control(control_record(5, False))
    Control(watermark_ms=5, end=False)
    >>> parse_control([(CONTROL_HEADER, b'{"watermark_ms": "soon"}')])
    """
    for name, value in headers:
        if name == CONTROL_HEADER and value is not None:
            try:
                return _decoder.decode(value)
            except (msgspec.DecodeError, UnicodeDecodeError):
                return None
    return None
