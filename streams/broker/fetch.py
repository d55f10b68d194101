"""`python -m streams.broker.fetch` brings Kafka's jars; with `--lock` it resolves and pins them anew first."""

import hashlib
import sys

from streams.broker.errors import BrokerError
from streams.broker.jars import LOCK_FILE, cache_dir, kafka_jars
from streams.broker.java import java_path

KAFKA, LOG4J = "4.1.1", "2.25.1"
# kafka-clients by name: left alone, the resolver picks 3.9.1, and the broker dies with NoSuchMethodError.
ENDPOINT = "+".join((
    f"org.apache.kafka:kafka_2.13:{KAFKA}",
    f"org.apache.kafka:kafka-clients:{KAFKA}",
    f"org.apache.logging.log4j:log4j-core:{LOG4J}",
    f"org.apache.logging.log4j:log4j-slf4j-impl:{LOG4J}",
))


def write_lock() -> None:
    """Resolve ENDPOINT and write each jar's SHA-256 and path to jars.sha256; look at the diff before committing it."""
    import jgo

    lines = []
    for artifact in jgo.resolve(ENDPOINT):
        path = artifact.component.path_prefix / artifact.filename
        lines.append(f"{hashlib.sha256(artifact.resolve().read_bytes()).hexdigest()}  {path.as_posix()}\n")
    LOCK_FILE.write_text("".join(sorted(lines, key=lambda line: line.split()[1])), encoding="ascii")


def main(arguments: list[str]) -> int:
    """Return 0 when the Java runtime and every pinned jar are there, 1 with one line when not."""
    if arguments == ["--lock"]:
        write_lock()
    try:
        java_path()
        jars = kafka_jars(print)
    except BrokerError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(jars)} jars of Apache Kafka in {cache_dir()} are the pinned ones")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
