"""Event-to-alert latency with 50,000 votes a second offered in real time, measured twice.

By the worker's own histogram, and from outside: an alert speaks of event time up to `updated_ms`, a tick of the rate
detector, so the vote that crossed the threshold is among those of this tick. The alert's broker timestamp minus the
broker timestamp of the **last** vote of the poll before `updated_ms` is the latency if that one crossed it; minus the
timestamp of the **first** vote of the tick is what it was at most, whichever did. Both timestamps are the broker's,
set when it appended the record.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from aiokafka import AIOKafkaConsumer

from benchmarks.cluster import Cluster, create_topics, log_file
from benchmarks.contestant_pollwatch import PollwatchWorker
from benchmarks.live_traffic import LiveTraffic, is_quiet
from benchmarks.processes import Contestant, Usage, cpu_s, peak_rss_bytes, read
from config import Settings, TopicRole, load
from streams.kafka_client import aiokafka

_SETTLE_S = 4.0
_BUCKET = re.compile(r'pollwatch_event_to_alert_seconds_bucket\{le="([^"]+)"\} ([0-9.e+]+)')


@dataclass(frozen=True, slots=True)
class Latency:
    """Latencies in seconds, one for each measured alert; `own` are (upper bound, alerts so far) of the worker's buckets."""

    wanted_per_s: int
    offered_per_s: float
    behind_ms: int
    floods: int
    from_last_s: list[float]
    from_first_s: list[float]
    own: list[tuple[float, float]]
    usage: Usage
    sender_cores: float
    peak_rss_bytes: int


def measure(
    where: Cluster, traffic: LiveTraffic, logs: Path, module: Sequence[str] = ("streams", "worker")
) -> Latency:
    """Run a worker on live traffic once."""
    environment = where.environment("live") | {"POLLWATCH_TOPICS_VOTES": "live.votes", "POLLWATCH_TOPICS_REPLIES": "live.replies"}
    settings = load(None, environment)
    create_topics(settings)
    with (
        PollwatchWorker(environment, settings, log_file(logs, "live"), module) as worker,
        Contestant("benchmarks.live_sender", [msgspec.json.encode(traffic).decode()], environment) as sender,
    ):
        worker.wait_until_assigned()
        worker.wait_until_counted(sender.wait_for("history")["votes"], 120)
        sender.tell("go")
        begin_ms = sender.wait_for("begin")["at_ms"]
        time.sleep(traffic.warm_up_s)
        before, begin, begin_sender_s = worker.metrics(), read(worker.pid, where.broker_pid), cpu_s(sender.pid)
        sent = sender.wait_for("end")
        end, sender_s = read(worker.pid, where.broker_pid), sent["cpu_s"] - begin_sender_s
        time.sleep(_SETTLE_S)
        own, peak = _buckets(before, worker.metrics()), peak_rss_bytes(worker.pid)
        worker.stop()
    usage = Usage.between(begin, end)
    alerts, votes = asyncio.run(_read_back(settings))
    last, first = latencies(alerts, votes, begin_ms + traffic.warm_up_s * 1000, settings.rate.tick_ms)
    offered = sent["sent"] / (traffic.warm_up_s + usage.seconds)
    floods = len(traffic.flood_starts_ms())
    return Latency(
        traffic.votes_per_s, offered, sent["behind_ms"], floods, last, first, own, usage, sender_s / usage.seconds, peak
    )


def latencies(
    alerts: list[tuple[int, dict[str, Any]]], votes: dict[str, list[tuple[int, int]]], since_ms: int, tick_ms: int
) -> tuple[list[float], list[float]]:
    """Return seconds from the last vote before the alert's time, and from the first vote of its tick, for each alert.

    `alerts` are (broker timestamp, data), `votes` by poll (event time, broker timestamp); only alerts on flooded polls
    of event time from `since_ms` that opened a case count.
    """
    from_last, from_first = [], []
    for alert_ms, data in alerts:
        at_ms = data["updated_ms"]
        if data["revision"] != 1 or at_ms < since_ms or data["poll_ids"][0] not in votes:
            continue
        arrived = np.array(sorted(votes[data["poll_ids"][0]]))
        before = arrived[arrived[:, 0] < at_ms]
        in_tick = before[before[:, 0] >= at_ms - tick_ms]
        from_last.append((alert_ms - int(before[:, 1].max())) / 1000)
        from_first.append((alert_ms - int((in_tick if len(in_tick) else before[-1:])[:, 1].min())) / 1000)
    return from_last, from_first


def quantile_of_buckets(buckets: list[tuple[float, float]], q: float) -> float:
    """Return a quantile as Prometheus computes it: linear in its bucket, or the bound below the last one.

    >>> quantile_of_buckets([(1.0, 50.0), (2.0, 100.0), (math.inf, 100.0)], 0.75)
    1.5
    >>> quantile_of_buckets([(1.0, 50.0), (math.inf, 100.0)], 0.75)
    1.0
    """
    rank, lower, below = q * buckets[-1][1], 0.0, 0.0
    for bound, count in buckets:
        if count >= rank:
            return lower if count == below or bound == math.inf else lower + (bound - lower) * (rank - below) / (count - below)
        lower, below = bound, count
    return float("nan")


def _buckets(before: str, after: str) -> list[tuple[float, float]]:
    counts = [{float(le): float(n) for le, n in _BUCKET.findall(text)} for text in (before, after)]
    return [(bound, n - counts[0].get(bound, 0.0)) for bound, n in sorted(counts[1].items())]


async def _read_back(settings: Settings) -> tuple[list[tuple[int, dict[str, Any]]], dict[str, list[tuple[int, int]]]]:
    alerts = []
    async for record in _records(settings, TopicRole.ALERTS):
        alerts.append((record.timestamp, json.loads(record.value)["data"]))
    votes: dict[str, list[tuple[int, int]]] = defaultdict(list)
    async for record in _records(settings, TopicRole.VOTES):
        if b'"poll-1' in record.value:
            vote = msgspec.json.decode(record.value)
            if is_quiet(vote["poll_id"]):
                votes[vote["poll_id"]].append((vote["ts"], record.timestamp))
    return alerts, votes


async def _records(settings: Settings, role: TopicRole) -> Any:
    topic = settings.topics.name(role)
    consumer = AIOKafkaConsumer(topic, **aiokafka(settings.kafka), auto_offset_reset="earliest", group_id=None)
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                for record in records:
                    yield record
    finally:
        await consumer.stop()
