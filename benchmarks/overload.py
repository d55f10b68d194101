"""`python -m benchmarks.overload`: more votes in real time than one worker can do, and what becomes of them.

The worker runs as a user runs it, but for `overload.shed_after_ms`. What is offered must be more than it can do on this machine:
the first column of the table shows whether it was. In the end nothing more comes, and every vote must be counted.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from benchmarks.cluster import cluster, create_topics, log_file
from benchmarks.contestant_pollwatch import PollwatchWorker
from benchmarks.group_offsets import records
from benchmarks.live_traffic import LiveTraffic, is_quiet
from benchmarks.processes import Contestant, rss_bytes
from config import Settings, TopicRole, load

_CATCH_UP_S = 900
_WARM_UP_S = 20
_SAMPLE = re.compile(r'^pollwatch_(\w+)(?:\{(?:event_type|stage)="(\w+)"\})? ([0-9.e+]+)', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Sample:
    """How the worker stood: votes taken in so far, seconds behind, resident bytes, whether it shed, votes not looked at."""

    at_s: float
    votes: float
    behind_s: float
    exchange_s: float
    rss: int
    sheds: bool
    unwatched: float


def sample(metrics: str, at_s: float, rss: int) -> Sample:
    """Return what a page of metrics says."""
    found = {(name, label): float(value) for name, label, value in _SAMPLE.findall(metrics)}
    return Sample(
        at_s,
        found["events_received_total", "vote"],
        found["behind_seconds", "intake"],
        found["behind_seconds", "polls"],
        rss,
        found["shedding", ""] == 1,
        found["events_unwatched_total", ""],
    )


@dataclass
class Watch:
    """Takes a sample each second until it is stopped."""

    worker: PollwatchWorker
    samples: list[Sample] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> list[Sample]:
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self.samples

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        begin_s = time.monotonic()
        while not self._stop.wait(1.0):
            text = self.worker.metrics()
            self.samples.append(sample(text, time.monotonic() - begin_s, rss_bytes(self.worker.pid)))


def main() -> int:
    """Return 0 when finer work was shed, everything was counted and every flood was told."""
    given, load_before = _parser().parse_args(), os.getloadavg()[0]
    traffic = LiveTraffic(votes_per_s=given.offered, warm_up_s=_WARM_UP_S, seconds=given.seconds)
    with cluster(given.partitions) as where:
        environment = where.environment("overload") | {"POLLWATCH_OVERLOAD_SHED_AFTER_MS": str(given.shed_after * 1000)}
        settings = load(None, environment)
        create_topics(settings)
        logs = Path(tempfile.mkdtemp(prefix="pollwatch-overload-"))
        with (
            PollwatchWorker(environment, settings, log_file(logs, "overload")) as worker,
            Contestant("benchmarks.live_sender", [msgspec.json.encode(traffic).decode()], environment) as sender,
        ):
            worker.wait_until_assigned()
            worker.wait_until_counted(sender.wait_for("history")["votes"], 120)
            with Watch(worker) as samples:
                sender.tell("go")
                begin_ms = sender.wait_for("begin")["at_ms"]
                sent = sender.wait_for("end")
                ended_s = samples[-1].at_s
                worker.wait_until_counted(_standing(traffic), _CATCH_UP_S)
            worker.stop()
        alerts = [json.loads(r.value)["data"] for r in records(where.servers, settings.topics.name(TopicRole.ALERTS))]
    print(f"load before the run {load_before:.1f} on {os.cpu_count()} cores\n\n{_table(samples, ended_s)}")
    return _judge(samples, ended_s, sent, alerts, traffic, settings, begin_ms)


def _standing(traffic: LiveTraffic) -> int:
    """Return how many votes count in the end: one for each account in each poll."""
    sent = traffic.votes_per_slot * traffic.slots
    events = [traffic.crowd().votes.between(0, sent), traffic.history(0), *traffic.quiet()]
    poll, account = (np.concatenate([getattr(part, name) for part in events]) for name in ("poll", "account"))
    return len(np.unique(poll.astype(np.int64) << 32 | account))


def _table(samples: Sequence[Sample], ended_s: float) -> str:
    rows = ["| s | votes/s taken in | behind, s | of it on the exchange, s | RSS MB | sheds | votes not looked at |", "|" + "---:|" * 7]
    for before, now in zip(samples[:-10:10], samples[10::10], strict=False):
        per_s = (now.votes - before.votes) / (now.at_s - before.at_s)
        behind_s, sheds = now.behind_s + now.exchange_s, "yes" if now.sheds else "no"
        over = " (nothing more comes)" if now.at_s > ended_s else ""
        rows.append(
            f"| {now.at_s:.0f}{over} | {per_s:,.0f} | {behind_s:.1f} | {now.exchange_s:.1f} | {now.rss / 1e6:.0f} | {sheds} |"
            f" {now.unwatched:,.0f} |"
        )
    return "\n".join(rows)


def _judge(
    samples: Sequence[Sample],
    ended_s: float,
    sent: dict[str, Any],
    alerts: Sequence[dict[str, Any]],
    traffic: LiveTraffic,
    settings: Settings,
    begin_ms: int,
) -> int:
    unwatched = samples[-1].unwatched
    warm = [one.rss for one in samples if one.at_s > _WARM_UP_S]
    first = {data["poll_ids"][0]: data for data in alerts if is_quiet(data["poll_ids"][0]) and data["opened_ms"] >= begin_ms}
    said = [data for data in first.values() if any(one["detector"] == "overload" for one in data["evidence"])]
    verdicts = sorted({data["verdict"] for data in said})
    floods = len(traffic.flood_starts_ms())
    speed = {sheds: median_speed(samples, sheds, ended_s) for sheds in (False, True)}
    print(
        f"\noffered                {sent['sent'] / (traffic.warm_up_s + traffic.seconds):,.0f} votes/s,"
        f" sender up to {sent['behind_ms'] / 1000:.1f} s late\n"
        f"worked through         {speed[False]:,.0f} votes/s looking at who votes, {speed[True]:,.0f} shedding\n"
        f"furthest behind        {max(one.behind_s + one.exchange_s for one in samples):.0f} s"
        f" (sheds after {settings.overload.shed_after_ms / 1000:.0f} s)\n"
        f"not looked at          {unwatched:,.0f} of {samples[-1].votes:,.0f} votes\n"
        f"RSS after warm-up      {min(warm) / 1e6:.0f} to {max(warm) / 1e6:.0f} MB, at the end {warm[-1] / 1e6:.0f} MB\n"
        f"counted in the end     all {sent['sent']:,} votes sent ({_standing(traffic):,} stand)\n"
        f"floods told            {len(first)} of {floods}, {len(said)} of them saying what was not looked at: {verdicts}"
    )
    return 0 if unwatched and len(first) == floods else 1


def median_speed(samples: Sequence[Sample], sheds: bool, until_s: float) -> float:
    """Return the median of votes a second over seconds in which votes waited, with or without shedding."""
    per_s = [
        (now.votes - before.votes) / (now.at_s - before.at_s)
        for before, now in pairwise(samples)
        if before.sheds == now.sheds == sheds and min(before.behind_s, now.behind_s) > 1 and now.at_s <= until_s
    ]
    return statistics.median(per_s) if per_s else float("nan")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overload", description=__doc__)
    parser.add_argument("--offered", type=int, default=100_000, help="votes a second (default 100000)")
    parser.add_argument("--seconds", type=int, default=120, help=f"for so long, after {_WARM_UP_S} s (default 120)")
    parser.add_argument("--shed-after", type=int, default=10, help="overload.shed_after_ms, in seconds (default 10)")
    parser.add_argument("--partitions", type=int, default=4, help="of each input topic (default 4)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
