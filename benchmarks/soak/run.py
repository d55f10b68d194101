"""One soak: live traffic to two workers, faults at random moments, and what came of all that was sent."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.chaos import faults
from benchmarks.chaos.faults import Scene
from benchmarks.chaos.feeding import Feeding
from benchmarks.chaos.fleet import Fleet
from benchmarks.deployment import Deployment
from benchmarks.ending import Ending, of_topics
from benchmarks.load import partitions_of_accounts
from benchmarks.schemas import alert_of_schema
from benchmarks.soak.memory import Sample, Watch
from benchmarks.soak.traffic import Flood, Sent, SoakTraffic
from streams.broker import EmbeddedKafka
from streams.decode import Kind

WORKERS, PARTITIONS = 2, 4
SETTINGS = {
    # live votes of partitions that all have traffic: silence is the broker's
    "POLLWATCH_INTAKE_IDLE_AFTER_MS": "30000",
    # so that what is kept is full long before the end
    "POLLWATCH_POLLS_DUPLICATE_HORIZON_MS": "60000",
    "POLLWATCH_POLLS_MAX_POLLS": "1000",
    "POLLWATCH_WORKER_SNAPSHOT_EVERY_MS": "10000",
}
BROKER = {
    # half an hour of traffic would fill 50 GB; so much is eight minutes of it
    "log.retention.bytes": str(2 << 30),
    "log.segment.bytes": str(64 << 20),
    "log.retention.check.interval.ms": "20000",
}
# from the end of a takeover: on two cores what waited meanwhile takes as long again to work off
_REST_S = (40.0, 80.0)
_FIRST_FAULT_S, _LAST_FAULT_S = 20.0, 20.0
_SAMPLE_EVERY_S = 3.0
_SETTLED_WITHIN_S = 900.0
_NOTICED_WITHIN_MS = 10_000


@dataclass(frozen=True, slots=True)
class Happened:
    """A fault, when it was, and after how many seconds all partitions were worked on again."""

    fault: str
    at_s: float
    takeover_s: float


@dataclass
class Soaked:
    """What was sent, what was said, what happened, and how large the workers were."""

    seconds: float
    lines: int
    behind_s: float
    settled_s: float
    restarts: int
    last_words: list[str]
    sent: Sent
    found: Ending
    happened: list[Happened] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)


def soak(traffic: SoakTraffic, broker: EmbeddedKafka, logs: Path) -> Soaked:
    """Send the traffic, throw faults in until it ends, and wait until everything is committed."""
    rng = random.Random(traffic.seed)
    deployment = Deployment(broker.bootstrap_servers, "soak.", logs, PARTITIONS, dict(SETTINGS)).create_topics()
    people = traffic.people()
    lots = traffic.lots(partitions_of_accounts(people, deployment.settings), people)
    feeding = Feeding(deployment.settings, lots, traffic.lines_per_s, [Kind.VOTE])
    happened: list[Happened] = []
    with Fleet(deployment) as fleet:
        fleet.start(WORKERS)
        fleet.wait_until_ready()
        watch = Watch(lambda: list(fleet.workers), WORKERS, _SAMPLE_EVERY_S)
        began_s = time.monotonic()
        feeding.start()
        watch.start()
        fleet.rest(_FIRST_FAULT_S)
        while time.monotonic() - began_s < traffic.seconds - _LAST_FAULT_S:
            watch.going_on = True
            happened.append(_throw(Scene(fleet, rng, broker, rng.uniform(2, 15), spared=1), began_s))
            watch.going_on = False
            fleet.rest(rng.uniform(*_REST_S))
        fleet.wait(feeding.done, "everything sent", traffic.seconds + _SETTLED_WITHIN_S)
        watch.stop()
        fleet.wait_until_settled(_SETTLED_WITHIN_S)
        settled_s = time.monotonic() - began_s
        fleet.stop()
    found = of_topics(deployment, alert_of_schema)
    return Soaked(
        feeding.seconds, feeding.sent, feeding.behind_s, settled_s, fleet.restarts, fleet.last_words, traffic.sent, found, happened,
        watch.samples,
    )


def _throw(scene: Scene, began_s: float) -> Happened:
    name = scene.rng.choice(list(THROWN))
    at_s = time.monotonic() - began_s
    takeover_s = THROWN[name](scene)
    if len(scene.fleet.workers) < WORKERS:
        scene.fleet.start()
        scene.fleet.wait_until_working(time.monotonic())
    return Happened(name, at_s, takeover_s)


def _hang(scene: Scene) -> float:
    """A worker stands still for some seconds, perhaps for so short that nobody misses it."""
    worker, began_s = scene.victim(), time.monotonic()
    scene.fleet.pause(worker)
    scene.fleet.rest(scene.pause_s)
    scene.fleet.go_on(worker)
    return scene.fleet.wait_until_working(began_s)


THROWN: dict[str, Callable[[Scene], float]] = {
    "kill": faults.kill, "term": faults.term, "hang": _hang, "broker-restart": faults.broker_restart,
}  # fmt: skip


def miscounted(soaked: Soaked) -> list[str]:
    """Return a line for each poll whose votes are not those that were sent."""
    estimates = soaked.found.estimates
    told = {poll_id: estimate["votes"] for poll_id, estimate in estimates.items()}
    wanted = soaked.sent.votes
    return [
        f"poll {poll_id}: {told.get(poll_id, 0):,} votes instead of {wanted.get(poll_id, 0):,}"
        for poll_id in sorted(wanted.keys() | told.keys())
        if told.get(poll_id) != wanted.get(poll_id)
    ]


def unnoticed(soaked: Soaked) -> list[Flood]:
    """Return the floods that no case speaks of: one of this poll, begun within ten seconds of the flood."""
    cases = [
        (poll_id, alert["data"]["opened_ms"])
        for alert in soaked.found.alerts.values()
        for poll_id in alert["data"]["poll_ids"]
    ]
    return [
        flood
        for flood in soaked.sent.floods
        if not any(
            poll_id == flood.poll_id and flood.begin_ms - 1_000 <= opened_ms <= flood.end_ms + _NOTICED_WITHIN_MS
            for poll_id, opened_ms in cases
        )
    ]
