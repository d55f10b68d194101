"""A run of records as columns, filled straight from the batches that the brokers sent.

An object per record (aiokafka's ConsumerRecord) costs more than reading it, and so does one for each key and value. Must not
know Faust.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

from aiokafka.structs import ConsumerRecord

from streams.bytes_column import ByteStrings
from streams.transport.batch_columns import BatchColumns, Headers

Record = Any  # aiokafka's ConsumerRecord, published without types


class Records(Sequence[Record]):
    """Records of one partition in offset order. The columns have one entry for each record, `headers` only where there are any.

    `offsets` and `timestamps_ms` are `array('q')`: numpy.frombuffer reads them without a copy. `keys` and `values` are
    `streams.bytes_column.ByteStrings`. Indexing and iterating build aiokafka ConsumerRecords, one at a time; on the hot path
    read the columns.
    """

    __slots__ = (
        "headers",
        "keys",
        "offsets",
        "partition",
        "timestamp_type",
        "timestamps_ms",
        "topic",
        "values",
    )

    def __init__(self, topic: str, partition: int, timestamp_type: int = 0) -> None:
        self.topic = topic
        self.partition = partition
        self.timestamp_type = timestamp_type
        self.offsets = array("q")
        self.timestamps_ms = array("q")
        self.keys = ByteStrings()
        self.values = ByteStrings()
        self.headers: dict[int, Headers] = {}

    def __len__(self) -> int:
        return len(self.offsets)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> Records: ...
    def __getitem__(self, index: int | slice) -> Any:
        return self._slice(index) if isinstance(index, slice) else self._record(range(len(self))[index])

    def __iter__(self) -> Iterator[Record]:
        return map(self._record, range(len(self)))

    def _record(self, i: int) -> Record:
        key, value = self.keys[i], self.values[i]
        return ConsumerRecord(
            self.topic,
            self.partition,
            self.offsets[i],
            self.timestamps_ms[i],
            self.timestamp_type,
            key,
            value,
            None,
            -1 if key is None else len(key),
            -1 if value is None else len(value),
            self.headers.get(i, ()),
        )

    def _slice(self, index: slice) -> Records:
        part = Records(self.topic, self.partition, self.timestamp_type)
        part.offsets = self.offsets[index]
        part.timestamps_ms = self.timestamps_ms[index]
        part.keys = self.keys[index]
        part.values = self.values[index]
        if self.headers:
            chosen = range(len(self))[index]
            part.headers = {new: self.headers[old] for new, old in enumerate(chosen) if old in self.headers}
        return part

    def extend(self, parsed: Iterable[Any]) -> None:
        """Add records as aiokafka parses them; each may be forgotten when the next one comes."""
        offset, timestamp_ms = self.offsets.append, self.timestamps_ms.append
        key, value = self.keys.append, self.values.append
        for record in parsed:
            if record.headers:
                self.headers[len(self.offsets)] = tuple(record.headers)
            offset(record.offset)
            timestamp_ms(record.timestamp)
            key(record.key)
            value(record.value)

    def add(self, batch: BatchColumns) -> None:
        """Add the records of a batch."""
        if batch.headers:
            self.headers.update({len(self.offsets) + row: headers for row, headers in batch.headers.items()})
        self.offsets.frombytes(batch.offsets.tobytes())
        self.timestamps_ms.frombytes(batch.timestamps_ms.tobytes())
        self.keys.add(batch.keys)
        self.values.add(batch.values)

    def value_bytes(self) -> int:
        """Return the summed length of the values."""
        return int(self.values.column().lengths().sum())
