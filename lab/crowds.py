"""Real people in polls: how they come, ordinary polls with their launch and shares, what is said, and second thoughts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from detectors.columns import Bools, Floats, Int64s
from lab.people import DAY_MS, Names
from lab.platform import Electorate, Ids, Platform
from lab.shapes import burst_ms, draw_burst, trickle_ms
from lab.speech import Language, replies
from lab.tell import Acts

MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Scene:
    """What all crowds and attacks of a world share; `calm` of the votes in its ordinary polls come without a push.

    Attacks of a `disguised` world are smaller, and their accounts are on more machines, clients and countries.
    """

    rng: np.random.Generator
    platform: Platform
    electorate: Electorate
    ids: Ids
    calm: float
    disguised: bool
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Poll:
    """One poll: its options and what people usually answer, who comes to it, and who has been (`used`)."""

    poll_id: str
    options: Names
    answer: Floats
    language: Language
    launch_ms: int
    tilt: Floats
    used: Bools

    def answers(self, rng: np.random.Generator, size: int, favourite: str = "", share: float = 0.0) -> Names:
        """Return what so many people answer: `share` of them `favourite`, the others as people do here."""
        said = self.options[rng.choice(len(self.options), size, p=self.answer)]
        return np.where(rng.random(size) < share, favourite, said) if favourite else said


@dataclass(frozen=True, slots=True)
class Call:
    """What sends people to a poll: the post they come through, how many name it, and whom it reaches.

    `tilt` weighs countries; `taste`, where there is one, weighs each person.
    """

    tilt: Floats
    post: str = ""
    share_with_post: float = 0.0
    favourite: str = ""
    favourite_share: float = 0.0
    taste: Floats | None = None


def come(scene: Scene, poll: Poll, ts_ms: Int64s, call: Call) -> Acts:
    """Let people of the electorate vote at these times; nobody votes twice in a poll."""
    rng = scene.rng
    ts_ms = ts_ms[ts_ms < scene.end_ms]
    reach = call.tilt[scene.electorate.country] * (1.0 if call.taste is None else call.taste)
    rows = scene.electorate.draw(rng, len(ts_ms), poll.used, reach)
    ts_ms, size = ts_ms[: len(rows)], len(rows)
    via: Names = np.full(size, "", dtype=object)
    via[rng.random(size) < call.share_with_post] = call.post
    said = poll.answers(rng, size, call.favourite, call.favourite_share)
    return Acts(poll.poll_id, scene.electorate.people.rows(rows), ts_ms, said, via)


def post_id(rng: np.random.Generator) -> str:
    """Return the id of some post."""
    return f"post-{rng.integers(2**40):010x}"


def tilted(rng: np.random.Generator, poll: Poll, sharpness: float) -> Floats:
    """Return the poll's audience as one post reaches it: the larger `sharpness`, the fewer countries."""
    drawn: Floats = poll.tilt * rng.gamma(1 / sharpness, sharpness, len(poll.tilt)) + 1e-4
    return drawn


def ordinary(scene: Scene, poll: Poll, votes: int) -> list[Acts]:
    """Return an ordinary poll: its launch, a trickle, and up to six shares, a few of them large."""
    rng = scene.rng
    trickle = trickle_ms(rng, poll.launch_ms, scene.end_ms, round(votes * scene.calm * rng.uniform(0.4, 1.4)))
    acts = [come(scene, poll, trickle[trickle >= scene.start_ms], Call(poll.tilt, post_id(rng), rng.uniform(0, 0.1)))]
    shares = 1 + min(int(rng.poisson(2)), 6)
    weight = rng.pareto(1.2, shares) + 0.05
    weight[0] += rng.uniform(0.3, 4) * weight.sum()
    for number, part in enumerate((weight / weight.sum() * (votes - len(trickle))).astype(int).tolist()):
        at_ms = poll.launch_ms if number == 0 else int(rng.integers(max(poll.launch_ms, scene.start_ms), scene.end_ms))
        acts.append(_share(scene, poll, at_ms, part, is_launch=number == 0))
    return acts


def _share(scene: Scene, poll: Poll, at_ms: int, people: int, is_launch: bool) -> Acts:
    """Let one post bring people; those of a launch saw the poll itself, and most of the others name the post."""
    rng = scene.rng
    times_ms = burst_ms(rng, draw_burst(rng), at_ms, scene.end_ms, people)
    named = rng.choice([0.0, rng.uniform(0.4, 0.95)], p=[0.25, 0.75]) * (not is_launch)
    call = Call(
        tilted(rng, poll, rng.uniform(0.1, 1.5)),
        post_id(rng),
        named,
        str(rng.choice(poll.options)),
        rng.choice([0.0, rng.uniform(0.3, 0.95)], p=[0.6, 0.4]),
        _taste(scene),
    )
    return come(scene, poll, times_ms[times_ms >= scene.start_ms], call)


def _taste(scene: Scene) -> Floats | None:
    """Return whom a post reaches by itself: of four posts, one reaches users of some clients or the younger accounts more."""
    rng, voters = scene.rng, scene.electorate
    drawn = rng.random()
    if drawn < 0.15:
        sharpness = rng.uniform(0.1, 0.6)
        liking: Floats = rng.gamma(1 / sharpness, sharpness, int(voters.client.max()) + 1)[voters.client]
        return liking
    if drawn < 0.25:
        youth: Floats = np.maximum(voters.age_ms / DAY_MS, 1.0) ** -rng.uniform(0.2, 0.8)
        return youth
    return None


def chatter(scene: Scene, poll: Poll, votes: Acts, share: float) -> Acts:
    """Let a share of those who voted say something of their own."""
    rows = np.flatnonzero(scene.rng.random(len(votes)) < share)
    return reply(scene, votes, rows, replies(scene.rng, poll.language, len(rows)))


def reply(scene: Scene, votes: Acts, rows: Int64s, said: Names) -> Acts:
    """Return what the voters of these rows say, some seconds after their votes."""
    later_ms = scene.rng.exponential(20_000, len(rows)).astype(np.int64)
    nothing: Names = np.full(len(rows), "", dtype=object)
    return replace(votes, who=votes.who.rows(rows), ts_ms=votes.ts_ms[rows] + later_ms, said=said, via=nothing, type="reply")


def second_thoughts(scene: Scene, poll: Poll, votes: Acts, share: float) -> Acts:
    """Let a share of those who voted vote again, minutes later; some of them change their mind."""
    rng = scene.rng
    rows = np.flatnonzero(rng.random(len(votes)) < share)
    later_ms = rng.lognormal(np.log(3 * MINUTE_MS), 1.0, len(rows)).astype(np.int64)
    said = poll.answers(rng, len(rows))
    return replace(votes, who=votes.who.rows(rows), ts_ms=votes.ts_ms[rows] + later_ms, said=said, via=votes.via[rows])
