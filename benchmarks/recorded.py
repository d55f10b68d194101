"""Ratios as they were recorded, and whether one has fallen. A ratio within one run says something on every machine."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

from benchmarks.promises import Verdict

FILE = Path(__file__).with_name("recorded.toml")
MOST_LOST = 0.35


def recorded(file: Path = FILE) -> dict[str, float]:
    """Return the recorded ratios by what they are."""
    return {name: float(ratio) for name, ratio in tomllib.loads(file.read_text())["ratios"].items()}


def fallen(found: Sequence[Verdict], before: dict[str, float]) -> list[str]:
    """Return a line for each ratio that is more than `MOST_LOST` below what was recorded.

    >>> fallen([Verdict("a to b", 6.4, 12, 15), Verdict("a to c", 6.6, 12, 15)], {"a to b": 10.0, "a to c": 10.0})
    ['a to b: 6.40, recorded were 10.00: more than 35 % lost']
    """
    return [
        f"{one.what}: {one.found:.2f}, recorded were {before[one.what]:.2f}: more than {MOST_LOST * 100:.0f} % lost"
        for one in found
        if one.what in before and not one.found >= (1 - MOST_LOST) * before[one.what]
    ]
