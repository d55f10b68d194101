"""The story as the demo tells it: its recording on disk, its chapters in words, and what there is to be found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from lab.story import (
    CROWD_MOVES_MS,
    LENGTH_MS,
    PEACE_PLAN,
    PRESIDENT,
    PRESIDENT_ASKS_MS,
    SCRIPT_BEGINS_MS,
    SCRIPT_ENDS_MS,
    story,
)

__all__ = ["CHAPTERS", "LENGTH_MS", "TITLES", "Chapter", "Plot", "Surge", "chapter_at", "title_of", "write_plot"]

SEED = 20221003
TITLES = {
    PEACE_PLAN: "The peace plan",
    PRESIDENT: "The president asks back",
    "poll-01": "Best hour for coffee",
    "poll-02": "Pineapple on pizza?",
    "poll-03": "Best season",
    "poll-04": "Is a hot dog a sandwich?",
    "poll-05": "Pick a superpower",
    "poll-06": "Do you read the manual?",
    "poll-07": "Window, aisle or wing?",
    "poll-08": "Cats, yes or no",
    "poll-09": "How many tabs are open?",
    "poll-10": "Would you go to Mars?",
    "poll-11": "Tea, milk first?",
    "poll-12": "Did it rain today?",
}


@dataclass(frozen=True, slots=True)
class Chapter:
    """Something that begins in the story; `at_ms` counts from its start."""

    at_ms: int
    sentence: str


CHAPTERS = (
    Chapter(0, "A dozen polls and the peace plan, each at its own pace."),
    Chapter(PRESIDENT_ASKS_MS, "The president asks a question of his own: a crowd of followers comes."),
    Chapter(CROWD_MOVES_MS, "Many of them go on to the peace plan, and say no there."),
    Chapter(SCRIPT_BEGINS_MS, "A script joins in: accounts of one week say no, at a constant rate."),
    Chapter(SCRIPT_ENDS_MS, "The script stops; the crowds fade slowly."),
)


@dataclass(frozen=True, slots=True)
class Surge:
    """Something to be found: `at_ms` from the start of the story; `is_opening`: the poll begins with it.

    `is_script` is the truth about it, which Pollwatch is not told.
    """

    poll_id: str
    at_ms: int
    sentence: str
    is_opening: bool
    is_script: bool


@dataclass(frozen=True, slots=True)
class Plot:
    """A story on disk: its events begin at `start_ms` and take `length_ms`."""

    recording: Path
    events: int
    start_ms: int
    surges: tuple[Surge, ...]
    length_ms: int = LENGTH_MS


def write_plot(recording: Path, start_ms: int) -> Plot:
    """Write the story as a recording whose first event is just after `start_ms`."""
    told = story(SEED, start_ms)
    encoder = msgspec.json.Encoder()
    with recording.open("wb") as file:
        for event in told.events:
            file.write(encoder.encode(event) + b"\n")
    first_vote_ms: dict[str, int] = {}
    for event in told.events:
        first_vote_ms.setdefault(event["poll_id"], event["ts"] - start_ms)
    return Plot(recording, len(told.events), start_ms, tuple(_surges(told.labels, start_ms, first_vote_ms)))


def title_of(poll_id: str) -> str:
    """Return the title of one of the story's polls; what is not one keeps its id."""
    return TITLES.get(poll_id, poll_id)


def chapter_at(at_ms: int) -> Chapter:
    """Return what the story tells at this time from its start."""
    return max((chapter for chapter in CHAPTERS if chapter.at_ms <= at_ms), key=lambda c: c.at_ms, default=CHAPTERS[0])


def _surges(labels: dict[str, object], start_ms: int, first_vote_ms: dict[str, int]) -> list[Surge]:
    """Read the surges from the story's own labels, in order of time."""
    marked = msgspec.convert(labels, _Labels)
    crowds = [(mark.poll_id, mark.start, False, f"a crowd of real people comes to “{title_of(mark.poll_id)}”") for mark in marked.hard_negatives]
    scripts = [
        (poll_id, attack.start_ms, True, f"a script sends {attack.votes:,} votes to “{title_of(poll_id)}”")
        for attack in marked.attacks
        for poll_id in attack.poll_ids
    ]
    return sorted(
        (
            Surge(poll_id, at_ms - start_ms, sentence, first_vote_ms[poll_id] >= at_ms - start_ms, is_script)
            for poll_id, at_ms, is_script, sentence in [*crowds, *scripts]
        ),
        key=lambda surge: surge.at_ms,
    )


class _Crowd(msgspec.Struct):
    poll_id: str
    start: int


class _Attack(msgspec.Struct):
    poll_ids: list[str]
    votes: int
    start_ms: int


class _Labels(msgspec.Struct):
    attacks: list[_Attack]
    hard_negatives: list[_Crowd]
