"""Crowds of real people that look like an attack in some way and are none: by one way each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from detectors.columns import Floats, Int64s
from lab.crowds import MINUTE_MS, Call, Poll, Scene, come, post_id, reply, tilted
from lab.people import DAY_MS, Names
from lab.platform import people
from lab.shapes import Burst, broadcast_ms, burst_ms, draw_burst, hump_ms
from lab.speech import meme
from lab.tell import Acts

Surge = Callable[[Scene, Poll, int], Acts]


def celebrity(scene: Scene, poll: Poll, at_ms: int) -> Acts:
    """Let somebody famous send followers: sharp on, three or four countries, half of them name the post, one opinion."""
    rng = scene.rng
    size = int(np.exp(rng.uniform(np.log(1_000), np.log(6_000))))
    burst = Burst(rng.uniform(500, 8_000), rng.uniform(15_000, 90_000), rng.uniform(0.5, 1.0))
    far = np.where(rng.permutation(len(poll.tilt)) < rng.integers(3, 5), rng.uniform(3, 25), 1.0)
    call = Call(far, post_id(rng), rng.uniform(0.35, 0.8), str(rng.choice(poll.options)), rng.uniform(0.4, 0.97))
    return come(scene, poll, burst_ms(rng, burst, at_ms, scene.end_ms, size), call)


def tv_show(scene: Scene, poll: Poll, at_ms: int) -> Acts:
    """Let a show ask for votes: on at once, one rate while it asks, then a fade; nobody names a post."""
    rng = scene.rng
    plateau_ms = int(rng.uniform(40_000, 150_000))
    size = int(plateau_ms / 1000 * rng.uniform(8, 35) / 0.6)
    favourite = str(rng.choice(poll.options))
    call = Call(tilted(rng, poll, rng.uniform(0.05, 1.0)), favourite=favourite, favourite_share=rng.uniform(0, 0.8))
    return come(scene, poll, broadcast_ms(rng, at_ms, plateau_ms, scene.end_ms, size), call)


def campus(scene: Scene, poll: Poll, at_ms: int) -> Acts:
    """Let one university vote: one network, one country, everything else as with anybody."""
    rng = scene.rng
    country = rng.integers(len(poll.tilt))
    times_ms = hump_ms(rng, at_ms, int(rng.uniform(25, 80) * MINUTE_MS), int(rng.uniform(250, 1_000)))
    favourite = str(rng.choice(poll.options))
    tilt = np.where(np.arange(len(poll.tilt)) == country, 1.0, 1e-9)
    acts = come(scene, poll, times_ms, Call(tilt, favourite=favourite, favourite_share=rng.uniform(0, 0.8)))
    network: Names = np.full(len(acts), f"n-campus-{rng.integers(10_000)}", dtype=object)
    return replace(acts, who=replace(acts.who, network=network))


def newcomers(scene: Scene, poll: Poll, at_ms: int) -> Acts:
    """Let the news bring people who sign up in order to vote: accounts of minutes to days, otherwise like anybody."""
    rng = scene.rng
    times_ms = hump_ms(rng, at_ms, int(rng.uniform(60, 180) * MINUTE_MS), int(rng.uniform(1_200, 3_000)))
    times_ms = np.sort(times_ms[times_ms < scene.end_ms])
    size = len(times_ms)
    who = people(rng, scene.platform, scene.ids.take(size), scene.start_ms)
    age_ms = np.clip(rng.lognormal(np.log(40 * MINUTE_MS), 1.3, size), 20_000, 3 * DAY_MS)
    who = replace(who, created_ms=times_ms - age_ms.astype(np.int64), followers=rng.geometric(0.1, size) - 1)
    said = poll.answers(rng, size, str(rng.choice(poll.options)), rng.uniform(0, 0.7))
    return Acts(poll.poll_id, who, times_ms, said, np.full(size, "", dtype=object))


def fandom(scene: Scene, polls: Sequence[Poll], at_ms: Sequence[int]) -> list[Acts]:
    """Let one community meet in several polls: a rally in each brings a quarter to a half of them within minutes."""
    rng, size = scene.rng, len(scene.electorate)
    members = int(min(rng.uniform(700, 2_400), size / 10))
    home = tilted(rng, polls[0], 1.5)
    fans = scene.electorate.draw(rng, members, np.zeros(size, np.bool_), home[scene.electorate.country])
    turnout, named = rng.uniform(0.2, 0.45), rng.uniform(0.6, 0.98)
    return [_rally(scene, poll, start_ms, fans, turnout, named) for poll, start_ms in zip(polls, at_ms, strict=True)]


def _rally(scene: Scene, poll: Poll, at_ms: int, fans: Int64s, turnout: float, named: float) -> Acts:
    rng = scene.rng
    rows = fans[(rng.random(len(fans)) < turnout) & ~poll.used[fans]]
    burst = Burst(rng.uniform(2_000, 60_000), rng.uniform(60_000, 300_000), rng.uniform(1.2, 2.5))
    times_ms = burst_ms(rng, burst, at_ms, scene.end_ms, len(rows))
    rows, times_ms = rows[times_ms < scene.end_ms], times_ms[times_ms < scene.end_ms]
    poll.used[rows] = True
    said = poll.answers(rng, len(rows), str(rng.choice(poll.options)), rng.uniform(0.6, 0.95))
    via: Names = np.full(len(rows), "", dtype=object)
    via[rng.random(len(rows)) < named] = f"rally-{rng.integers(2**32):08x}"
    return Acts(poll.poll_id, scene.electorate.people.rows(rows), times_ms, said, via)


def memes(scene: Scene, poll: Poll, votes: Sequence[Acts]) -> Acts:
    """Let 60 to 200 of the voters of a poll reply with one long text that goes round."""
    rng = scene.rng
    voters = max(votes, key=len)
    rows = rng.choice(len(voters), min(int(rng.uniform(60, 200)), len(voters) // 2), replace=False)
    return reply(scene, voters, rows, meme(rng, poll.language, len(rows)))


def push(scene: Scene, poll: Poll, at_ms: int) -> Acts:
    """Let an application tell all its users at once: on within seconds, one client, nobody names a post."""
    rng, voters = scene.rng, scene.electorate
    client = rng.choice(np.unique(voters.client), p=np.bincount(voters.client) / len(voters))
    others = rng.uniform(0, 0.05)
    taste: Floats = np.where(voters.client == client, 1.0, others)
    burst = Burst(rng.uniform(1_000, 6_000), rng.uniform(20_000, 120_000), rng.uniform(0.6, 1.2))
    times_ms = burst_ms(rng, burst, at_ms, scene.end_ms, int(rng.uniform(300, 2_500)))
    return come(scene, poll, times_ms, Call(tilted(rng, poll, rng.uniform(0.05, 0.5)), taste=taste))


def carrier(scene: Scene, poll: Poll, at_ms: int) -> Acts:
    """Let a post reach one country where most phones share three addresses of one operator."""
    rng = scene.rng
    country = rng.integers(len(poll.tilt))
    times_ms = burst_ms(rng, draw_burst(rng), at_ms, scene.end_ms, int(rng.uniform(300, 1_500)))
    call = Call(np.where(np.arange(len(poll.tilt)) == country, 1.0, 0.01), post_id(rng), rng.uniform(0, 0.9))
    acts = come(scene, poll, times_ms, call)
    operator = [f"n-mobile-{rng.integers(10_000)}" for _ in range(3)]
    network = np.where(rng.random(len(acts)) < rng.uniform(0.4, 0.8), rng.choice(operator, len(acts)), acts.who.network)
    return replace(acts, who=replace(acts.who, network=network.astype(object)))


def closing(scene: Scene, poll: Poll, at_ms: int) -> Acts:
    """Let a poll's last minutes be counted down: the rate grows to its end, and then nothing comes of this crowd."""
    rng = scene.rng
    size, length_ms = int(rng.uniform(400, 2_500)), rng.uniform(5, 25) * MINUTE_MS
    before_ms = np.minimum(rng.exponential(length_ms / 5, size), length_ms)
    end_ms = min(at_ms + length_ms, scene.end_ms - 1)
    favourite = str(rng.choice(poll.options))
    call = Call(tilted(rng, poll, rng.uniform(0.05, 1.0)), favourite=favourite, favourite_share=rng.uniform(0, 0.7))
    return come(scene, poll, (end_ms - before_ms).astype(np.int64), call)


LONE: dict[str, Surge] = {
    "celebrity": celebrity,
    "tv_show": tv_show,
    "campus": campus,
    "newcomers": newcomers,
    "push": push,
    "carrier": carrier,
    "closing": closing,
}
"""Crowds of one poll that bring votes; a fandom works several polls, and a meme brings replies."""
