"""Which input topic and partition each line of a recording belongs to: the one answer of `replay` and of `scan`."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.columns import Int32s
from streams.decode import Decoded, Decoder, Kind
from streams.recording import partition_of


@dataclass(frozen=True, slots=True)
class Placed:
    """For each line of a chunk, refused ones too: the topic (a `Kind`) and the partition (0-based)."""

    kind: NDArray[np.int8]
    partition: Int32s


def place(
    lines: Sequence[bytes], decoded: Decoded, decoder: Decoder, vote_partitions: int, reply_partitions: int
) -> Placed:
    """Say where each line of a recording goes; `decoded` is what `decoder.recording(lines)` gave.

    A refused line goes to the partition that CRC-32 of its bytes names, and to the topic in which it is refused as
    well: the votes, unless only its `type` is wrong and it would count as a vote there.
    """
    partitions = np.array([vote_partitions, reply_partitions], dtype=np.int32)
    kind = np.full(len(lines), Kind.VOTE, dtype=np.int8)
    partition = np.zeros(len(lines), dtype=np.int32)
    kind[decoded.index] = decoded.kind
    if decoded.refused:
        refused = np.array([bad.index for bad in decoded.refused], dtype=np.int32)
        texts = [lines[index] for index in refused]
        as_votes = decoder.topic(texts, Kind.VOTE, np.full(len(texts), -1, dtype=np.int64))
        kind[refused[as_votes.index]] = Kind.REPLY
        partition[refused] = np.array([zlib.crc32(text) for text in texts]) % partitions[kind[refused]]
    of_account = np.where(
        decoded.kind == Kind.VOTE,
        partition_of(decoded.account, vote_partitions),
        partition_of(decoded.account, reply_partitions),
    )
    partition[decoded.index] = of_account
    return Placed(kind, partition)
