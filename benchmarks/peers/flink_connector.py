"""`python -m benchmarks.peers.flink_connector FILE` puts Flink's connector to Kafka there: the jar that flink-jars.sha256 pins."""

import shutil
import sys
from pathlib import Path

from streams.broker.errors import BrokerError
from streams.broker.jars import kafka_jars

_PINNED = Path(__file__).with_name("flink-jars.sha256")


def main(target: str) -> int:
    """Return 0 when it is there, 1 with one line when not."""
    try:
        (jar,) = kafka_jars(lock_file=_PINNED)
    except BrokerError as error:
        print(error, file=sys.stderr)
        return 1
    shutil.copyfile(jar, target)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
