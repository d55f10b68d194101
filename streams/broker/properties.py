"""server.properties of the one KRaft node and its log format, as text; pure, knows no files or processes."""

from collections.abc import Mapping
from pathlib import Path

LOG4J_PROPERTIES = """\
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %m (%c{1})%n
rootLogger.level = WARN
rootLogger.appenderRef.out.ref = out
"""

# A further listener (TLS, SASL) joins the plain one, which the readiness check goes on using.
JOINED_KEYS = frozenset({"listeners", "advertised.listeners", "listener.security.protocol.map"})


def server_properties(data: Path, port: int, controller_port: int, extra: Mapping[str, str]) -> dict[str, str]:
    """Return the properties of a single node on 127.0.0.1; `extra` wins, the keys of JOINED_KEYS are appended."""
    plain = f"PLAINTEXT://127.0.0.1:{port}"
    own = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"{plain},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": plain,
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": str(data),
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",  # a test of a killed worker need not wait six seconds
        "log.cleaner.dedupe.buffer.size": "16777216",  # the default of 128 MB is a quarter of the heap
    }
    joined = {key: f"{own[key]},{extra[key]}" for key in JOINED_KEYS & extra.keys()}
    return own | dict(extra) | joined


def as_text(properties: Mapping[str, str]) -> str:
    """Return the lines of a Java properties file."""
    return "".join(f"{key}={value}\n" for key, value in properties.items()).replace("\\", "\\\\")
