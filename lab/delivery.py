"""What was done in a world as a recording: events in arrival order, some late, some twice. Knows no kind of attack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detectors.columns import Bools, Floats, Int64s
from lab.people import Names
from lab.tell import Acts, Event

OPTIONAL = ("account_created_at", "followers", "client", "network", "country", "referrer")


@dataclass(frozen=True, slots=True)
class Delays:
    """How a recording arrives: most events within `usual_ms` (mean), `slow_share` of them up to 9 s late.

    `phones` of all events come from phones that were offline for up to ten minutes, `outages` networks each hold back
    everything for one to five minutes, and `twice` of all events are delivered again.
    """

    usual_ms: float
    slow_share: float
    phones: float
    outages: int
    twice: float


@dataclass(frozen=True, slots=True)
class Recorded:
    """Events in arrival order, and the row of `acts` that each belongs to; an event that comes twice is there twice."""

    events: list[Event]
    part: Int64s


def draw_delays(rng: np.random.Generator) -> Delays:
    """Draw a good or a bad day of the network."""
    return Delays(
        usual_ms=rng.uniform(60, 500),
        slow_share=rng.uniform(0, 0.02),
        phones=float(rng.choice([0.0, rng.uniform(0, 0.002)])),
        outages=int(rng.choice([0, 0, 1, 2])),
        twice=rng.uniform(0, 0.003),
    )


def deliver(
    rng: np.random.Generator, acts: Sequence[Acts], end_ms: int, delays: Delays, fields: Sequence[str] = OPTIONAL
) -> Recorded:
    """Return the events of all acts before `end_ms`, with those of the optional `fields` that a platform has."""
    sizes = [len(one) for one in acts]
    part = np.repeat(np.arange(len(acts)), sizes)
    ts_ms = np.concatenate([one.ts_ms for one in acts])
    network = np.concatenate([one.who.network for one in acts])
    arrives_ms = ts_ms + _delay_ms(rng, ts_ms, network, delays)
    again = np.flatnonzero(rng.random(len(ts_ms)) < delays.twice)
    row = np.concatenate([np.arange(len(ts_ms)), again])
    arrives_ms = np.concatenate([arrives_ms, arrives_ms[again] + rng.exponential(3_000, len(again))])
    row = row[np.argsort(arrives_ms, kind="stable")]
    row = row[ts_ms[row] < end_ms]
    return Recorded(_events(rng, acts, sizes, ts_ms, network, row, fields), part[row])


def _delay_ms(rng: np.random.Generator, ts_ms: Int64s, network: Names, delays: Delays) -> Floats:
    size = len(ts_ms)
    delay_ms = rng.exponential(delays.usual_ms, size)
    delay_ms += (rng.random(size) < delays.slow_share) * rng.uniform(0, 9_000, size)
    delay_ms += (rng.random(size) < delays.phones) * rng.uniform(30_000, 600_000, size)
    for _ in range(delays.outages):
        # some event falls into it: large networks and busy minutes are the more likely
        hit, length_ms = int(rng.integers(size)), rng.uniform(60_000, 300_000)
        down: Bools = network == network[hit]
        from_ms = ts_ms[hit] - rng.uniform(0, length_ms)
        held = down & (ts_ms >= from_ms) & (ts_ms < from_ms + length_ms)
        back_ms = from_ms + length_ms + rng.uniform(0, 3_000, size)
        delay_ms = np.where(held, np.maximum(delay_ms, back_ms - ts_ms), delay_ms)
    return delay_ms


def _events(
    rng: np.random.Generator,
    acts: Sequence[Acts],
    sizes: list[int],
    ts_ms: Int64s,
    network: Names,
    row: Int64s,
    fields: Sequence[str],
) -> list[Event]:
    known: dict[str, Names | Int64s] = {
        "account_created_at": np.concatenate([one.who.created_ms for one in acts]),
        "followers": np.concatenate([one.who.followers for one in acts]),
        "client": np.concatenate([one.who.client for one in acts]),
        "network": network,
        "country": np.concatenate([one.who.country for one in acts]),
        "referrer": np.concatenate([one.via for one in acts]),
    }
    is_vote = np.repeat([one.type == "vote" for one in acts], sizes)
    ids = (np.arange(len(ts_ms), dtype=np.uint64) * np.uint64(0x9E3779B97F4B) ^ rng.integers(2**48, dtype=np.uint64)) % 2**48
    columns: dict[str, Names | Int64s] = {
        "type": np.where(is_vote, "vote", "reply").astype(object),
        "event_id": np.array([f"{number:012x}" for number in ids.tolist()], dtype=object),
        "poll_id": np.repeat(np.array([one.poll_id for one in acts], dtype=object), sizes),
        "account_id": np.concatenate([one.who.account_id for one in acts]),
        "said": np.concatenate([one.said for one in acts]),
        "ts": ts_ms,
        **{name: known[name] for name in fields},
    }
    names = list(columns)
    rows = zip(*(columns[name][row].tolist() for name in names), strict=True)
    return [_event(names, values) for values in rows]


def _event(names: list[str], values: tuple[object, ...]) -> Event:
    event: Event = dict(zip(names, values, strict=True))
    event["option" if event["type"] == "vote" else "text"] = event.pop("said")
    if event.get("referrer") == "":
        del event["referrer"]
    return event
