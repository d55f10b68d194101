"""The allocator gives back what it is told to give back; seen from outside, in a process of its own."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

HOLES = """
import sys
import numpy as np
from streams.malloc import hold_little
if sys.argv[1] == "told":
    assert hold_little()
np.ones(30 << 20, np.uint8)  # freed at once: glibc learns that blocks of this size come and go
kept = []
for _ in range(40):
    large = np.ones(4 << 20, np.uint8)
    kept.append(np.ones(4 << 10, np.uint8))
    kept.append(large)
del large
kept = kept[::2]
rss = next(line for line in open("/proc/self/status") if line.startswith("VmRSS:"))
print(int(rss.split()[1]) * 1024)
"""


def rss_bytes(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", HOLES, how], check=True, capture_output=True, text=True)
    return int(done.stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="the allocator is not glibc's")
def test_large_blocks_between_small_ones_are_given_back() -> None:
    left_alone, told = rss_bytes("left alone"), rss_bytes("told")
    assert left_alone - told > 100 << 20, (left_alone, told)
