"""What the parts of a worker weigh in memory, by walking what each one holds. Knows the parts' names and nothing else."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Mapping
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from detectors.shard import Shard

_SHARED = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType)


def weigh(part: Any, seen: set[int]) -> int:
    """Return the bytes of an object and of all that it alone refers to; what is in `seen` was counted before."""
    total, waiting = 0, [part]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, _SHARED):
            continue
        seen.add(id(one))
        total += sys.getsizeof(one)
        if isinstance(one, np.ndarray):
            # an array knows its base, but the collector is not told of it
            waiting.append(one.base)
            waiting += one.tolist() if one.dtype == object else []
        waiting += gc.get_referents(one)
    return total


def parts_of_shards(shards: Mapping[int, Shard], across: int) -> dict[str, int]:
    """Return the bytes of each part of the shards, those of the shard `across` all polls apart."""
    found: dict[str, int] = {}
    seen: set[int] = set()
    for number, shard in shards.items():
        where = "shard of all polls" if number == across else "shards of polls"
        for name, part in _parts(shard):
            label = f"{where}: {name}"
            found[label] = found.get(label, 0) + weigh(part, seen)
    return found


def _parts(shard: Shard) -> list[tuple[str, Any]]:
    watchers = [(type(watcher).__name__.lower(), watcher) for watcher in shard._watchers]
    own = [
        ("waiting rows", shard._inbox), ("recent ids", shard._recent), ("polls, options", shard.book),
        ("tally", shard._tally), ("rate", shard._rate),
    ]  # fmt: skip
    return [*own, *watchers]


def timed(clock: Callable[[], float], step: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds a step took by `clock`, and what it returned."""
    begin_s = clock()
    result = step()
    return clock() - begin_s, result
