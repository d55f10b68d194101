"""Tells Kafka what the story's polls are called, as a platform would: the console shows titles."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from kafka import KafkaProducer

from config import Settings, TopicRole
from streams.kafka_client import kafka_python

_WITHIN_S = 20


def send_titles(settings: Settings, titles: Mapping[str, str]) -> None:
    """Write a record for each poll. Raises KafkaError."""
    producer = KafkaProducer(**kafka_python(settings.kafka))
    try:
        for poll_id, title in titles.items():
            value = msgspec.json.encode({"poll_id": poll_id, "title": title})
            producer.send(settings.topics.name(TopicRole.POLLS), value, key=poll_id.encode())
        producer.flush(timeout=_WITHIN_S)
    finally:
        producer.close(timeout=_WITHIN_S)
