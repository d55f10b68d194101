"""Eight kinds of attack on polls, each with sizes, times and disguises drawn from wide ranges. Knows no detector.

Accounts of a script differ from people in what each kind says; in everything else they are drawn like people.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from detectors.columns import Bools, Int64s
from lab.crowds import MINUTE_MS, Poll, Scene
from lab.people import DAY_MS, Names, People
from lab.platform import clients, people
from lab.speech import swarm as swarm_texts
from lab.tell import Acts


@dataclass(frozen=True, slots=True)
class Attack:
    """What one campaign did. Of `level` "account" its accounts are to be named, of "poll" only the poll can be judged.

    `spacing` is "clockwork" or "random" where the times alone could tell, else "".
    """

    kind: str
    acts: tuple[Acts, ...]
    level: str = "account"
    spacing: str = ""


Strike = Callable[[Scene, Sequence[Poll]], Attack]


def flood(scene: Scene, polls: Sequence[Poll]) -> Attack:
    """New accounts of a few days, one client, few networks, at one rate for minutes, on a quiet poll."""
    rng, poll = scene.rng, polls[0]
    size = _size(scene, 1_500, 7_000)
    length_ms = size / _log_uniform(rng, 8, 50) * 1_000
    who = _scripted(scene, size, rng.uniform(0.3, 3) * DAY_MS, rng.uniform(1, 6) * DAY_MS, _hosts(scene, 20, 150))
    who = replace(who, followers=rng.poisson(rng.uniform(1, 8), size))
    times_ms = _switched_on(scene, _begin(scene, poll, length_ms), length_ms, size)
    return Attack("flood", (_votes(scene, poll, who, times_ms),))


def undercover(scene: Scene, polls: Sequence[Poll]) -> Attack:
    """The same from older accounts, inside a crowd that somebody famous sent just before.

    Begins within three minutes of `polls[0].launch_ms`, which has to be the moment of that crowd.
    """
    rng, poll = scene.rng, polls[0]
    size = _size(scene, 1_000, 4_000)
    length_ms = size / rng.uniform(4, 16) * 1_000
    who = _scripted(scene, size, rng.uniform(20, 200) * DAY_MS, rng.uniform(2, 8) * DAY_MS, _hosts(scene, 25, 120))
    who = replace(who, followers=rng.poisson(rng.uniform(2, 12), size))
    start_ms = poll.launch_ms + int(rng.uniform(20_000, 180_000))
    return Attack("undercover", (_votes(scene, poll, who, _switched_on(scene, start_ms, length_ms, size)),))


def drip(scene: Scene, polls: Sequence[Poll]) -> Attack:
    """A few a minute for hours, at one rate; one client, accounts of the last months, networks like anybody's."""
    rng, poll = scene.rng, polls[0]
    length_ms = min(rng.uniform(90, 190) * MINUTE_MS, 0.65 * (scene.end_ms - scene.start_ms))
    size = int(length_ms / MINUTE_MS * rng.uniform(*((2, 8) if scene.disguised else (5, 14))))
    who = _made(scene, size)
    client = _few(scene, clients(rng, scene.platform, 3), size)
    age_ms = rng.uniform(0.2 * DAY_MS, rng.uniform(60, 200) * DAY_MS, size).astype(np.int64)
    followers = rng.integers(0, int(rng.uniform(20, 100)), size)
    who = replace(who, client=client, created_ms=scene.start_ms - age_ms, followers=followers)
    begin_ms = min(poll.launch_ms + rng.uniform(-2, 20) * MINUTE_MS, scene.end_ms - length_ms)
    start_ms = max(int(begin_ms), scene.start_ms)
    return Attack("drip", (_votes(scene, poll, who, _switched_on(scene, start_ms, length_ms, size)),))


def lockstep(scene: Scene, polls: Sequence[Poll]) -> Attack:
    """Hundreds of accounts that look like anybody, in poll after poll within seconds."""
    rng = scene.rng
    who = _people(scene, _size(scene, 250, 900))
    return Attack("lockstep", _meetings(scene, polls, who, rng.uniform(0.55, 0.95), rng.uniform(10_000, 40_000)))


