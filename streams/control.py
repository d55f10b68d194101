"""Control records: what `replay` says to intake between the events, as a header of a record that has no value."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

HEADER = "pollwatch-control"


class Control(msgspec.Struct, frozen=True):
    """Event time has come to `watermark_ms` in this partition; with `end`, nothing more comes for now."""

    watermark_ms: int
    end: bool


def control_record(watermark_ms: int, end: bool) -> list[tuple[str, bytes]]:
    """Return the headers of a control record; its value is None."""
    return [(HEADER, msgspec.json.encode(Control(watermark_ms, end)))]


def parse_control(headers: Iterable[tuple[str, bytes]]) -> Control | None:
    """Return what the headers of a record without a value say, or None if they are not a control record's."""
    for name, value in headers:
        if name == HEADER:
            try:
                return msgspec.json.decode(value, type=Control)
            except msgspec.DecodeError:
                return None
    return None
