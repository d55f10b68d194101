"""Many small records in few batches: on a real Kafka, each where `send` would have put it, in order, and acknowledged by those it travels with."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.transport.patience import PatientProducer

PARTITIONS, RECORDS, ROOM = 3, 3_000, 16_384


@pytest.mark.broker
def test_many_records_lie_where_send_puts_them_in_the_order_they_were_given(kafka: str, topic_prefix: str) -> None:
    topic = f"{topic_prefix}many"
    keys = [f"poll-{number % 97}".encode() for number in range(RECORDS)]

    async def scenario() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
        await admin.start()
        await admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
        await admin.close()
        settings = {"bootstrap_servers": kafka, "enable_idempotence": True, "acks": "all", "max_batch_size": ROOM}
        async with PatientProducer(lambda *_: None, **settings) as producer:
            where = {key: (await (await producer.send(topic, b"one", key))).partition for key in set(keys)}
            futures = await producer.send_many(topic, [(key, b"%d" % number) for number, key in enumerate(keys)])
            await asyncio.gather(*futures)
        assert PARTITIONS < len(futures) < RECORDS / 20, "several batches a partition, and far fewer than records"
        async with AIOKafkaConsumer(bootstrap_servers=kafka) as consumer:
            tps = [TopicPartition(topic, number) for number in range(PARTITIONS)]
            consumer.assign(tps)
            await consumer.seek_to_beginning(*tps)
            found: dict[bytes, list[tuple[int, bytes]]] = defaultdict(list)
            while sum(map(len, found.values())) < RECORDS + len(where):
                for tp, records in (await consumer.getmany(timeout_ms=1_000)).items():
                    for record in records:
                        found[record.key].append((tp.partition, record.value))
        for key, its in found.items():
            numbers = [b"%d" % number for number, other in enumerate(keys) if other == key]
            assert its == [(where[key], value) for value in (b"one", *numbers)]

    asyncio.run(asyncio.wait_for(scenario(), 60))
