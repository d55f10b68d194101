"""One round: topics and a group of its own, workers, a recording sent to them, a fault at a random moment, and the end
compared with that of a scan of the same recording."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.chaos.faults import FAULTS, Fault, Scene
from benchmarks.chaos.feeding import Feeding, recorded_lots
from benchmarks.chaos.fleet import Fleet
from benchmarks.chaos.recorded import Recorded
from benchmarks.deployment import Deployment
from benchmarks.ending import Ending, differences, of_scan, of_topics
from benchmarks.schemas import alert_of_schema
from streams.broker import EmbeddedKafka
from streams.scan import scan

_EARLIEST, _LATEST = 0.15, 0.85
_MORE = {"POLLWATCH_WORKER_SNAPSHOT_EVERY_MS": "3000"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a round; `moment_s` is from the first line on, `wrong` has a line for all that must not be."""

    fault: str
    seed: int
    moment_s: float
    takeover_s: float | None
    most_s: float
    restarts: int
    repeats: int
    wrong: list[str]

    @property
    def in_time(self) -> bool:
        return self.takeover_s is not None and self.takeover_s <= self.most_s

    @property
    def passed(self) -> bool:
        return not self.wrong and self.in_time


@dataclass
class Ground:
    """What all rounds stand on: a cluster, the recording in `folder`, and how fast it is sent."""

    bootstrap: str
    folder: Path
    broker: EmbeddedKafka | None
    recorded: Recorded
    lines_per_s: int
    pause_s: float = 90.0
    gone_s: float = 60.0
    valid: Callable[[bytes], dict[str, Any]] = alert_of_schema
    lines: int = field(init=False)

    def __post_init__(self) -> None:
        self.path = self.folder / "recording.jsonl"
        self.lines = self.recorded.write(self.path)
        self.undisturbed = cache(self._scan)

    def deployment(self, fault: Fault, logs: Path) -> Deployment:
        """Return topics and a group that no other round has."""
        prefix = f"chaos-{uuid.uuid4().hex[:8]}."
        return Deployment(self.bootstrap, prefix, logs, fault.partitions, dict(_MORE))

    def _scan(self, partitions: int) -> Ending:
        """Return how the recording ends when nothing happens; how a deployment names its topics decides nothing."""
        out = self.folder / f"undisturbed-{partitions}"
        settings = Deployment(self.bootstrap, "", self.folder, partitions, dict(_MORE)).settings
        scan([self.path], settings, out, False, lambda _: None)
        return of_scan(out)


def play(ground: Ground, name: str, seed: int) -> Outcome:
    """Play one round; everything in it that is random follows from the seed, but not how fast the machine is."""
    fault, rng = FAULTS[name], random.Random(seed)
    expected = ground.undisturbed(fault.partitions)
    logs = ground.folder / f"{name}-{seed}"
    logs.mkdir()
    deployment = ground.deployment(fault, logs).create_topics()
    lots = recorded_lots(ground.path, deployment.settings)
    feeding = Feeding(deployment.settings, lots, ground.lines_per_s)
    due, takeover_s, wrong = rng.uniform(_EARLIEST, _LATEST), None, list[str]()
    moment_s = 0.0
    with Fleet(deployment) as fleet:
        try:
            fleet.start(fault.workers)
            fleet.wait_until_ready()
            began_s = time.monotonic()
            feeding.start()
            fleet.wait(lambda: feeding.done() or feeding.sent >= due * ground.lines, "the moment of the fault")
            moment_s = time.monotonic() - began_s
            takeover_s = fault.act(Scene(fleet, rng, ground.broker, ground.pause_s, ground.gone_s))
            fleet.wait(feeding.done, "all lines sent")
            fleet.wait_until_settled()
            fleet.stop()
        except (AssertionError, RuntimeError) as error:
            wrong.append(str(error).splitlines()[0])
        finally:
            feeding.end()
    found = of_topics(deployment, ground.valid)
    wrong += differences(expected, found)
    deployment.delete_topics()
    if wrong:
        (logs / "wrong.txt").write_text("\n".join([*wrong, *fleet.last_words]) + "\n")
    return Outcome(name, seed, moment_s, takeover_s, fault.most_s, fleet.restarts, found.repeats, wrong)
