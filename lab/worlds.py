"""Whole worlds by name and seed: polls, crowds and attacks put together. The order of everything that happens in a world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from lab.attacks import ATTACKS, POLLS_WORKED, Attack
from lab.crowds import MINUTE_MS, Poll, Scene, chatter, ordinary, second_thoughts
from lab.delivery import OPTIONAL, Delays, deliver, draw_delays
from lab.labels import Labels, labels
from lab.people import DAY_MS
from lab.platform import Ids, draw_platform, electorate
from lab.speech import LANGUAGES, SPOKEN
from lab.surges import LONE, celebrity, fandom, memes
from lab.tell import Acts, Event

FIRST_DAY_MS = 1_664_755_200_000
"""3 October 2022, UTC; a world begins within the year after it."""
FANDOM_POLLS = (5, 9)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A mix: how long, how many polls, how many crowds and attacks of each kind, and which optional fields events have."""

    minutes: int
    polls: int
    crowds: Mapping[str, int]
    attacks: Mapping[str, int] = field(default_factory=dict)
    fields: Sequence[str] = OPTIONAL
    crossed: bool = False
    """Attacks may work the polls that crowds come to."""
    disguised: bool = False
    """Attacks are smaller and show less than in other worlds."""
    naming: str = ""
    """What accounts are called (`lab.handles.NAMINGS`), or "": ids that tell nothing."""

    def most_polls(self) -> int:
        """Return how many polls crowds and attacks may need."""
        crowds = sum(many * (FANDOM_POLLS[1] if kind == "fandom" else 1) for kind, many in self.crowds.items())
        attacks = sum(many * POLLS_WORKED.get(kind, (1, 1))[1] for kind, many in self.attacks.items())
        return max(crowds, attacks) if self.crossed else crowds + attacks


_NINE = {"celebrity": 3, "tv_show": 1, "fandom": 2, "campus": 1, "newcomers": 1, "meme": 1}
_SIX = dict.fromkeys(_NINE, 1)
_ALL = dict.fromkeys(ATTACKS, 1)
_WORLD = Scenario(240, 70, _NINE, _ALL)
SCENARIOS: dict[str, Scenario] = {
    "world": _WORLD,
    "organic": replace(_WORLD, attacks={}),
    "bare": replace(_WORLD, fields=()),
    "odd": replace(_WORLD, crowds=_NINE | {"push": 3, "carrier": 3, "closing": 3}, attacks={}),
    "crossed": replace(_WORLD, crossed=True),
    "disguised": replace(_WORLD, disguised=True),
    "named": replace(_WORLD, naming="chosen"),
    "numbered": replace(_WORLD, naming="numbers"),
    "small": Scenario(120, 40, {"celebrity": 1, "tv_show": 1, "fandom": 1, "newcomers": 1}, _ALL | {"swarm": 0, "lockstep": 0}),
    "large": Scenario(480, 200, {kind: 2 * many for kind, many in _NINE.items()}, dict.fromkeys(ATTACKS, 2)),
    **{kind: Scenario(200, 40, _SIX, {kind: 1}) for kind in ATTACKS},
}


@dataclass(frozen=True, slots=True)
class World:
    """`events` in arrival order, and the truth about them."""

    events: list[Event]
    labels: Labels


def world(scenario: Scenario, seed: int, delays: Delays | None = None) -> World:
    """Make the world of a scenario and seed; the same two make the same world. Raises ValueError for too few polls.

    It arrives with `delays`, or with those of a day drawn from the seed.
    """
    if scenario.polls < scenario.most_polls():
        raise ValueError(f"crowds and attacks may need {scenario.most_polls()} polls, {scenario.polls} are there")
    rng = np.random.default_rng(seed)
    scene, polls, sizes = _stage(rng, scenario, seed)
    organic = {poll.poll_id: ordinary(scene, poll, size) for poll, size in zip(polls, sizes, strict=True)}
    crowds, free = _crowds(scene, scenario, polls, organic)
    attacks = _attacks(scene, scenario, polls if scenario.crossed else free, organic)
    said = _said(scene, polls, organic, crowds)
    acts = [*(act for parts in organic.values() for act in parts), *said]
    attack_of = [-1] * len(acts)
    for number, attack in enumerate(attacks):
        acts += attack.acts
        attack_of += [number] * len(attack.acts)
    recorded = deliver(rng, acts, scene.end_ms, delays or draw_delays(rng), scenario.fields)
    return World(recorded.events, labels(recorded, attack_of, attacks, polls, crowds))


