"""The allocator gives back what it is told to give back; seen from outside, in a process of its own."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="the allocator is not glibc's")

HOLES = """
import sys
import numpy as np
from streams.malloc import give_back, hold_little
what, mb = sys.argv[1], int(sys.argv[2])
if what != "left alone":
    assert hold_little()
np.ones(30 << 20, np.uint8)  # freed at once: glibc learns that blocks of this size come and go
kept = []
for _ in range(160 // mb):
    large = np.ones(mb << 20, np.uint8)
    kept.append(np.ones(4 << 10, np.uint8))
    kept.append(large)
del large
kept = kept[::2]
if what == "given back":
    give_back()
rss = next(line for line in open("/proc/self/status") if line.startswith("VmRSS:"))
print(int(rss.split()[1]) * 1024)
"""


def rss_bytes(what: str, mb: int) -> int:
    done = subprocess.run([sys.executable, "-c", HOLES, what, str(mb)], check=True, capture_output=True, text=True)
    return int(done.stdout)


def test_large_blocks_between_small_ones_are_given_back() -> None:
    left_alone, held_little = rss_bytes("left alone", 4), rss_bytes("held little", 4)
    assert left_alone - held_little > 100 << 20, (left_alone, held_little)


def test_smaller_ones_stay_until_they_are_given_back() -> None:
    held_little, given_back = rss_bytes("held little", 1), rss_bytes("given back", 1)
    assert held_little - given_back > 100 << 20, (held_little, given_back)
