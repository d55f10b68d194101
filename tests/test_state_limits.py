"""How full the bounded stores of a worker are, as operators see it before something is dropped."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest
from faust.types import TP
from prometheus_client import CollectorRegistry
from test_case_stage import NoStore, Sent

from config import Settings
from detectors.shard_params import ShardParams
from streams.metric_labels import Store
from streams.metrics import Metrics
from streams.shards import Shards
from streams.stages import build_shard

PARTS = (Store.POLLS, Store.RECENT_IDS, Store.WAITING_ROWS)


@dataclass
class Holding:
    """A shard that holds so much of all it may hold."""

    held: int
    most: int

    def sizes(self) -> dict[str, int]:
        return dict.fromkeys(PARTS, self.held)

    @property
    def params(self) -> ShardParams:
        return ShardParams(max_polls=self.most, max_waiting_rows=self.most, max_recent_ids=self.most)


def shown(*machines: Holding) -> dict[Store, float | None]:
    registry = CollectorRegistry()
    stage = Shards(Settings(), machines.__getitem__, lambda *_: NoStore(), Sent(), Metrics(registry))  # type: ignore[arg-type]
    asyncio.run(stage.assign({TP("pollwatch.exchange", number) for number in range(len(machines))}))
    stage.show()
    return {store: registry.get_sample_value("pollwatch_state_fullness_ratio", {"store": store}) for store in PARTS}


@pytest.mark.parametrize(
    ("machines", "ratio"),
    [((), 0.0), ((Holding(1_000, 4_000),), 0.25), ((Holding(1_800, 2_000), Holding(2_000, 90_000)), 0.9), ((Holding(0, 1_000), Holding(3_000, 3_000)), 1.0)],
)
def test_a_store_is_as_full_as_that_of_the_fullest_shard(machines: tuple[Holding, ...], ratio: float) -> None:
    assert set(shown(*machines).values()) == {ratio}


def test_a_shard_knows_the_limits_it_was_given() -> None:
    settings = Settings(polls=ShardParams(max_polls=7, max_waiting_rows=2_000, max_recent_ids=3_000))
    of_polls = build_shard(0, settings, ["poll.votes/0"]).params.limits()
    assert of_polls == {Store.POLLS: 7, Store.WAITING_ROWS: 2_000, Store.RECENT_IDS: 3_000}
    across = build_shard(settings.topics.partitions, settings, ["poll.votes/0"])
    assert across.params.limits() == {store: most * settings.topics.partitions for store, most in of_polls.items()}
    assert set(across.params.limits()) <= set(across.sizes())
