"""What was read of one source, cut as intake cuts it; and the only part of a block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from detectors.block import Block, Part
from detectors.columns import Int64s
from streams.control import Control
from streams.cut import ShardOf, cut
from streams.cutter import Cutter, Read, SourceRange
from streams.decode import Decoded


@dataclass(frozen=True)
class ReadOfOne:
    """Offsets [start, end) of one source; `offset` and `arrived_ms` have one entry for each row."""

    start: int
    end: int
    offset: Int64s
    arrived_ms: Int64s
    decoded: Decoded
    controls: Sequence[tuple[int, Control]] = ()


def cut_one(cutter: Cutter, one: ReadOfOne, shards: int, shed: bool = False) -> list[Block]:
    """Return the blocks of what was read of one source."""
    its = SourceRange(one.start, one.end, slice(0, len(one.offset)), one.controls)
    return cut(ShardOf(shards), Read(one.offset, one.arrived_ms, one.decoded), [(cutter, its)], shed)


def only(block: Block) -> Part:
    """Return the part of a block that has one."""
    (part,) = block.parts
    return part