def _stage(rng: np.random.Generator, scenario: Scenario, seed: int) -> tuple[Scene, list[Poll], list[int]]:
    """Draw the platform, the polls, and how many votes each has from those who come by themselves."""
    start_ms = FIRST_DAY_MS + int(rng.integers(365 * 24 * 60)) * MINUTE_MS
    end_ms = start_ms + scenario.minutes * MINUTE_MS
    platform, ids = draw_platform(rng), Ids(rng, scenario.naming)
    usual = np.exp(rng.uniform(np.log(500), np.log(1_100)))
    sizes = np.clip(rng.lognormal(np.log(usual), rng.uniform(0.7, 1.0), scenario.polls), 130, 6_000).astype(int)
    people = int(rng.uniform(0.8, 1.6) * (sizes.sum() + 2_000 * sum(scenario.crowds.values()))) + 8_000
    voters = electorate(rng, platform, ids, people, start_ms)
    scene = Scene(rng, platform, voters, ids, rng.uniform(0.1, 0.5), scenario.disguised, start_ms, end_ms)
    return scene, [_poll(scene, f"p{seed}-{number:03d}") for number in range(scenario.polls)], sizes.tolist()


_OPTIONS = (("yes", "no"), ("yes", "no"), ("a", "b", "c", "d"), ("for", "against", "undecided"), ("red", "blue", "green", "grey", "none"))


def _poll(scene: Scene, poll_id: str) -> Poll:
    """Draw a poll that opens in the first 40 % of the recording, or in one of seven cases on the day before."""
    rng = scene.rng
    length_ms = scene.end_ms - scene.start_ms
    opened_before = rng.random() < 0.15
    launch_ms = scene.start_ms + int(-rng.uniform(0.01, 1) * DAY_MS if opened_before else rng.uniform(0, 0.4) * length_ms)
    options = np.array(_OPTIONS[int(rng.integers(len(_OPTIONS)))], dtype=object)
    countries = len(scene.platform.countries)
    sharpness = rng.uniform(0.05, 1.0)
    return Poll(
        poll_id,
        options,
        rng.dirichlet(np.full(len(options), rng.uniform(2, 12))),
        LANGUAGES[int(rng.choice(len(LANGUAGES), p=SPOKEN / SPOKEN.sum()))],
        launch_ms,
        rng.gamma(1 / sharpness, sharpness, countries) + 1e-4,
        np.zeros(len(scene.electorate), np.bool_),
    )


def _crowds(
    scene: Scene, scenario: Scenario, polls: Sequence[Poll], organic: dict[str, list[Acts]]
) -> tuple[list[dict[str, object]], list[Poll]]:
    """Let the crowds come; return what happened, and the polls that none came to."""
    free = [polls[number] for number in scene.rng.permutation(len(polls)).tolist()]
    told: list[dict[str, object]] = []
    for kind, many in scenario.crowds.items():
        for _ in range(many):
            if kind == "fandom":
                visited = [free.pop() for _ in range(int(scene.rng.integers(*FANDOM_POLLS, endpoint=True)))]
                rallies = fandom(scene, visited, [_moment(scene, poll) for poll in visited])
                for poll, rally in zip(visited, rallies, strict=True):
                    organic[poll.poll_id].append(rally)
                told.append({"kind": kind, "poll_ids": [poll.poll_id for poll in visited]})
                continue
            poll = free.pop()
            at_ms = _moment(scene, poll)
            if kind in LONE:
                organic[poll.poll_id].append(LONE[kind](scene, poll, at_ms))
            told.append({"kind": kind, "poll_id": poll.poll_id, "start": at_ms})
    return told, free


def _moment(scene: Scene, poll: Poll) -> int:
    """Return when something happens to a poll: not in the first minutes of it, nor in the last part of the recording."""
    from_ms = max(poll.launch_ms, scene.start_ms) + 3 * MINUTE_MS
    return int(scene.rng.uniform(from_ms, max(scene.start_ms + 0.85 * (scene.end_ms - scene.start_ms), from_ms + 1)))


def _attacks(
    scene: Scene, scenario: Scenario, polls: Sequence[Poll], organic: dict[str, list[Acts]]
) -> list[Attack]:
    free = [polls[number] for number in scene.rng.permutation(len(polls)).tolist()]
    done = []
    for kind, many in scenario.attacks.items():
        for _ in range(many):
            low, high = POLLS_WORKED.get(kind, (1, 1))
            worked = [free.pop() for _ in range(int(scene.rng.integers(low, high, endpoint=True)))]
            if kind == "undercover":
                at_ms = _moment(scene, worked[0])
                organic[worked[0].poll_id].append(celebrity(scene, worked[0], at_ms))
                worked = [replace(worked[0], launch_ms=at_ms)]
            done.append(ATTACKS[kind](scene, worked))
    return done


def _said(
    scene: Scene, polls: Sequence[Poll], organic: dict[str, list[Acts]], crowds: Sequence[Mapping[str, object]]
) -> list[Acts]:
    """Return what people say in replies, and the votes of those who vote again."""
    share, again = scene.rng.uniform(0.03, 0.1), float(scene.rng.choice([0.0, scene.rng.uniform(0.001, 0.015)]))
    memes_in = {crowd["poll_id"] for crowd in crowds if crowd["kind"] == "meme"}
    said = []
    for poll in polls:
        votes = organic[poll.poll_id]
        said += [chatter(scene, poll, part, share) for part in votes]
        said += [second_thoughts(scene, poll, part, again) for part in votes] if again else []
        if poll.poll_id in memes_in:
            said.append(memes(scene, poll, votes))
    return said
