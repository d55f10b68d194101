"""Pollwatch and its peers in turn on one recording in one broker, each a process of its own."""

from __future__ import annotations

import asyncio
import statistics
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.cluster import Cluster
from benchmarks.load import Sender, new_producer
from benchmarks.peers.work import Work
from benchmarks.recording import Recording, encode_votes
from benchmarks.runs import Run, run_peer, run_pollwatch, task_of
from streams.kafka_client import kafka_python
from streams.topic_table import Must, TopicSpec, Wanted
from streams.topics import admin_client, create_missing

_ROOT = Path(__file__).parents[2]
_FLINK = _ROOT / ".venv-flink"
_BY_POLL = "votes-by-poll"


@dataclass(frozen=True, slots=True)
class Peer:
    """A module of this folder, how much it does with a vote, and how many votes it is given, of a million."""

    name: str
    module: str
    work: Work
    share: float = 1.0
    by_poll: bool = False
    packages: Path = _ROOT / ".venv-peers"

    @property
    def installed(self) -> bool:
        """Whether make has got to the end of its packages."""
        return (self.packages / "packages").exists()

    @property
    def label(self) -> str:
        """How it is called in the table."""
        return f"{self.name}, {self.work}"


PEERS = (
    Peer("Faust, one event at a time", "faust_each", Work.COUNTS, 0.15),
    Peer("Faust with take", "faust_take", Work.COUNTS, 0.15),
    Peer("Quix Streams", "quix", Work.COUNTS, 0.1, by_poll=True),
    Peer("bytewax", "bytewax_flow", Work.COUNTS),
    Peer("PyFlink with its state", "flink_state", Work.COUNTS, 0.1, packages=_FLINK),
    Peer("PyFlink with a dictionary", "flink_memory", Work.COUNTS, 0.15, packages=_FLINK),
    Peer("confluent-kafka in a loop", "confluent_loop", Work.COUNTS),
    Peer("aiokafka in a loop", "aiokafka_loop", Work.COUNTS),
    Peer("confluent-kafka in a loop", "confluent_loop", Work.RIVER, 0.3),
    Peer("aiokafka in a loop", "aiokafka_loop", Work.RIVER, 0.3),
    Peer("Faust, one event at a time", "faust_each", Work.ALL, 0.15),
    Peer("confluent-kafka in a loop", "confluent_loop", Work.ALL),
    Peer("aiokafka in a loop", "aiokafka_loop", Work.ALL),
)


def load_by_poll(recording: Recording, where: Cluster) -> None:
    """Put the votes that peers of this kind are given into a topic of their own, with the poll as key."""
    most = int(len(recording.votes) * max(peer.share for peer in PEERS if peer.by_poll))
    asyncio.run(_load_by_poll(recording, where, most))


async def _load_by_poll(recording: Recording, where: Cluster, most: int) -> None:
    settings = where.settings("load")
    with admin_client(kafka_python(settings.kafka)) as admin:
        create_missing(admin, {_topic(where, _BY_POLL): TopicSpec(Wanted(where.partitions, Must.EQUAL), Wanted(1, Must.AT_LEAST), {})})
    async with new_producer(settings) as producer:
        sender, sent = Sender(producer, _topic(where, _BY_POLL)), 0
        for start, lines in encode_votes(recording):
            polls = recording.votes.poll[start : start + len(lines)].tolist()
            for line, poll in list(zip(lines, polls, strict=True))[: most - sent]:
                key = str(poll).encode()
                await sender.add(zlib.crc32(key) % where.partitions, key, line)
            sent += len(lines)
            if sent >= most:
                break
        await sender.settle()


@dataclass(frozen=True, slots=True)
class PeerRace:
    """What is raced, and who."""

    cluster: Cluster
    recording: Recording
    logs: Path
    peers: Sequence[Peer] = PEERS

    def rounds(self, repeats: int, tell: Callable[[Run], None]) -> list[list[Run]]:
        """Let all run `repeats` times, each time another one first; the first of a round's runs is Pollwatch's."""
        found = []
        for number in range(repeats):
            runs: dict[int, Run] = {}
            places = range(len(self.peers) + 1)
            for place in [*places[number:], *places[:number]]:
                runs[place] = self._run(self.peers[place - 1], number) if place else self._ours(number)
                tell(runs[place])
            found.append([runs[place] for place in places])
        return found

    def _ours(self, number: int) -> Run:
        return run_pollwatch(self.cluster, self.recording, self.logs, f"pollwatch{number}")

    def _run(self, peer: Peer, number: int) -> Run:
        run, votes = f"{peer.module}-{peer.work.name.lower()}-{number}", int(len(self.recording.votes) * peer.share)
        task = task_of(self.cluster, run, votes, peer.work)
        if peer.by_poll:
            task = replace(task, votes_topic=_topic(self.cluster, _BY_POLL))
        return run_peer(self.cluster, peer.label, peer.module, task, str(peer.packages / "bin" / "python"))


def ratios(rounds: Sequence[Sequence[Run]], place: int) -> list[float]:
    """Return how many times faster Pollwatch is than the peer at this place, round by round."""
    return [runs[0].votes_per_s / runs[place].votes_per_s for runs in rounds]


def best(rounds: Sequence[Sequence[Run]], peers: Sequence[Peer], work: Work) -> tuple[str, float]:
    """Return the fastest peer that does this much, and the median of how many times faster Pollwatch is."""
    medians = {
        place: statistics.median(ratios(rounds, place)) for place, peer in enumerate(peers, 1) if peer.work is work
    }
    place = min(medians, key=lambda one: medians[one])
    return peers[place - 1].name, medians[place]


def _topic(where: Cluster, name: str) -> str:
    return f"{where.prefix}{name}"
