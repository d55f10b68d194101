"""Faust's settings as this project runs it. Credentials, brokers and the group name are the caller's."""

from __future__ import annotations

from typing import Any

_NEVER_S = 3650 * 86_400.0
_HEARTBEATS_PER_SESSION = 4  # one that is lost or late is not the end


def settings_for_faust(session_timeout_s: float = 30.0) -> dict[str, Any]:
    """Return keyword arguments for `faust.App`; override by `settings_for_faust() | {...}`.

    A member not heard of for `session_timeout_s` is taken for dead.
    """
    return {
        "broker_commit_every": 100,  # acks, and an ack is a whole batch
        "broker_commit_interval": 1.0,
        "broker_heartbeat_interval": min(3.0, session_timeout_s / _HEARTBEATS_PER_SESSION),
        "broker_max_poll_interval": _NEVER_S,  # without partitions, or all of them full, nothing is polled
        "broker_max_poll_records": 24_000,
        "broker_rebalance_timeout": 60.0,
        "broker_request_timeout": 60.0,
        "broker_session_timeout": session_timeout_s,
        "consumer_auto_offset_reset": "earliest",
        "consumer_max_fetch_size": 3 << 20,  # bytes of one partition in one fetch: some 12,000 votes
        "consumer_metadata_max_age_ms": 60_000,
        "processing_guarantee": "at_least_once",
        "producer_acks": -1,
        "producer_linger": 0.005,
        "producer_max_batch_size": 256 * 1024,
        "producer_request_timeout": 40.0,
        "stream_wait_empty": True,
        "table_standby_replicas": 0,  # no tables, so the plain assignor
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "web_enabled": False,
    }
