"""The command `pollwatch broker`: runs the embedded Kafka until it is told to stop; knows no topics."""

import signal
import sys
from pathlib import Path
from types import FrameType

from streams.broker.embedded import EmbeddedKafka
from streams.broker.errors import BrokerError


def run_broker(data_dir: Path | None = None, port: int | None = None) -> int:
    """Print the address once the broker answers; return 0 after Ctrl-C or SIGTERM, 1 when it can't start or dies.

    Without `data_dir` everything is gone at the end. Notes for the operator go to standard error.
    """
    previous = signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        with EmbeddedKafka(data_dir, port, say=lambda line: print(line, file=sys.stderr, flush=True)) as kafka:
            print(kafka.bootstrap_servers, flush=True)
            kafka.wait()
    except KeyboardInterrupt:
        return 0
    except BrokerError as error:
        print(error, file=sys.stderr)
    finally:
        signal.signal(signal.SIGTERM, previous)
    return 1


def _as_interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
