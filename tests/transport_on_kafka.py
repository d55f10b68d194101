"""A topic on the broker, and workers that write down what the transport hands them. Run as a script, one such worker."""

import asyncio
import signal
import sys
import tempfile
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Self

import faust
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from faust.types import TP

from streams.transport import Batch, BatchLimits, batch_topic, process, run, settings_for_faust


class Cluster:
    """One topic on the broker, and what a bystander sees of it."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self.bootstrap = bootstrap
        self.topic = topic
        self.produced = 0

    async def create(self, partitions: int) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        await admin.create_topics([NewTopic(self.topic, partitions, 1)])
        await admin.close()

    async def produce(self, count: int, partitions: list[int]) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self.bootstrap) as producer:
            for i in range(count):
                value = b"%d" % (self.produced + i)
                await producer.send(self.topic, value, b"key", partitions[i % len(partitions)])
            await producer.flush()
        self.produced += count

    async def offsets(self, group: str) -> tuple[dict[int, int | None], dict[int, int]]:
        """Return (committed, end) by partition."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap, group_id=group, enable_auto_commit=False
        )
        await consumer.start()
        found = await consumer._client.fetch_all_metadata()
        tps = [TopicPartition(self.topic, p) for p in sorted(found.partitions_for_topic(self.topic))]
        consumer.assign(tps)
        committed = {tp.partition: await consumer.committed(tp) for tp in tps}
        ends = await consumer.end_offsets(tps)
        await consumer.stop()
        return committed, {tp.partition: end for tp, end in ends.items()}


class Worker:
    """An app with one agent that writes down what it was handed."""

    def __init__(self, cluster: Cluster, group: str, scheme: str = "pollwatch", **topic_options: Any) -> None:
        conf = settings_for_faust() | {"broker_session_timeout": 10.0}
        self.app: Any = faust.App(group, broker=f"{scheme}://{cluster.bootstrap}", datadir=tempfile.mkdtemp(), **conf)
        self.offsets: dict[TP, list[int]] = defaultdict(list)
        self.values: list[bytes | None] = []
        self.before: Callable[[Batch], Awaitable[None]] = self.at_once
        self.stopping = asyncio.Event()
        self.task: asyncio.Task[bool] | None = None
        topic = batch_topic(self.app, cluster.topic, **topic_options)

        @self.app.agent(topic)
        async def agent(stream: Any) -> None:
            await process(self.app, stream, self.handle)

    async def at_once(self, batch: Batch) -> None:
        pass

    async def handle(self, batch: Batch) -> None:
        await self.before(batch)
        self.offsets[batch.tp] += batch.records.offsets
        self.values += batch.records.values

    async def __aenter__(self) -> Self:
        self.task = asyncio.create_task(run(self.app, self.stopping))
        return self

    async def stop(self) -> None:
        assert self.task is not None
        self.stopping.set()
        await asyncio.wait_for(self.task, 20)

    async def __aexit__(self, *_: object) -> None:
        if self.task is not None and not self.task.done():
            await self.stop()


async def until(condition: Callable[[], bool], what: str, timeout_s: float = 20.0) -> None:
    deadline = asyncio.get_running_loop().time() + timeout_s
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, f"not within {timeout_s} s: {what}"
        await asyncio.sleep(0.02)


def play(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 60))


if __name__ == "__main__":

    async def main(bootstrap: str, topic: str, group: str) -> None:
        async def slowly(batch: Batch) -> None:
            await asyncio.sleep(0.02)
            print(batch.tp.partition, batch.first_offset, batch.next_offset, flush=True)

        worker = Worker(Cluster(bootstrap, topic), group, limits=BatchLimits(50))
        worker.before = slowly
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stopping.set)
        await run(worker.app, worker.stopping)

    asyncio.run(main(*sys.argv[1:]))