def ring(scene: Scene, polls: Sequence[Poll]) -> Attack:
    """A few dozen accounts that look like anybody, in a dozen polls within a minute of each other."""
    rng = scene.rng
    who = _people(scene, int(rng.integers(30, 61)))
    return Attack("ring", _meetings(scene, polls, who, rng.uniform(0.85, 0.97), rng.uniform(30_000, 90_000)))


def pulse(scene: Scene, polls: Sequence[Poll]) -> Attack:
    """A pool on few machines of one country that visits its polls in turn, some new votes each time."""
    rng = scene.rng
    size, period_ms = _size(scene, 250, 700), rng.uniform(5, 20) * MINUTE_MS
    width_ms, part = rng.uniform(12_000, 45_000), rng.uniform(0.2, 0.4)
    who = _scripted(scene, size, rng.uniform(60, 250) * DAY_MS, rng.uniform(40, 300) * DAY_MS, _hosts(scene, 6, 25))
    who = replace(who, country=_few(scene, rng.choice(scene.platform.countries, 3), size))
    first_ms = max(poll.launch_ms for poll in polls) + int(rng.uniform(0, 10) * MINUTE_MS)
    left = [rng.permutation(size)[: round(size * rng.uniform(0.7, 1.0))] for _ in polls]
    acts: list[Acts] = []
    for visit, at_ms in enumerate(np.arange(first_ms, scene.end_ms - width_ms, period_ms).astype(int).tolist()):
        turn = visit % len(polls)
        now, left[turn] = np.split(left[turn], [max(round(part * len(left[turn])), min(20, len(left[turn])))])
        if len(now):
            acts.append(_votes(scene, polls[turn], who.rows(now), _switched_on(scene, at_ms, width_ms, len(now))))
    return Attack("pulse", tuple(acts))


def swarm(scene: Scene, polls: Sequence[Poll]) -> Attack:
    """Accounts that look like anybody and come within a quarter of an hour, each with a reply from a few templates."""
    rng = scene.rng
    who = _people(scene, _size(scene, 180, 450))
    votes = _meetings(scene, polls, who, rng.uniform(0.45, 0.75), rng.uniform(6, 20) * MINUTE_MS)
    return Attack("swarm", (*votes, *_copied(scene, polls, who, votes)))


def hijacked(scene: Scene, polls: Sequence[Poll]) -> Attack:
    """Real people's accounts, taken over, all for one option for minutes; with clockwork or with random spacing."""
    rng, poll = scene.rng, polls[0]
    rows = scene.electorate.draw(rng, _size(scene, 1_000, 2_600), poll.used)
    length_ms = len(rows) / rng.uniform(4, 16) * 1_000
    start_ms = _begin(scene, poll, length_ms)
    spacing = str(rng.choice(["clockwork", "random"], p=[0.65, 0.35]))
    step_ms = length_ms / len(rows)
    beat_ms = start_ms + np.arange(len(rows)) * step_ms + rng.uniform(-1, 1, len(rows)) * step_ms * rng.uniform(0.2, 1.2)
    times_ms = beat_ms.astype(np.int64) if spacing == "clockwork" else _switched_on(scene, start_ms, length_ms, len(rows))
    votes = _votes(scene, poll, scene.electorate.people.rows(rows), times_ms, purity=1.0)
    return Attack("hijacked", (votes,), "poll", spacing)


ATTACKS: dict[str, Strike] = {
    "flood": flood,
    "undercover": undercover,
    "drip": drip,
    "lockstep": lockstep,
    "ring": ring,
    "pulse": pulse,
    "swarm": swarm,
    "hijacked": hijacked,
}
POLLS_WORKED = {"lockstep": (5, 10), "ring": (8, 14), "pulse": (4, 6), "swarm": (6, 10)}
"""How many polls, from and to, the attacks on several polls work; the others work one."""


def _people(scene: Scene, size: int) -> People:
    return people(scene.rng, scene.platform, scene.ids.take(size), scene.start_ms)


