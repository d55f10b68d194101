"""What a shard forgets, and when: at the same event time for everybody, and before its memory is over its cap."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pytest
from columns_by_hand import Event
from fed_shard import HOUR_MS, SOURCE, Fed, Watcher, at, vote

from detectors.shard import Shard
from detectors.shard_params import ShardParams


def lives(seed: int, polls: int, hours: int) -> list[Event]:
    """Polls that are heard of at random hours, more and less often."""
    rng = random.Random(seed)
    events = [
        vote(rng.uniform(0, hours * 3600) ** (1 + poll % 2 * 0.1), f"p{poll}", option=rng.choice(["yes", None]))
        for poll in range(polls)
        for _ in range(1 + poll % 5)
    ]
    return sorted((e for e in events if e.ts_ms < at(hours * 3600)), key=lambda e: e.ts_ms)


def crowds(seed: int) -> list[Event]:
    """Many polls in each second, more than there is room for."""
    rng = random.Random(seed)
    events = [vote(rng.uniform(0, 30), f"p{rng.randrange(60)}") for _ in range(600)]
    return sorted(events, key=lambda e: e.ts_ms)


def story_of(params: ShardParams, events: list[Event], cuts_s: list[float]) -> tuple[Any, ...]:
    """Return what a shard tells and forgets when time comes to each of `cuts_s` in turn."""
    fed = Fed(params, watcher=Watcher())
    for start_s, end_s in pairwise([0.0, *cuts_s]):
        fed.feed(at(end_s), *(e for e in events if at(start_s) <= e.ts_ms < at(end_s)))
    sums = [fed.total(name) for name in ("polls_retired", "polls_evicted", "polls_entered", "votes")]
    return sorted(fed.watcher.told), fed.standing(), fed.retired(), sums


@pytest.mark.parametrize("seed", range(4))
def test_those_who_are_too_many_leave_at_the_same_event_time_too(seed: int) -> None:
    print(f"seed {seed}")
    params, events, rng = ShardParams(max_polls=20), crowds(seed), random.Random(seed)
    whole = story_of(params, events, [60])
    assert whole[3][1] > 200, "hardly anybody left: this test says nothing"
    for count in (5, 50):
        cuts = sorted(rng.randrange(30 * 4) / 4 for _ in range(count))
        assert story_of(params, events, [*cuts, 60]) == whole, f"{count} cuts"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("most_polls", [1_000, 20])
def test_polls_leave_at_the_same_event_time_however_the_rows_are_released(seed: int, most_polls: int) -> None:
    print(f"seed {seed}")
    params = ShardParams(retain_ms=HOUR_MS, max_polls=most_polls)
    events = lives(seed, polls=60, hours=12)
    rng = random.Random(seed)
    whole = story_of(params, events, [16 * 3600])
    assert whole[3][0] > 30, "hardly anybody left: this test says nothing"
    assert (whole[3][1] > 0) == (most_polls == 20)
    for count in (3, 20, 300):
        cuts = sorted(rng.randrange(12 * 3600 * 4) / 4 for _ in range(count))
        assert story_of(params, events, [*cuts, 16 * 3600]) == whole, f"{count} cuts"


def test_a_poll_that_was_quiet_for_so_long_leaves_with_its_votes() -> None:
    fed = Fed(ShardParams(retain_ms=2 * HOUR_MS))
    fed.feed(at(60), vote(1, account=7), vote(2, "q", account=7))
    fed.feed(at(3 * 3600), vote(2.5 * 3600, "q", option=None))
    assert fed.retired() == {"p": {"yes": 1}}
    assert fed.standing() == {"q": {"yes": 1}}
    assert fed.shard.sizes()["voters"] == 1
    fed.feed(at(4 * 3600), vote(3.5 * 3600, account=7, option="no"))
    assert fed.standing()["p"] == {"no": 1}, "it begins anew"
    assert fed.total("revotes") == 0


def test_when_there_are_too_many_polls_those_quiet_longest_leave() -> None:
    fed = Fed(ShardParams(max_polls=3))
    fed.feed(at(10), vote(1, "a"), vote(2, "b"), vote(3, "c"))
    fed.feed(at(20), vote(12, "a"), vote(13, "d"), vote(14, "e"))
    fed.feed(at(30))
    assert sorted(fed.retired()) == ["b", "c"]
    assert fed.total("polls_evicted") == 2
    assert sorted(fed.standing()) == ["a", "d", "e"]


def nbytes(value: Any) -> int:
    return len(msgspec.msgpack.encode(value))


@pytest.mark.parametrize("hostile", ["new polls", "new polls in copies of one event", "new options", "new replied polls"])
def test_memory_stays_under_its_cap_after_ten_times_as_many_names(hostile: str) -> None:
    most = 500
    fed = Fed(ShardParams(max_polls=most))
    for part in range(120):
        begin_s = part * 10.0
        names = [f"{part}/{i}" for i in range(100)]
        events = [
            vote(
                begin_s + i / 20,
                poll="p" if hostile == "new options" else name,
                event=1 if hostile == "new polls in copies of one event" else 0,
                option=name if hostile == "new options" else None if hostile == "new replied polls" else "yes",
            )
            for i, name in enumerate(names)
        ]
        fed.feed(at(begin_s + 10), *events)
        assert fed.shard.sizes()["polls"] <= most + 100, f"part {part}"
        assert fed.shard.book.names_held() <= 10_000 + 100
    assert fed.shard.sizes()["polls"] <= most
    state = fed.shard.snapshot()
    # a poll costs about 500 bytes, an option 250, an id that may come again 8 of them here
    assert nbytes(state["book"]) < 750 * most + 100 * 10_100, nbytes(state["book"])
    assert len(fed.shard.book.poll_ids) <= most + 200
    assert len(fed.shard.book.option_names) <= most + 200


def test_waiting_rows_leave_memory_when_they_are_released() -> None:
    fed = Fed()
    fed.feed(at(0), *(vote(i) for i in range(1, 500)))
    assert fed.shard.sizes()["waiting_rows"] == 499
    fed.feed(at(1000))
    assert fed.shard.sizes()["waiting_rows"] == 0


@pytest.mark.parametrize("seed", range(4))
def test_a_restored_shard_goes_on_as_if_nothing_had_happened(seed: int) -> None:
    print(f"seed {seed}")
    rng = random.Random(seed)
    params = ShardParams(retain_ms=HOUR_MS, max_polls=30)
    events = lives(seed, polls=60, hours=6)
    one, other = Fed(params, Watcher()), Fed(params, Watcher())
    for start_s, end_s in pairwise([0.0, *sorted(rng.uniform(0, 6 * 3600) for _ in range(20)), 8 * 3600]):
        part = [e for e in events if at(start_s) <= e.ts_ms < at(end_s)]
        one.feed(at(end_s), *part)
        other.feed(at(end_s), *part)
        state = msgspec.msgpack.decode(msgspec.msgpack.encode(other.shard.snapshot()))
        other.shard = Shard(0, [SOURCE], params, other.watcher)
        other.shard.restore(state)
    assert other.reports == one.reports
    assert other.counted == one.counted
    assert np.array_equal(other.shard.book.votes, one.shard.book.votes[: len(other.shard.book.votes)])
