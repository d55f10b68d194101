"""How blocks and reports travel between the stages: MessagePack with columns as raw little-endian bytes.

The first byte of a message is its format version: that of a block is 4, or 1 to 3 where it has
one source, that of a report is 1, 2 or 4, or where it is compressed 3 or 5. A version that this code can't read stops the partition with a message that says so: a newer worker wrote
it, and this one must be updated before it may go on. A column in which nothing is said travels as no bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

import msgspec
import numpy as np
import zstandard
from numpy.typing import NDArray

from detectors.block import Block, Part, Rows, Standing
from detectors.columns import Int32s, Int64s
from detectors.findings import Report
from detectors.senders import MISSING, PLAIN_COLUMNS, SKETCH_WIDTH, Senders, unknown_senders
from detectors.strings import Strings
from detectors.watermark import Steps
from streams.wire_formats import WireBlock, WireBlockOfOne, WirePart

VERSION = 4
REPORT_VERSION = 4
_PACKED_REPORT = 5
_BLOCKS_OF_ONE = (1, 2, 3)
_BLOCKS = (*_BLOCKS_OF_ONE, VERSION)
_REPORTS = (1, 2, 4)
_PACKED_REPORTS = (3, 5)
_LARGE_REPORT_BYTES = 64 * 1024
_LARGEST_REPORT_BYTES = 256 << 20
# 49 days; arrival measures latency only, and that of older records than this says nothing
_LONGEST_ARRIVAL_MS = (1 << 32) - 1


class UnreadableMessage(Exception):
    """A message of the exchange or the findings is not what this code, or any other version of it, writes."""


class UnreadableVersion(UnreadableMessage):
    """A message was written in a format this code does not know."""


_encoder = msgspec.msgpack.Encoder()
_block_decoder = msgspec.msgpack.Decoder(WireBlock)
_block_of_one_decoder = msgspec.msgpack.Decoder(WireBlockOfOne)
_report_decoder = msgspec.msgpack.Decoder(Report)

_Message = TypeVar("_Message")


def encode_block(block: Block) -> bytes:
    """Return a block as bytes, its lists of names cut down to those its rows use."""
    rows, parts = block.rows, block.parts
    polls, poll = _used(rows.poll)
    options, option = _used(rows.option)
    first_arrived_ms = int(rows.arrived_ms.min()) if len(rows) else 0
    start = np.repeat([part.start for part in parts], [part.rows for part in parts])
    wire = WireBlock(
        [_wire_part(part) for part in parts],
        _of_steps(parts, "offset"),
        _of_steps(parts, "ms"),
        _of_steps(parts, "arrived_ms"),
        (rows.offset - start).astype(np.uint32).tobytes(),
        rows.ts_ms.tobytes(),
        rows.event.tobytes(),
        rows.account.tobytes(),
        poll.tobytes(),
        option.tobytes(),
        np.minimum(rows.arrived_ms - first_arrived_ms, _LONGEST_ARRIVAL_MS).astype(np.uint32).tobytes(),
        first_arrived_ms,
        [rows.poll_ids[code] for code in polls],
        [rows.options[code] for code in options],
        rows.sender.account_ids.data.tobytes(),
        _lengths(rows.sender.account_ids),
        _said(rows.sender),
        rows.sender.sketch.tobytes(),
        rows.sender.sketch.shape[1],
    )
    return bytes([VERSION]) + _encoder.encode(wire)


def _wire_part(part: Part) -> WirePart:
    return WirePart(part.source, part.start, part.end, int(part.standing), part.shed, part.rows, len(part.steps.ms))


def _of_steps(parts: Sequence[Part], name: str) -> bytes:
    return b"".join([getattr(part.steps, name).tobytes() for part in parts])


def decode_block(message: bytes) -> Block:
    """Return the block that `encode_block` wrote. Raises UnreadableMessage for anything else."""
    if message and message[0] in _BLOCKS_OF_ONE:
        wire = _decode(_block_of_one_decoder, message, _BLOCKS_OF_ONE).as_block()
    else:
        wire = _decode(_block_decoder, message, _BLOCKS)
    try:
        return _block(wire)
    except (ValueError, OverflowError, TypeError, KeyError) as error:
        raise UnreadableMessage(f"no block: {error}") from error


def _block(wire: WireBlock) -> Block:
    """Return the block. Raises ValueError, OverflowError, TypeError or KeyError where its parts do not fit together."""
    parts = _parts(wire)
    start = np.repeat(np.array([part.start for part in parts], np.int64), [part.rows for part in parts])
    rows = Rows(
        np.frombuffer(wire.offset, np.uint32).astype(np.int64) + start,
        np.frombuffer(wire.ts_ms, np.int64),
        np.frombuffer(wire.event, np.uint64),
        np.frombuffer(wire.account, np.uint64),
        np.frombuffer(wire.poll, np.int32),
        np.frombuffer(wire.option, np.int32),
        np.frombuffer(wire.arrived_ms, np.uint32).astype(np.int64) + wire.first_arrived_ms,
        _sender(wire),
        wire.poll_ids,
        wire.options,
    )
    block = Block(parts, rows)
    _check(wire, block)
    return block


def _parts(wire: WireBlock) -> list[Part]:
    steps = Steps(*(np.frombuffer(column, np.int64) for column in (wire.step_offset, wire.step_ms, wire.step_arrived_ms)))
    parts, end = [], 0
    for one in wire.parts:
        begin, end = end, end + one.steps
        its = Steps(steps.offset[begin:end], steps.ms[begin:end], steps.arrived_ms[begin:end])
        parts.append(Part(one.source, one.start, one.end, its, one.rows, Standing(one.standing), one.shed))
    if not len(steps.offset) == len(steps.ms) == len(steps.arrived_ms) == end or any(one.steps < 0 for one in wire.parts):
        raise ValueError("its steps do not fit")
    # before anything is made that is so long
    if sum(one.rows for one in wire.parts) * 8 != len(wire.event) or any(one.rows < 0 for one in wire.parts):
        raise ValueError("its rows do not fit")
    return parts


def _check(wire: WireBlock, block: Block) -> None:
    """Raise ValueError unless columns are as long as each other and say only what there is."""
    rows, sender = block.rows, block.rows.sender
    columns: list[NDArray[Any]] = [rows.ts_ms, rows.event, rows.account, rows.poll, rows.option, rows.arrived_ms]
    columns += [getattr(sender, name) for name in PLAIN_COLUMNS]
    whole = {
        "columns": {len(column) for column in columns} == {len(rows)} and len(sender.account_ids) == len(rows),
        "offsets": all(_fits(part, rows.offset[its]) for part, its in block.shares()),
        "polls": _lies_in(rows.poll, 0, len(wire.poll_ids)),
        "options": _lies_in(rows.option, -1, len(wire.options)),
        "ids": sender.account_ids.data.size == (int(sender.account_ids.ends[-1]) if len(rows) else 0),
        "sketches": wire.sketch_width in (0, SKETCH_WIDTH),
    }
    wrong = [name for name, right in whole.items() if not right]
    if wrong:
        raise ValueError(f"its {wrong[0]} do not fit")


def _fits(part: Part, offset: Int64s) -> bool:
    in_order = len(offset) < 2 or bool((offset[1:] >= offset[:-1]).all())
    return 0 <= part.start <= part.end < 1 << 62 and in_order and _lies_in(offset, part.start, part.end)


def _lies_in(column: Int32s | Int64s, start: int, stop: int) -> bool:
    return not len(column) or (int(column.min()) >= start and int(column.max()) < stop)


def encode_report(report: Report) -> bytes:
    """Return a report as bytes."""
    plain = _encoder.encode(report)
    if len(plain) < _LARGE_REPORT_BYTES:
        return bytes([REPORT_VERSION]) + plain
    return bytes([_PACKED_REPORT]) + zstandard.ZstdCompressor(level=1).compress(plain)


def decode_report(message: bytes) -> Report:
    """Return the report that `encode_report` wrote. Raises UnreadableMessage for anything else."""
    if message and message[0] in _PACKED_REPORTS:
        message = bytes([REPORT_VERSION]) + _unpacked(message[1:])
    report = _decode(_report_decoder, message, _REPORTS)
    standings = report.standings
    if len({len(standings.poll_ids), len(standings.options), len(standings.votes), len(standings.updated_ms)}) > 1:
        raise UnreadableMessage("no report: its standings do not fit")
    return report


def _unpacked(packed: bytes) -> bytes:
    """Return what was compressed: a few bytes can claim to stand for any number of them, so they are asked first."""
    try:
        claimed = zstandard.get_frame_parameters(packed).content_size
        if claimed > _LARGEST_REPORT_BYTES:
            raise UnreadableMessage(f"no report: {claimed} bytes in {len(packed)}, at most {_LARGEST_REPORT_BYTES} are taken")
        return zstandard.ZstdDecompressor().decompress(packed)
    except zstandard.ZstdError as error:
        raise UnreadableMessage(f"no report: {error}") from error


def _decode(decoder: msgspec.msgpack.Decoder[_Message], message: bytes, readable: Sequence[int]) -> _Message:
    if not message or message[0] not in readable:
        found = message[0] if message else "none"
        raise UnreadableVersion(f"format version {found} is not one of {', '.join(map(str, readable))}: update this worker")
    try:
        return decoder.decode(memoryview(message)[1:])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableMessage(f"not MessagePack of format version {message[0]}: {error}") from error


def _lengths(ids: Strings) -> bytes:
    return np.diff(ids.ends, prepend=0).astype(np.uint16).tobytes() if ids.data.size else b""


def _said(sender: Senders) -> dict[str, bytes]:
    columns = {name: getattr(sender, name) for name in PLAIN_COLUMNS}
    return {name: column.tobytes() for name, column in columns.items() if (column != MISSING[name]).any()}


def _sender(wire: WireBlock) -> Senders:
    rows = len(wire.event) // 8
    lengths = np.frombuffer(wire.id_lengths, np.uint16) if wire.ids else np.zeros(rows, np.uint16)
    ids = Strings(np.frombuffer(wire.ids, np.uint8), np.cumsum(lengths, dtype=np.int64))
    said: dict[str, Any] = {name: np.frombuffer(column, PLAIN_COLUMNS[name]) for name, column in wire.said.items()}
    sketch = np.frombuffer(wire.sketch, np.uint32).reshape(rows, wire.sketch_width)
    return replace(unknown_senders(ids), sketch=sketch, **said)


def _used(codes: Int32s) -> tuple[list[int], Int32s]:
    """Return the distinct codes that are not negative, and the codes counted among them (negative ones stay)."""
    if not len(codes):
        return [], codes
    present = np.flatnonzero(np.bincount(codes[codes >= 0])) if (codes >= 0).any() else np.zeros(0, np.int64)
    position = np.full(int(codes.max()) + 2, -1, dtype=np.int32)
    position[present] = np.arange(len(present), dtype=np.int32)
    return present.tolist(), position[codes]
