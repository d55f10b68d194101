"""What is done to workers and broker while votes come in: one function each, and one table of them.

Each returns the seconds until those who are left hold all partitions and work again: from the fault on, or, where
nobody can work while it lasts, from its end on.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.chaos.fleet import Fleet
from benchmarks.worker_process import WorkerProcess
from streams.broker import EmbeddedKafka

TAKEOVER_WITHIN_S = 20.0
"""Six seconds until the group misses a worker, eight to restore the state, and room."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Whom it happens to, and how long what lasts lasts.

    Nothing happens to the first `spared` workers. Without `broker` it is another's, and nothing happens to it.
    """

    fleet: Fleet
    rng: random.Random
    broker: EmbeddedKafka | None = None
    pause_s: float = 90.0
    gone_s: float = 60.0
    spared: int = 0

    def victim(self) -> WorkerProcess:
        """Draw the worker that something is done to."""
        return self.rng.choice(self.fleet.workers[self.spared :])

    def own_broker(self) -> EmbeddedKafka:
        """Return the broker. Raises ValueError when it is not ours to stop."""
        if self.broker is None:
            raise ValueError("the broker belongs to others: unset KAFKA_BOOTSTRAP_SERVERS for faults of the broker")
        return self.broker


def kill(scene: Scene) -> float:
    """`kill -9` of one worker; the others take over."""
    began_s = time.monotonic()
    scene.fleet.kill(scene.victim())
    return scene.fleet.wait_until_working(began_s)


def term(scene: Scene) -> float:
    """SIGTERM to one worker, which must end with 0; the others take over."""
    began_s = time.monotonic()
    scene.fleet.term(scene.victim())
    return scene.fleet.wait_until_working(began_s)


def rolling(scene: Scene) -> float:
    """Stop every worker in turn, each followed by a new one before the next goes; the longest of the takeovers."""
    takeovers = []
    for worker in list(scene.fleet.workers):
        began_s = time.monotonic()
        scene.fleet.term(worker)
        scene.fleet.start()
        takeovers.append(scene.fleet.wait_until_working(began_s))
    return max(takeovers)


def one_to_four(scene: Scene) -> float:
    """Three workers join the one there is."""
    began_s = time.monotonic()
    scene.fleet.start(3)
    return scene.fleet.wait_until_working(began_s)


def broker_restart(scene: Scene) -> float:
    """The broker is stopped and started again on the same data."""
    scene.own_broker().stop()
    scene.own_broker().start()
    return scene.fleet.wait_until_working(time.monotonic())


def broker_gone(scene: Scene) -> float:
    """The broker is stopped, and comes back after a while."""
    scene.own_broker().stop()
    scene.fleet.rest(scene.gone_s)
    scene.own_broker().start()
    return scene.fleet.wait_until_working(time.monotonic())


def pause(scene: Scene) -> float:
    """SIGSTOP to one worker, whose partitions the others take over; later SIGCONT, and it finds its place again."""
    worker, began_s = scene.victim(), time.monotonic()
    scene.fleet.pause(worker)
    takeover_s = scene.fleet.wait_until_working(began_s)
    scene.fleet.rest(began_s + scene.pause_s - time.monotonic())
    scene.fleet.go_on(worker)
    scene.fleet.wait_until_working(time.monotonic())
    return takeover_s


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done, to how many workers with how many partitions of each input topic; `most_s` bounds what it returns."""

    act: Callable[[Scene], float]
    workers: int = 2
    partitions: int = 4
    most_s: float = TAKEOVER_WITHIN_S


FAULTS = {
    "kill": Fault(kill),
    "term": Fault(term),
    "rolling": Fault(rolling),
    "one-to-four": Fault(one_to_four, workers=1),
    "broker-restart": Fault(broker_restart),
    "broker-gone": Fault(broker_gone),
    "pause": Fault(pause),
    # five partitions in all: one of the six is a spare
    "more-workers-than-partitions": Fault(kill, workers=6, partitions=1),
}
