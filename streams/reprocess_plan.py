"""Where a group begins to read again: what was asked for becomes an offset for each input partition. Asks no broker."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_OFFSET = re.compile(r"(?P<name>[a-zA-Z0-9._-]+/[0-9]+)=(?P<offset>[0-9]+)")


class ReprocessError(Exception):
    """What was asked for can't be done; nothing was changed. One line that says what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    """An input partition, `topic/partition`: its first offset, its end, and what the group has committed."""

    name: str
    first: int
    end: int
    committed: int | None


@dataclass(frozen=True, slots=True)
class Move:
    """A partition and the offset that is read next."""

    place: Place
    to: int

    @property
    def records(self) -> int:
        """Return how many offsets are read again or for the first time."""
        return self.place.end - self.to

    @property
    def is_cut(self) -> bool:
        """Tell whether older records than the first one here existed and are gone."""
        return self.to == self.place.first > 0


def from_start(places: Iterable[Place]) -> list[Move]:
    """Read all that the topics still hold."""
    return [Move(place, place.first) for place in places]


def from_time(places: Iterable[Place], found: Mapping[str, int | None]) -> list[Move]:
    """Read from the offsets that a moment was found at; None, where nothing came later, is the end."""
    return [Move(place, place.end if (at := found[place.name]) is None else at) for place in places]


def from_offsets(places: Sequence[Place], wanted: Mapping[str, int]) -> list[Move]:
    """Read from these offsets, and partitions that are not named from where the group stands."""
    strangers = sorted(wanted.keys() - {place.name for place in places})
    if strangers:
        raise ReprocessError(f"{strangers[0]} is no input partition: these are {', '.join(place.name for place in places)}")
    for place in places:
        at = wanted.get(place.name, place.first)
        if not place.first <= at <= place.end:
            raise ReprocessError(f"{place.name} holds offsets {place.first} to {place.end}, not {at}")
    return [Move(place, wanted.get(place.name, _stands_at(place))) for place in places]


def _stands_at(place: Place) -> int:
    return place.first if place.committed is None else min(max(place.committed, place.first), place.end)


def parse_time_ms(text: str) -> int:
    """Return milliseconds since 1970 of such a number, or of an ISO 8601 time; UTC unless it says otherwise.

    >>> parse_time_ms("1700000000000"), parse_time_ms("2023-11-14T22:13:20"), parse_time_ms("2023-11-14T23:13:20+01:00")
    (1700000000000, 1700000000000, 1700000000000)
    """
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ReprocessError(f"{text!r} is no time: write 2026-11-30T08:15:00Z, or milliseconds since 1970") from None
    return round((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)


def parse_offsets(words: Iterable[str]) -> dict[str, int]:
    """Return offsets by partition of words `TOPIC/PARTITION=OFFSET`; a word without `=` is a file of them, one a line.

    >>> parse_offsets(["poll.votes/0=12", "poll.replies/1=7"])
    {'poll.votes/0': 12, 'poll.replies/1': 7}
    """
    offsets: dict[str, int] = {}
    for word in words:
        for line in [word] if "=" in word else _lines(word):
            match = _OFFSET.fullmatch(line)
            if match is None:
                raise ReprocessError(f"{line!r} is no offset: write TOPIC/PARTITION=OFFSET, like poll.votes/0=1200")
            if match["name"] in offsets:
                raise ReprocessError(f"{match['name']} is named twice: name it once")
            offsets[match["name"]] = int(match["offset"])
    return offsets


def _lines(path: str) -> list[str]:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ReprocessError(f"{path} can't be read ({error}): name a file of TOPIC/PARTITION=OFFSET lines") from error
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def table(moves: Sequence[Move]) -> list[str]:
    """Return lines that show what is read from where."""
    width = max(len(move.place.name) for move in moves)
    head = f"{'partition':<{width}} {'committed':>14} {'read from':>14} {'end':>14} {'records':>14}"
    return [head, *(_row(move, width) for move in moves)]


def _row(move: Move, width: int) -> str:
    place = move.place
    committed = "–" if place.committed is None else f"{place.committed:,}"
    row = f"{place.name:<{width}} {committed:>14} {move.to:>14,} {place.end:>14,} {move.records:>14,}"
    return row + ("  the topic begins here" if move.is_cut else "")


def consequences(moves: Sequence[Move]) -> list[str]:
    """Return what an operator must know of what follows, a paragraph each."""
    said = [
        "Baselines, tallies and who was seen where begin anew at these offsets.",
        "A case that is found again as it was is told again under the same ids: whoever reads the alerts drops them as repeats.",
        "Decisions of reviewers are not read again: what they did is undone, in alerts under ids that were used. Decide again on what matters.",
    ]
    if all(move.to == 0 for move in moves):
        said.append("All that ever came is read: the estimates on the integrity topic end where they were.")
    else:
        said.append(
            "Earlier votes are no longer counted: on the integrity topic a poll that began before gets a smaller count with its next "
            "vote, one that gets no vote keeps its last estimate, and an account that voted before counts as a first vote."
        )
        said.append(
            "Near the beginning cases may differ, for want of a past. One that is found again with other numbers uses ids that were used: "
            "whoever drops repeats by id keeps what was said first. One that was open and is not found again is never resolved."
        )
    return said
