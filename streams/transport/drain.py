"""Takes what aiokafka's fetcher holds, as columns instead of a ConsumerRecord each.

Reaches into aiokafka 0.14: `Fetcher._records`, `FetchResult`, `PartitionRecords`. It checks the batches as they were sent,
and leaves out what was aborted; only their records, which it would pass on through three calls each, are read here. Must
not know Faust.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Any

from aiokafka.consumer.fetcher import FetchError

from streams.transport.batches import LenientBatch
from streams.transport.records import Records


async def drain(fetcher: Any, tps: set[Any], timeout_s: float, max_records: int) -> dict[Any, Records]:
    """Return records of `tps` and move their positions past them; wait up to `timeout_s` if there are none.

    The same as aiokafka's `fetched_records`, but a partition that was cut short goes to the end of the line, and a batch is
    never cut: there may be that many records more.
    Raises what a fetch failed with, once nothing else is left to return.
    """
    until = asyncio.get_running_loop().time() + timeout_s
    while True:
        if fetcher._subscriptions.reassignment_in_progress:
            await fetcher._subscriptions.wait_for_assignment()
        drained = _held(fetcher, tps, max_records)
        left_s = until - asyncio.get_running_loop().time()
        if drained or left_s <= 0 or fetcher._closed:
            return drained
        waiter = fetcher._create_fetch_waiter()
        done, _ = await asyncio.wait([waiter], timeout=left_s)
        if done:
            waiter.result()
        else:
            waiter.cancel()


def _held(fetcher: Any, tps: set[Any], max_records: int) -> dict[Any, Records]:
    drained: dict[Any, Records] = {}
    for tp in list(fetcher._records):
        if not fetcher._subscriptions.is_assigned(tp):
            del fetcher._records[tp]
        elif tp in tps and max_records > 0:
            result = fetcher._records[tp]
            if isinstance(result, FetchError):
                if drained:
                    break  # hand over what is good; the error is raised next time
                _let_go(fetcher, tp)
                result.check_raise()
            records = _take(result, max_records)
            if result.has_more():
                fetcher._records.move_to_end(tp)
            else:
                _let_go(fetcher, tp)
            if records:
                drained[tp] = records
                max_records -= len(records)
    return drained


def _let_go(fetcher: Any, tp: Any) -> None:
    del fetcher._records[tp]
    fetcher._notify(fetcher._wait_consume_future)


def _take(result: Any, max_records: int) -> Records:
    """Return batches of a FetchResult up to the one that makes `max_records` full; afterwards it holds the rest.

    The partition's position moves along.
    """
    tp = result._topic_partition
    records = Records(tp.topic, tp.partition)
    if result.check_assignment(tp) and result.has_more():
        parsed = result._partition_records
        wanted = parsed.next_fetch_offset
        if not isinstance(parsed._records, _Batches):
            parsed._records, parsed._consumer_record = _Batches(parsed._records), _as_it_is
        ended = _add(records, parsed, max_records)
        result._update_position()
        if ended:
            result._partition_records = None
        if records and records.offsets[0] < wanted:
            # who asks for an offset in the middle of a batch is sent all of it
            records = records[bisect_left(records.offsets, wanted) :]
    return records


def _add(records: Records, batches: Iterable[_Batch], max_records: int) -> bool:
    """Add batches until there are enough records; return whether they ended before that."""
    for batch in batches:
        columns = batch.checked.columns() if isinstance(batch.checked, LenientBatch) else None
        if columns is None:
            records.extend(batch.checked)
        else:
            records.add(columns)
        if len(records) >= max_records:
            return False
    return True


class _Batches:
    """What aiokafka takes batches from, with each of them disguised."""

    def __init__(self, records: Any) -> None:
        self._records = records
        self.has_next = records.has_next

    def next_batch(self) -> _Batch:
        return _Batch(self._records.next_batch())


class _Batch:
    """A batch whose only record is itself, with its last offset: so it comes out of PartitionRecords whole."""

    def __init__(self, batch: Any) -> None:
        self.checked = batch
        self.offset = batch.next_offset - 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self.checked, name)

    def __iter__(self) -> Iterator[_Batch]:
        return iter((self,))

    def __next__(self) -> Any:
        return next(self.checked)  # a control record is looked at


def _as_it_is(_tp: Any, batch: _Batch) -> _Batch:
    return batch
