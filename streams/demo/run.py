"""The order of the demo: what is started, what is watched until the story is over, and how all of it goes away again."""

from __future__ import annotations

import logging
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shlex import quote
from types import FrameType

import msgspec
from rich.console import Console

from config import Settings, TopicRole
from streams.alert_line import read_alert
from streams.demo.closing import closing_words, next_commands
from streams.demo.kafka_for_demo import kafka_for_demo
from streams.demo.meters import read_meters
from streams.demo.outcome import all_found, outcomes
from streams.demo.picture import Estimate, Picture
from streams.demo.plain import PlainLines
from streams.demo.plot import LENGTH_MS, write_plot
from streams.demo.screen import Display, LiveScreen
from streams.demo.sending import Sending
from streams.demo.worker_process import WorkerError, WorkerProcess
from streams.tail import Read, Repeats, TopicTail

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_POLL_MS = 200
_MINUTE_MS = 60_000
_METERS_EVERY_S = 1.0
_SETTLED_READINGS = 3
_SETTLE_WITHIN_S = 60.0
_estimates = msgspec.json.Decoder(Estimate)


def run_demo(settings: Settings, speed: float, keep: Path | None) -> int:
    """Play the story; return 0 when its surges were found, 1 when not or when stopped. Raises what could not be started.

    Whatever happens, nothing is left: no process, and no file but `keep`.
    """
    # the client tells of every connection that is not there yet
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    console = Console(highlight=False, markup=False, emoji=False)
    _signals_interrupt()
    try:
        picture = _play(settings, speed, keep, console)
    except KeyboardInterrupt:
        console.print("Stopped. Nothing is left running.")
        return 1
    found = outcomes(picture)
    console.print(closing_words(picture, found))
    console.print(next_commands(_called(), keep), soft_wrap=True)
    return 0 if all_found(found) else 1


def _play(settings: Settings, speed: float, keep: Path | None, console: Console) -> Picture:
    with ExitStack() as stack:
        try:
            folder = Path(tempfile.mkdtemp(prefix="pollwatch-demo-"))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            with _step(console, "starting Apache Kafka"):
                kafka = stack.enter_context(kafka_for_demo(settings, console))
            with _step(console, "creating the topics"):
                kafka.create_topics()
            worker = WorkerProcess(kafka.settings, folder)
            stack.callback(worker.stop)
            worker.start()
            with _step(console, "writing the story"):
                plot = write_plot(folder / "story.jsonl", story_start_ms(time.time_ns() // 1_000_000, speed))
                if keep is not None:
                    shutil.copyfile(plot.recording, keep)
            with _step(console, "starting the worker"):
                worker.wait_until_ready()
            picture = Picture(plot, f"{worker.url}/metrics")
            tail = stack.enter_context(TopicTail(kafka.settings, [TopicRole.ALERTS, TopicRole.INTEGRITY], True))
            sending = stack.enter_context(Sending(plot.recording, kafka.settings, speed))
            _watch(picture, tail, sending, worker, _display(console, speed))
            picture.sent = sending.sent
            return picture
        finally:
            # from here on Ctrl-C would only leave behind what is being put away; everything below has a deadline
            _ignore_signals()
            console.print("stopping ...", style="dim")


def _called() -> str:
    """Return how this program is called from here: `make` runs it by its path."""
    by_path = Path(sys.argv[0]).name == "pollwatch" and shutil.which("pollwatch") is None
    return quote(sys.argv[0]) if by_path else "pollwatch"


def story_start_ms(now_ms: int, speed: float) -> int:
    """Return when the story begins: a whole minute, so long ago that, played faster, it never runs ahead of the clock.

    How much a poll has learned when its first crowd comes depends on where in its second minute it comes: from whole
    minutes on, every run tells the same.
    """
    return (now_ms - max(0, round(LENGTH_MS * (1 - 1 / speed)))) // _MINUTE_MS * _MINUTE_MS


def _watch(picture: Picture, tail: TopicTail, sending: Sending, worker: WorkerProcess, display: Display) -> None:
    """Show what comes until all that was sent is worked through."""
    repeats = Repeats()
    settled, asked_s, sent_s = 0, 0.0, 0.0
    with display:
        while settled < _SETTLED_READINGS:
            for record in tail.poll(_POLL_MS):
                _take(record, picture, repeats)
            picture.sent = sending.sent
            now_s = time.monotonic()
            if now_s - asked_s >= _METERS_EVERY_S:
                asked_s = now_s
                worker.check()
                picture.meters = read_meters(worker.url)
                settled = settled + 1 if _all_done(picture, sending) else 0
                sent_s = sent_s or (now_s if sending.done() else 0.0)
            if sent_s and now_s - sent_s > _SETTLE_WITHIN_S:
                raise WorkerError(f"{picture.meters.lag} records still wait {_SETTLE_WITHIN_S:.0f} s after the last was sent")
            display.show(picture)


def _take(record: Read, picture: Picture, repeats: Repeats) -> None:
    if record.value is None:
        return
    if record.role is TopicRole.INTEGRITY:
        picture.estimate(_estimates.decode(record.value))
        return
    alert = read_alert(record.value)
    if repeats.is_new(alert.id):
        picture.alert(alert)


def _all_done(picture: Picture, sending: Sending) -> bool:
    return sending.done() and picture.meters.received >= sending.sent and picture.meters.lag == 0


def _display(console: Console, speed: float) -> Display:
    return LiveScreen(console, speed) if console.is_terminal else PlainLines(console)


@contextmanager
def _step(console: Console, what: str) -> Iterator[None]:
    """Say what is being done and, when it is, how long it took."""
    began_s = time.monotonic()
    if console.is_terminal:
        with console.status(f"{what} ...", spinner="dots"):
            yield
    else:
        yield
    console.print(f"{what} ... {time.monotonic() - began_s:.1f} s")


def _signals_interrupt() -> None:
    """Make a closed terminal and `kill` end the demo as Ctrl-C does; what `nohup` or a shell ignores stays ignored.

    The handlers stay: after the demo the process ends.
    """
    for number in _ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _ignore_signals() -> None:
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)
