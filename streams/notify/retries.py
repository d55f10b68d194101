"""What an answer means, and how long to wait after a failure. Pure: chance and time are handed in."""

from __future__ import annotations

import random
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum

FIRST_S = 1.0
LONGEST_S = 60.0
LONGEST_ASKED_FOR_S = 3_600.0
"""A receiver that asks for more with `Retry-After` is asked again after this."""
_WORTH_ANOTHER_TRY = frozenset({408, 425, 429})


class Outcome(StrEnum):
    """What became of one request: taken, to be tried again, or refused for good."""

    DELIVERED = "delivered"
    RETRIED = "retried"
    REFUSED = "refused"


def outcome_of(status: int) -> Outcome:
    """Return what a status means. A redirect is not followed, and tried again: whoever set the address can mend it.

    >>> [outcome_of(status).value for status in (204, 301, 404, 429, 503)]
    ['delivered', 'retried', 'refused', 'retried', 'retried']
    """
    if 200 <= status < 300:
        return Outcome.DELIVERED
    if 400 <= status < 500 and status not in _WORTH_ANOTHER_TRY:
        return Outcome.REFUSED
    return Outcome.RETRIED


@dataclass(slots=True)
class Backoff:
    """Doubles from `first_s` to `longest_s`; `chance` takes away up to half, so that many do not come back at once."""

    chance: random.Random
    first_s: float = FIRST_S
    longest_s: float = LONGEST_S

    def wait_s(self, failures: int) -> float:
        """Return how long to wait after so many failures in a row (1 or more)."""
        whole_s = min(self.longest_s, self.first_s * float(1 << min(failures - 1, 30)))
        return whole_s * (1 - self.chance.random() / 2)


def asked_for_s(retry_after: str, now_s: float) -> float:
    """Return the seconds a `Retry-After` header asks for, 0 for none; `now_s` is seconds since the epoch.

    >>> asked_for_s("120", 0.0), asked_for_s("Thu, 01 Jan 1970 00:01:00 GMT", 10.0), asked_for_s("soon", 0.0)
    (120.0, 50.0, 0.0)
    """
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:10]), LONGEST_ASKED_FOR_S)
    try:
        at_s = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return 0.0
    return min(max(at_s - now_s, 0.0), LONGEST_ASKED_FOR_S)