def _made(scene: Scene, size: int) -> People:
    """Return people whose accounts one script made: where accounts have names, one generator's."""
    return people(scene.rng, scene.platform, scene.ids.made(size), scene.start_ms)


def _scripted(scene: Scene, size: int, youngest_ms: float, window_ms: float, hosts: Names) -> People:
    """Return accounts born in one window, on these hosts, with one client."""
    rng = scene.rng
    born_ms = scene.start_ms - youngest_ms - rng.uniform(0, window_ms, size)
    client = _few(scene, clients(rng, scene.platform, 3), size)
    network = rng.choice(hosts, size)
    return replace(_made(scene, size), created_ms=born_ms.astype(np.int64), client=client, network=network)


def _few(scene: Scene, names: Names, size: int) -> Names:
    """Return one of the names for all; in disguise, one to three of them, the first most often."""
    rng = scene.rng
    kinds = int(rng.integers(1, len(names) + 1)) if scene.disguised else 1
    weight = 1 / np.arange(1, kinds + 1)
    return names[rng.choice(kinds, size, p=weight / weight.sum())]


def _size(scene: Scene, low: float, high: float) -> int:
    return _log_uniform(scene.rng, low / 4 if scene.disguised else low, high)


def _hosts(scene: Scene, fewest: int, most: int) -> Names:
    """Return networks that nobody else uses."""
    count = _log_uniform(scene.rng, fewest, most * 5 if scene.disguised else most)
    first = scene.platform.networks + int(scene.rng.integers(1, 10)) * 1_000
    return np.array([f"n{first + number}" for number in range(count)], dtype=object)


def _meetings(
    scene: Scene, polls: Sequence[Poll], who: People, turnout: float, width_ms: float
) -> tuple[Acts, ...]:
    acts = []
    for poll in polls:
        here: Bools = scene.rng.random(len(who)) < turnout
        rows = np.flatnonzero(here)
        at_ms = _begin(scene, poll, width_ms)
        acts.append(_votes(scene, poll, who.rows(rows), _switched_on(scene, at_ms, width_ms, len(rows))))
    return tuple(acts)


def _copied(scene: Scene, polls: Sequence[Poll], who: People, votes: Sequence[Acts]) -> list[Acts]:
    """Return a reply to each vote, all from the templates of one language."""
    number = {account: row for row, account in enumerate(who.account_id.tolist())}
    writers = [np.array([number[account] for account in part.who.account_id.tolist()], dtype=np.int64) for part in votes]
    texts = swarm_texts(scene.rng, polls[0].language, np.concatenate(writers))
    parts = np.split(texts, np.cumsum([len(part) for part in votes])[:-1])
    return [
        replace(part, ts_ms=part.ts_ms + scene.rng.exponential(15_000, len(part)).astype(np.int64), said=said, type="reply")
        for part, said in zip(votes, parts, strict=True)
    ]


def _votes(scene: Scene, poll: Poll, who: People, times_ms: Int64s, purity: float | None = None) -> Acts:
    rng = scene.rng
    wanted = poll.options[int(np.argmin(poll.answer))]
    share = rng.uniform(0.85, 1.0) if purity is None else purity
    said = poll.answers(rng, len(who), str(wanted), share)
    return Acts(poll.poll_id, who, times_ms, said, np.full(len(who), "", dtype=object))


def _begin(scene: Scene, poll: Poll, length_ms: float) -> int:
    """Return a moment when the poll has been open for some minutes, and that leaves time for the whole attack."""
    first_ms = max(poll.launch_ms, scene.start_ms) + 5 * MINUTE_MS
    last_ms = max(scene.end_ms - length_ms - 2 * MINUTE_MS, first_ms + 1)
    return int(scene.rng.uniform(first_ms, last_ms))


def _switched_on(scene: Scene, start_ms: float, length_ms: float, size: int) -> Int64s:
    """Return times of a Poisson process at one rate."""
    return (start_ms + scene.rng.uniform(0, length_ms, size)).astype(np.int64)


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> int:
    return int(np.exp(rng.uniform(np.log(low), np.log(high))))
