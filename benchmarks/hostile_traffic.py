"""Traffic that was made to cost much: each sort in any number of lines, so that what it costs can be compared.

`python -m benchmarks.hostile_traffic SORT LINES FILE` writes a recording.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np

from detectors.keyed_table import mix
from streams.decode_names import hash_strings
from streams.hash_key import BUILT_IN_KEY

START_MS = 1_664_812_800_000
_SECONDS = 3_600
_GOLDEN = 0x9E37_79B9_7F4A_7C15
_DAY_MS = 86_400_000
_LONGEST = 128


def _vote(number: int, count: int, poll: str, account: str, **more: object) -> dict[str, object]:
    """Return a vote; `count` of them take an hour."""
    ts_ms = START_MS + number * _SECONDS * 1000 // count
    named = {"type": "vote", "event_id": f"e{number}", "poll_id": poll, "account_id": account, "option": "yes", "ts": ts_ms}
    return named | more


def _many_polls(count: int) -> Iterator[dict[str, object]]:
    """A poll for each vote."""
    for number in range(count):
        yield _vote(number, count, f"p{number}", f"a{number % 50_000}")


def _one_account(count: int) -> Iterator[dict[str, object]]:
    """One account in as many polls as there are votes."""
    for number in range(count):
        yield _vote(number, count, f"p{number}", "everywhere")


def _all_different(count: int) -> Iterator[dict[str, object]]:
    """Votes of one poll of which each has an account, a network, a client, a referrer, an option of its own, and few a country."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    for number in range(count):
        own = {name: f"{name[0]}{number}" for name in ("network", "client", "referrer", "option")}
        country = letters[number % 26] + letters[number // 26 % 26]
        born = START_MS - (number * 7_919 % 3_000) * _DAY_MS
        yield _vote(number, count, "p", f"a{number}", country=country, followers=number, account_created_at=born, **own)


def _longest_names(count: int) -> Iterator[dict[str, object]]:
    """The same in a thousand polls, with names as long as they may be, in letters that take three bytes each."""
    for number in range(count):
        def named(mark: str, value: int = number) -> str:
            return f"{mark}{value}".ljust(_LONGEST, "\u4e2d")

        own = {name: named(name[0]) for name in ("network", "client", "referrer", "option")}
        yield _vote(number, count, named("p", number % 1_000), named("a"), event_id=named("e"), **own)


def _colliding(count: int) -> Iterator[dict[str, object]]:
    """Ids that all want the first 32nd part of a hash table: events, accounts, and accounts in their poll."""
    events, accounts = _chosen("e", count, 5), _chosen("a", count, 5, in_poll=1)
    for number, (event, account) in enumerate(zip(events, accounts, strict=True)):
        yield _vote(number, count, "p", account, event_id=event)


def _plain(count: int) -> Iterator[dict[str, object]]:
    """The same with ids that nobody chose, to compare."""
    for number in range(count):
        yield _vote(number, count, "p", f"a{number}")


def _chosen(mark: str, count: int, bits: int, in_poll: int | None = None) -> Sequence[str]:
    """Return ids whose hashes all lie in one part of 2**bits, as whoever knows the built-in key can find them."""
    found: list[str] = []
    tried = 0
    while len(found) < count:
        names = [f"{mark}{number}" for number in range(tried, tried + 500_000)]
        tried += len(names)
        hashed = hash_strings(names, BUILT_IN_KEY)
        keys = hashed if in_poll is None else mix(hashed, in_poll)
        first = np.flatnonzero(keys * np.uint64(_GOLDEN) < np.uint64(1 << (64 - bits)))
        found += [names[row] for row in first.tolist()]
    return found[:count]


def _meeting(count: int) -> Iterator[dict[str, object]]:
    """A thousand accounts that all vote within a second, in poll after poll."""
    for number in range(count):
        poll, account = divmod(number, 1_000)
        yield _vote(number, count, f"p{poll}", f"bot-{account}", ts=START_MS + poll * 30_000 + account)


def _copies(count: int) -> Iterator[dict[str, object]]:
    """Long replies, all of them of the same two hundred words in another order, of a thousand accounts in fifty polls."""
    rng = random.Random(1)
    words = [f"word{number}" for number in range(200)]
    for number in range(count):
        text = " ".join(rng.choices(words, k=100))
        line = _vote(number, count, f"p{number % 50}", f"a{number % 1_000}", type="reply", text=text)
        del line["option"]
        yield line


def _handles(count: int) -> Iterator[dict[str, object]]:
    """Accounts whose ids are of all shapes, in the style of generators, and of none."""
    rng = random.Random(2)
    alphabet = "abcdefghijklmnopqrstuvwxyz0123456789_-."
    for number in range(count):
        account = "".join(rng.choices(alphabet, k=rng.randrange(1, 40))) + str(number)
        yield _vote(number, count, f"p{number % 20}", account)


def _times(count: int) -> Iterator[dict[str, object]]:
    """Votes in three polls whose times leap over thirty days, back and forth."""
    rng = random.Random(3)
    for number in range(count):
        yield _vote(number, count, f"p{number % 3}", f"a{number}", ts=START_MS + rng.randrange(30 * _DAY_MS))


def _years(count: int) -> Iterator[dict[str, object]]:
    """A vote an hour in each of a hundred polls, for as many years as it takes."""
    for number in range(count):
        turn = number // 100
        yield _vote(number, count, f"p{number % 100}", f"a{number}", ts=START_MS + turn * 3_600_000)


SORTS: dict[str, Callable[[int], Iterator[dict[str, object]]]] = {
    "many polls": _many_polls,
    "one account": _one_account,
    "all different": _all_different,
    "longest names": _longest_names,
    "colliding ids": _colliding,
    "other ids": _plain,
    "meeting": _meeting,
    "copies": _copies,
    "handles": _handles,
    "leaping times": _times,
    "years": _years,
}
"""Each makes so many lines; its docstring says what of."""


def lines(sort: str, count: int) -> Iterator[bytes]:
    """Yield the lines of a recording of one sort."""
    encode = msgspec.json.Encoder().encode
    for line in SORTS[sort](count):
        yield encode(line) + b"\n"


if __name__ == "__main__":
    with Path(sys.argv[3]).open("wb") as file:
        file.writelines(lines(sys.argv[1], int(sys.argv[2])))
