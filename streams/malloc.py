"""Tells glibc's allocator to give back what a worker no longer needs. Must not know what is allocated.

A worker's tables double while it runs, and every snapshot is copied for a moment. By itself glibc learns from this that
large blocks come and go, takes them from its heap as well, and keeps the holes: a third of a large worker was holes.
"""

from __future__ import annotations

import ctypes

# names and numbers of malloc.h
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

_OWN_MAPPING_BYTES = 2 << 20
"""Blocks of this size or larger are given back as soon as they are free; smaller ones are a step's columns, used again."""
_KEPT_ON_TOP_BYTES = 64 << 20
"""Less at the end of the heap is not given back: it would be taken again in the next step, page by page."""
_ARENAS = 2
"""One for the event loop, one for the threads that fetch and pack."""


_libc = ctypes.CDLL(None)


def hold_little() -> bool:
    """Set the allocator up; call it before threads start. False where there is none that can be told (not glibc)."""
    if not hasattr(_libc, "mallopt"):
        return False
    wanted = {_M_MMAP_THRESHOLD: _OWN_MAPPING_BYTES, _M_TRIM_THRESHOLD: _KEPT_ON_TOP_BYTES, _M_ARENA_MAX: _ARENAS}
    return all(_libc.mallopt(name, value) == 1 for name, value in wanted.items())


def give_back() -> None:
    """Give back what lies free between what is in use; it takes tens of milliseconds, in which nobody else gets new memory.

    Columns of half a megabyte to two come and go in every step, between tables that grow: a fifth of a large worker is such holes.
    """
    if hasattr(_libc, "malloc_trim"):
        _libc.malloc_trim(0)
