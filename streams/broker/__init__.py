"""Apache Kafka itself, embedded: for the demo, tests and benchmarks; never part of the production image."""

from streams.broker.command import run_broker
from streams.broker.embedded import EmbeddedKafka
from streams.broker.errors import BrokerError, BrokerUnavailable
from streams.broker.ports import free_port

__all__ = ["BrokerError", "BrokerUnavailable", "EmbeddedKafka", "free_port", "run_broker"]
