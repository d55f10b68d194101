"""The embedded broker on real processes: starts, refuses, survives a restart, never outlives its owner."""

from kafka import KafkaAdminClient


def test_the_shared_broker_answers_and_creates_no_topic_by_itself(kafka: str, topic_prefix: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    try:
        assert admin.describe_cluster()["brokers"]
        assert topic_prefix + "votes" not in admin.list_topics()
    finally:
        admin.close()
