"""Cuts fetched records into runs of one partition, in turns, each under a record and a byte limit.

Must not know Faust: in go records by partition, out come (partition, run) pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from streams.transport.records import Records

TP = TypeVar("TP", bound=Hashable)


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """The largest run an agent is handed. A single record above `max_bytes` makes a run of its own.

    Records of a partition that is read to its end gather for up to `gather_ms` (`streams.transport.gathering`).
    """

    max_records: int = 5_000
    max_bytes: int = 4 << 20
    gather_ms: int = 0

    def __post_init__(self) -> None:
        if self.max_records < 1 or self.max_bytes < 1:
            raise ValueError(
                f"set max_records and max_bytes to 1 or more, not {self.max_records}, {self.max_bytes}"
            )


ONE_RECORD = BatchLimits(max_records=1)


def runs(records: Records, limits: BatchLimits) -> Iterator[Records]:
    """Yield consecutive slices of `records` in order; together they are `records`."""
    for begin in range(0, len(records), limits.max_records):
        run = records[begin : begin + limits.max_records] if len(records) > limits.max_records else records
        if len(run) > 1 and run.value_bytes() > limits.max_bytes:
            yield from _by_bytes(run, limits.max_bytes)
        else:
            yield run


def _by_bytes(records: Records, max_bytes: int) -> Iterator[Records]:
    begin, size = 0, 0
    for i, length in enumerate(records.values.column().lengths().tolist()):
        size += length
        if size > max_bytes and i > begin:
            yield records[begin:i]
            begin, size = i, length
    yield records[begin:]


def in_turns(
    fetched: Mapping[TP, Records], limits_of: Callable[[TP], BatchLimits]
) -> Iterator[tuple[TP, Records]]:
    """Yield one run of each partition in turn, so that a full partition does not hold the others back."""
    waiting = {tp: runs(records, limits_of(tp)) for tp, records in fetched.items()}
    while waiting:
        for tp in list(waiting):
            run = next(waiting[tp], None)
            if run is None:
                del waiting[tp]
            else:
                yield tp, run
