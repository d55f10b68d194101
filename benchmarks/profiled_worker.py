"""The worker as it is, but timed by stage; writes the table to the file named first when it has stopped. A process."""

from __future__ import annotations

import cProfile
import logging
import os
import sys
import time
from pathlib import Path

from benchmarks.stage_timers import Timers, table
from config import load
from streams.malloc import hold_little
from streams.metric_labels import EventType
from streams.pauses import pause_seldom
from streams.worker import Worker, run_until_signal


def main(out: Path, calls: Path | None) -> None:
    """Run until SIGTERM; with `calls`, also profile every call of the event loop's thread into that file."""
    timers, settings = Timers(), load(None, os.environ)
    logging.basicConfig(level="WARNING")
    hold_little()
    timers.install()
    worker = Worker(settings)
    pause_seldom()
    before_s = time.thread_time(), time.process_time()
    profile = cProfile.Profile()
    if calls:
        profile.enable()
    run_until_signal(worker)
    profile.disable()
    main_s, all_s = time.thread_time() - before_s[0], time.process_time() - before_s[1]
    votes = int(worker.metrics.events_received.labels(EventType.VOTE)._value.get())
    out.write_text(table(timers, votes, main_s, all_s))
    if calls:
        profile.dump_stats(calls)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
