"""Blocks as they travel, field by field: as they are written now, and as they were."""

from __future__ import annotations

import msgspec


class WirePart(msgspec.Struct, array_like=True):
    """What a block has of one source: so many of its rows, and of its steps."""

    source: str
    start: int
    end: int
    standing: int
    shed: bool
    rows: int
    steps: int


class WireBlock(msgspec.Struct, array_like=True):
    """Version 4: rows and steps of all parts, one part's after another's."""

    parts: list[WirePart]
    step_offset: bytes  # i8, the steps of all parts
    step_ms: bytes  # i8
    step_arrived_ms: bytes  # i8
    offset: bytes  # u4, from `start` of its part
    ts_ms: bytes  # i8
    event: bytes  # u8
    account: bytes  # u8
    poll: bytes  # i4 into poll_ids
    option: bytes  # i4 into options
    arrived_ms: bytes  # u4, from `first_arrived_ms`, cut off at its largest
    first_arrived_ms: int
    poll_ids: list[str]
    options: list[str]
    ids: bytes
    id_lengths: bytes  # u2
    said: dict[str, bytes]  # columns of `detectors.senders.PLAIN_COLUMNS` in which something is said
    sketch: bytes  # u4, `sketch_width` a row
    sketch_width: int


class WireBlockOfOne(msgspec.Struct, array_like=True):
    """Versions 1 to 3: one source. Rows of version 1 say nothing of who sent them, so nobody can be named by them."""

    source: str
    start: int
    end: int
    standing: int
    step_offset: bytes
    step_ms: bytes
    offset: bytes
    ts_ms: bytes
    event: bytes
    account: bytes
    poll: bytes
    option: bytes
    arrived_ms: bytes
    first_arrived_ms: int
    poll_ids: list[str]
    options: list[str]
    ids: bytes = b""
    id_lengths: bytes = b""
    said: dict[str, bytes] = {}
    sketch: bytes = b""
    sketch_width: int = 0
    step_arrived_ms: bytes = b""  # since version 3
    shed: bool = False  # since version 3

    def as_block(self) -> WireBlock:
        """Return the same as it is written now."""
        part = WirePart(
            self.source, self.start, self.end, self.standing, self.shed, len(self.event) // 8, len(self.step_ms) // 8
        )
        same = {name: getattr(self, name) for name in WireBlock.__struct_fields__ if hasattr(self, name)}
        arrived_ms = self.step_arrived_ms.ljust(len(self.step_ms), b"\0")
        return WireBlock(**{**same, "parts": [part], "step_arrived_ms": arrived_ms})
