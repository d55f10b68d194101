"""The worker as it is; when it has stopped, it writes what its parts weigh to the file named first. A process."""

from __future__ import annotations

import logging
import os
import sys
import time
from functools import partial
from pathlib import Path

import msgspec

from benchmarks.processes import peak_rss_bytes, rss_bytes
from benchmarks.weights import parts_of_shards, timed, weigh
from config import load
from streams.malloc import hold_little
from streams.pauses import pause_seldom
from streams.snapshot_pack import pack, unpack
from streams.stages import build_shard
from streams.worker import Worker, run_until_signal


class Weights(msgspec.Struct):
    """Bytes of the process and of its parts; snapshots of all shards and of the cases together, CPU seconds of each step."""

    peak_rss: int
    rss: int
    parts: dict[str, int]
    entries: dict[str, int]
    snapshot_bytes: int
    snapshot_taken_s: float
    snapshot_packed_s: float
    snapshot_unpacked_s: float
    snapshot_restored_s: float


def weighed(worker: Worker) -> Weights:
    """Return what a worker that has stopped weighs, and what its snapshots cost."""
    peak, rss = peak_rss_bytes(os.getpid()), rss_bytes(os.getpid())
    shards = {tp.partition: kept.machine for tp, kept in worker._shards._shards.items()}
    parts = parts_of_shards(shards, max(shards))
    books = [kept.machine for kept in worker._cases._kept.values()]
    parts["cases"] = weigh(books, set())
    entries: dict[str, int] = {}
    for shard in shards.values():
        for store, count in shard.sizes().items():
            entries[store] = entries.get(store, 0) + count
    weights = Weights(peak, rss, parts, entries, 0, 0.0, 0.0, 0.0, 0.0)
    settings, names = worker._settings, list(worker._source_names.values())
    for number, shard in shards.items():
        taken_s, state = timed(time.process_time, shard.snapshot)
        packed_s, packed = timed(time.process_time, partial(list[bytes], pack(state)))
        weights.snapshot_bytes += sum(map(len, packed))
        unpacked_s, state = timed(time.process_time, partial(unpack, packed))
        empty = build_shard(number, settings, names)
        restored_s, _ = timed(time.process_time, partial(empty.restore, state))
        weights.snapshot_taken_s += taken_s
        weights.snapshot_packed_s += packed_s
        weights.snapshot_unpacked_s += unpacked_s
        weights.snapshot_restored_s += restored_s
    return weights


def main(out: Path) -> None:
    """Run until SIGTERM, then weigh."""
    logging.basicConfig(level="INFO")
    hold_little()
    worker = Worker(load(None, os.environ))
    pause_seldom()
    run_until_signal(worker)
    out.write_bytes(msgspec.json.encode(weighed(worker)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
