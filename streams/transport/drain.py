"""Takes what aiokafka's fetcher holds, as columns instead of a ConsumerRecord each.

Reaches into aiokafka 0.14: `Fetcher._records`, `FetchResult`, `PartitionRecords`. Must not know Faust.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiokafka.consumer.fetcher import FetchError

from streams.transport.records import Records


async def drain(fetcher: Any, tps: set[Any], timeout_s: float, max_records: int) -> dict[Any, Records]:
    """Return records of `tps` and move their positions past them; wait up to `timeout_s` if there are none.

    The same as aiokafka's `fetched_records`, but a partition that was cut short goes to the end of the line.
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
    """Return records of a FetchResult, which afterwards holds the rest; its partition's position moves along."""
    tp = result._topic_partition
    records = Records(tp.topic, tp.partition)
    if result.check_assignment(tp) and result.has_more():
        parsed = result._partition_records
        parsed._consumer_record = _as_parsed
        ended = records.extend(parsed, max_records)
        result._update_position()
        if ended:
            result._partition_records = None
    return records


def _as_parsed(_tp: Any, record: Any) -> Any:
    return record
