"""What an agent gets: a run of records of one partition, over this transport or, one record long, over stock `kafka://`.

Must not know how runs are fetched, queued or committed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka.structs import ConsumerRecord
from faust.types import TP, EventT
from faust.types.transports import ConsumerT
from faust.types.tuples import ConsumerMessage

Record = Any  # aiokafka's ConsumerRecord, published without types


class BatchMessage(ConsumerMessage):
    """Faust's message for a whole run: `offset` is the last record's, so that Faust's own bookkeeping stays monotone."""

    __slots__ = ("first_offset",)

    def __init__(self, tp: TP, records: Sequence[Record], generation_id: int) -> None:
        last = records[-1]
        super().__init__(
            topic=tp.topic,
            partition=tp.partition,
            offset=last.offset,
            timestamp=last.timestamp / 1000.0,
            timestamp_type=last.timestamp_type,
            headers=None,
            key=None,
            value=records,  # type: ignore[arg-type]  # the run itself; nothing decodes it
            checksum=None,
            serialized_key_size=0,
            serialized_value_size=0,
            tp=tp,
            generation_id=generation_id,
        )
        self.first_offset: int = records[0].offset

    def ack(self, consumer: ConsumerT, n: int = 1) -> bool:
        """Ack unless no agent ever saw it: Faust's pure-Python stream acks what it skips during a rebalance."""
        return self.tracked and super().ack(consumer, n)


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """A run of records of one partition, in offset order; offsets inside it may have holes.

    `records` are aiokafka ConsumerRecords: raw bytes `key` and `value`, `timestamp` in ms, `offset`, `headers`.
    `next_offset` is where the run after it begins, unless holes follow.
    """

    tp: TP
    records: Sequence[Record]
    first_offset: int
    last_offset: int
    generation_id: int

    @property
    def next_offset(self) -> int:
        """The offset a commit of exactly this run would carry."""
        return self.last_offset + 1


def batch_of(event: EventT[Any]) -> Batch:
    """Return the run behind an event of a batch topic, whichever transport delivered it."""
    message = event.message
    generation_id = message.generation_id or 0
    if isinstance(message, BatchMessage):
        return Batch(message.tp, event.value, message.first_offset, message.offset, generation_id)
    return Batch(message.tp, (_record(message),), message.offset, message.offset, generation_id)


def _record(message: Any) -> Record:
    return ConsumerRecord(
        message.topic,
        message.partition,
        message.offset,
        round(message.timestamp * 1000),
        message.timestamp_type,
        message.key,
        message.value,
        message.checksum,
        message.serialized_key_size,
        message.serialized_value_size,
        tuple(message.headers or ()),
    )
