"""Votes and replies made by hand for the detector of copied replies: crowds, memes, fandoms that chant, and swarms."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

import numpy as np

from detectors.columns import Bools
from detectors.copies.detector import CopiedReplies
from detectors.copies.params import CopiesParams
from detectors.senders import unknown_senders
from detectors.sketch import sketch
from detectors.strings import strings
from detectors.watcher import Ballots, Sighting

START_MS = 1_700_000_000_000 // 60_000 * 60_000
MINUTE_MS = 60_000
WORDS = [
    "water",
    "family",
    "count",
    "north",
    "speech",
    "today",
    "media",
    "always",
    "robots",
    "simple",
    "promise",
    "never",
    "west",
    "south",
    "think",
    "children",
    "power",
    "treaty",
    "right",
    "lie",
    "answer",
    "peace",
    "accounts",
    "east",
    "region",
    "line",
    "truth",
    "city",
    "honest",
    "past",
    "free",
    "result",
    "story",
    "wrong",
    "again",
    "real",
    "people",
    "millions",
    "money",
    "leaders",
    "poll",
    "army",
    "future",
    "plan",
    "joke",
    "crowd",
    "complex",
    "river",
    "about",
    "border",
    "history",
    "war",
    "question",
    "vote",
    "fair",
    "news",
    "tomorrow",
]
SHORT = ("No.", "No", "NO!!!", "Yes", "lol", "🇺🇦", "🇺🇦🇺🇦", "Slava Ukraini!", "😂😂")


@dataclass
class Scene:
    """Rows in the making: (time, poll, option, account, text)."""

    seed: int
    rows: list[tuple[int, int, int, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)

    def sentence(self, fewest: int = 5, most: int = 22) -> str:
        return " ".join(self.rng.choice(WORDS, int(self.rng.integers(fewest, most + 1))))

    def vote(
        self, at_ms: int, poll: int, account: str, option: int, text: str = "", after_ms: int = 0
    ) -> None:
        self.rows.append((at_ms, poll, option, account, ""))
        if text:
            self.rows.append(
                (at_ms + (after_ms or int(self.rng.integers(1_000, 90_000))), poll, -1, account, text)
            )

    def crowd(self, poll: int, start_ms: int, voters: int, minutes: int = 60, people: int = 3_000) -> None:
        """People who vote once in a poll; one in eight replies, with a short word or a sentence of their own."""
        for person in self.rng.choice(people, voters, replace=False).tolist():
            text = ""
            if self.rng.random() < 0.125:
                text = str(self.rng.choice(SHORT)) if self.rng.random() < 0.4 else self.sentence()
            at_ms = start_ms + int(self.rng.integers(0, minutes * MINUTE_MS))
            self.vote(at_ms, poll, f"person-{person}", int(self.rng.integers(0, 2)), text)

    def variant(self, text: str, swaps: int = 2) -> str:
        """The text with up to `swaps` words replaced, perhaps a mention before it and a tag behind."""
        words = text.split()
        for _ in range(int(self.rng.integers(0, swaps + 1))):
            words[int(self.rng.integers(len(words)))] = str(self.rng.choice(WORDS))
        mention = f"@x{self.rng.integers(99)} " if self.rng.random() < 0.4 else ""
        return mention + " ".join(words) + str(self.rng.choice(["", ".", "!", " 👍", " #poll"]))

    def swarm(
        self,
        polls: list[int],
        start_ms: int,
        accounts: int = 150,
        templates: int = 12,
        share: float = 0.6,
        gap_ms: int = 20 * MINUTE_MS,
    ) -> set[str]:
        """Accounts that come to each poll in turn within a quarter of an hour, each vote with a copied reply."""
        texts = [self.sentence(11, 20) for _ in range(templates)]
        for number, poll in enumerate(polls):
            for bot in np.flatnonzero(self.rng.random(accounts) < share).tolist():
                at_ms = start_ms + number * gap_ms + int(self.rng.integers(0, 15 * MINUTE_MS))
                text = self.variant(texts[int(self.rng.integers(templates))])
                self.vote(at_ms, poll, f"bot-{bot}", 1, text)
        return {row[3] for row in self.rows if row[3].startswith("bot-")}

    def meme(self, poll: int, start_ms: int, people: int = 110, text: str = "") -> None:
        """A long text that voters of one poll pass on in one surge."""
        text = text or self.sentence(16, 24)
        for person in self.rng.choice(3_000, people, replace=False).tolist():
            at_ms = start_ms + int(self.rng.exponential(4 * MINUTE_MS))
            said = text + str(self.rng.choice(["", "!", " lmao", " (source: me)"]))
            self.vote(at_ms, poll, f"person-{person}", int(self.rng.integers(0, 2)), said)

    def fandom(
        self, polls: list[int], start_ms: int, fans: int, comes: float, chants: list[str], sings: float
    ) -> None:
        """Fans who meet in poll after poll, all for one option, and some of whom chant each time."""
        for number, poll in enumerate(polls):
            for fan in np.flatnonzero(self.rng.random(fans) < comes).tolist():
                at_ms = start_ms + number * 25 * MINUTE_MS + int(self.rng.exponential(4 * MINUTE_MS))
                text = self.variant(str(self.rng.choice(chants)), 0) if self.rng.random() < sings else ""
                self.vote(at_ms, poll, f"fan-{fan}", 0, text)

    def ballots(self) -> Ballots:
        """All rows in order, as a shard would give them."""
        rows = sorted(self.rows)
        at_ms, poll, option, account, text = (list(column) for column in zip(*rows, strict=True))
        return told(at_ms, poll, option, account, text)


def told(
    at_ms: list[int], poll: list[int], option: list[int], account: list[str], text: list[str]
) -> Ballots:
    """Columns of these rows; a reply has option -1 and a text."""
    sketches = np.zeros((len(text), 32), np.uint32)
    replies = np.flatnonzero(np.array(option) < 0)
    sketches[replies] = sketch([text[i] for i in replies])
    sender = replace(unknown_senders(strings(account)), sketch=sketches)
    time = np.array(at_ms, np.int64)
    hashed = np.array([hash_of(one) for one in account], np.uint64)
    return Ballots(
        np.array(poll, np.int32),
        np.array(option, np.int32),
        time,
        time,
        hashed,
        first_votes(poll, option, account),
        time,
        sender,
    )


def first_votes(poll: list[int], option: list[int], account: list[str]) -> Bools:
    """Tell which rows are the first vote of their account in their poll."""
    first = np.zeros(len(poll), np.bool_)
    votes = [row for row in range(len(poll)) if option[row] >= 0]
    first[list({(poll[row], account[row]): row for row in reversed(votes)}.values())] = True
    return first


def hash_of(account: str) -> int:
    return int.from_bytes(hashlib.blake2b(account.encode(), digest_size=8).digest(), "little")


def seen_in(
    ballots: Ballots, cuts: list[int] | None = None, detector: CopiedReplies | None = None
) -> list[Sighting]:
    """What a detector sees when it is given the rows minute by minute, or up to each of `cuts`, and two hours after."""
    detector = detector or CopiedReplies(CopiesParams())
    end_ms = int(ballots.effective_ms[-1]) // MINUTE_MS * MINUTE_MS + 120 * MINUTE_MS
    said: list[Sighting] = []
    begin = 0
    for until_ms in [*(cuts if cuts is not None else range(START_MS, end_ms, MINUTE_MS)), end_ms]:
        end = int(np.searchsorted(ballots.effective_ms, until_ms))
        said += detector.observe(ballots.take(slice(begin, end)), until_ms)
        begin = end
    return said


def named_in(said: list[Sighting]) -> set[str]:
    """Whom sightings name after all."""
    names: set[str] = set()
    for sighting in said:
        names |= {member.account_id for member in sighting.members if member.score >= 0.5}
        names -= set(sighting.cleared)
    return names
