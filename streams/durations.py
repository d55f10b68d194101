"""Lengths of time as people type them."""

from __future__ import annotations

import argparse
import re

_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def duration_ms(text: str) -> int:
    """Return milliseconds. Raises `argparse.ArgumentTypeError` for anything but a whole number and a unit.

    >>> duration_ms("5m"), duration_ms("1h")
    (300000, 3600000)
    """
    match = re.fullmatch(r"([1-9][0-9]{0,8})(ms|s|m|h|d)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no length of time: write 10s, 5m or 1h")
    return int(match[1]) * _UNITS_MS[match[2]]
