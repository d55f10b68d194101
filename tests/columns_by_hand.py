"""Small columns written by hand, for tests of what takes columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from detectors.block import NO_ROWS, Block, Part, Rows, Standing
from detectors.columns import hashes, int32s, int64s
from detectors.senders import NO_CODE, NO_COUNTRY, PLAIN_COLUMNS, unknown_senders
from detectors.strings import strings
from detectors.watermark import NO_STEPS, Steps


@dataclass(frozen=True)
class Event:
    """One vote, or a reply when `option` is None."""

    offset: int
    ts_ms: int
    event: int
    account: int = 1
    poll: str = "poll"
    option: str | None = "yes"
    arrived_ms: int = 0
    client: int = NO_CODE
    country: int = NO_COUNTRY


def rows_of(events: Sequence[Event]) -> Rows:
    """Return events as a block carries them."""
    polls = list(dict.fromkeys(e.poll for e in events))
    options = list(dict.fromkeys(e.option for e in events if e.option is not None))
    return Rows(
        int64s([e.offset for e in events]),
        int64s([e.ts_ms for e in events]),
        hashes([e.event for e in events]),
        hashes([e.account for e in events]),
        int32s([polls.index(e.poll) for e in events]),
        int32s([-1 if e.option is None else options.index(e.option) for e in events]),
        int64s([e.arrived_ms for e in events]),
        replace(
            unknown_senders(strings([f"account-{e.account}" for e in events])),
            client=np.array([e.client for e in events], np.uint32),
            country=np.array([e.country for e in events], np.int16),
        ),
        polls,
        options,
    )


def steps_of(steps: Iterable[tuple[int, int] | tuple[int, int, int]]) -> Steps:
    """Return watermarks from (offset, ms), or (offset, ms, the brokers' time)."""
    told = [(*step, 0)[:3] for step in steps]
    return Steps(*(int64s([step[n] for step in told]) for n in range(3)))


def block_of(
    source: str,
    start: int,
    end: int,
    events: Sequence[Event] = (),
    steps: Iterable[tuple[int, int] | tuple[int, int, int]] = (),
    standing: Standing = Standing.OPEN,
) -> Block:
    """Return a block."""
    return one_part(Part(source, start, end, steps_of(steps), len(events), standing), rows_of(events))


def one_part(part: Part, rows: Rows = NO_ROWS) -> Block:
    """Return a block of one source."""
    return Block([replace(part, rows=len(rows))], rows)


def shed_block(block: Block, shed: bool = True) -> Block:
    """Return a block whose parts are shed."""
    return replace(block, parts=[replace(part, shed=shed) for part in block.parts])


def assert_same_parts(one: Block, other: Block) -> None:
    """Fail unless two blocks are of the same sources, and say the same of their time."""
    for mine, theirs in zip(one.parts, other.parts, strict=True):
        assert replace(mine, steps=NO_STEPS) == replace(theirs, steps=NO_STEPS)
        for name in ("offset", "ms", "arrived_ms"):
            assert np.array_equal(getattr(mine.steps, name), getattr(theirs.steps, name)), name


def assert_same_rows(one: Rows, other: Rows) -> None:
    """Fail unless two sets of rows say the same, whatever their codes are."""
    for name in ("offset", "ts_ms", "event", "account", "arrived_ms"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    assert one.sender.account_ids.texts() == other.sender.account_ids.texts()
    for name in (*PLAIN_COLUMNS, "sketch"):
        assert np.array_equal(getattr(one.sender, name), getattr(other.sender, name)), name
    assert [one.poll_ids[code] for code in one.poll] == [other.poll_ids[code] for code in other.poll]
    assert _options(one) == _options(other)


def _options(rows: Rows) -> list[str | None]:
    return [rows.options[code] if code >= 0 else None for code in rows.option]
