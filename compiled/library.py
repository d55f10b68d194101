"""The compiled library: its functions by name, and the addresses of the columns they are given."""

from __future__ import annotations

from ctypes import CDLL, c_int64, c_uint64, c_void_p
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

FILE = Path(__file__).with_name("loops.so")


def _loaded() -> CDLL:
    try:
        return CDLL(str(FILE))
    except OSError as error:
        raise ImportError(f"{FILE.name} is not compiled for this machine: install the project again (pip install -e .)") from error


_library = _loaded()


def function(name: str, *arguments: Any) -> Any:
    """Return a function of the library that takes these ctypes and gives a 64-bit integer; it runs without Python's lock."""
    found = getattr(_library, name)
    found.argtypes, found.restype = arguments, c_int64
    return found


COLUMN, INTEGER, WORD = c_void_p, c_int64, c_uint64


def address(column: NDArray[Any]) -> int:
    """Return where a column lies. Raises ValueError for one with gaps: the library reads on from there."""
    if not column.flags.c_contiguous:
        raise ValueError("a column with gaps has no address")
    where: int = column.ctypes.data
    return where

