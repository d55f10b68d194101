"""The order of the demo: what is started, what is watched until the story is over, and how all of it goes away again."""

from __future__ import annotations

import logging
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shlex import quote
from types import FrameType

import msgspec
from rich.console import Console

from config import Settings, TopicRole
from streams.alert_line import alert_line, read_alert
from streams.demo.closing import closing_words, next_commands
from streams.demo.console_for_demo import Access, with_token
from streams.demo.kafka_for_demo import kafka_for_demo
from streams.demo.kept_process import KeptProcess, ProcessError
from streams.demo.meters import read_meters
from streams.demo.outcome import all_found, outcomes
from streams.demo.picture import Estimate, Picture
from streams.demo.plain import PlainLines
from streams.demo.plot import LENGTH_MS, TITLES, write_plot
from streams.demo.screen import Display, LiveScreen
from streams.demo.sending import Sending
from streams.demo.titles import send_titles
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
    if not _is_watched():
        console.print(closing_words(picture, outcomes(picture)))
    console.print(next_commands(_called(), keep), soft_wrap=True)
    return 0 if all_found(outcomes(picture)) else 1


def _play(settings: Settings, speed: float, keep: Path | None, console: Console) -> Picture:
    with ExitStack() as stack:
        try:
            folder = Path(tempfile.mkdtemp(prefix="pollwatch-demo-"))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            with _step(console, "starting Apache Kafka"):
                kafka = stack.enter_context(kafka_for_demo(settings, console))
            with _step(console, "creating the topics"):
                kafka.create_topics()
            settings, access = with_token(kafka.settings, folder)
            url = f"http://{settings.worker.http_host}:{settings.worker.http_port}"
            worker = KeptProcess("worker", settings, folder, f"{url}/readyz", keeps_folder=False)
            web = KeptProcess("console", settings, folder, f"{access.url}healthz", keeps_folder=True)
            for process in (worker, web):
                stack.callback(process.stop)
                process.start()
            with _step(console, "writing the story"):
                plot = write_plot(folder / "story.jsonl", story_start_ms(time.time_ns() // 1_000_000, speed))
                if keep is not None:
                    shutil.copyfile(plot.recording, keep)
            with _step(console, "starting the worker"):
                worker.wait_until_ready()
            with _step(console, "starting the console"):
                send_titles(settings, TITLES)
                web.wait_until_ready()
            console.print(f"Watch and decide in a browser (any name will do): {access.words}", soft_wrap=True)
            picture = Picture(plot, f"{url}/metrics", access.words)
            tail = stack.enter_context(TopicTail(settings, [TopicRole.ALERTS, TopicRole.INTEGRITY], True))
            sending = stack.enter_context(Sending(plot.recording, settings, speed))
            repeats = Repeats()
            _watch(picture, tail, repeats, sending, (worker, web), url, _display(console, speed))
            picture.sent = sending.sent
            if _is_watched():
                _stay(picture, tail, repeats, (worker, web), access, console)
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


def _is_watched() -> bool:
    """Tell whether somebody is there who can look, decide and press Ctrl-C."""
    return sys.stdin is not None and sys.stdin.isatty()


def _stay(
    picture: Picture, tail: TopicTail, repeats: Repeats, processes: Sequence[KeptProcess], access: Access, console: Console
) -> None:
    """Tell what was found, and leave everything running until Ctrl-C; alerts that still come are printed."""
    console.print(closing_words(picture, outcomes(picture)))
    console.print(f"\nEverything runs on, for you to look and decide: {access.words}\nCtrl-C ends it.\n", soft_wrap=True)
    # what a person does from now on is no part of the story
    later = Picture(picture.plot, picture.metrics_url)
    try:
        while True:
            for record in tail.poll(_POLL_MS):
                _take(record, later, repeats)
            for alert in later.alerts:
                console.print(alert_line(alert), soft_wrap=True)
            later.alerts.clear()
            for process in processes:
                process.check()
    except KeyboardInterrupt:
        return


def _watch(
    picture: Picture,
    tail: TopicTail,
    repeats: Repeats,
    sending: Sending,
    processes: Sequence[KeptProcess],
    url: str,
    display: Display,
) -> None:
    """Show what comes until all that was sent is worked through; `url` is the worker's."""
    settled, asked_s, sent_s = 0, 0.0, 0.0
    with display:
        while settled < _SETTLED_READINGS:
            for record in tail.poll(_POLL_MS):
                _take(record, picture, repeats)
            picture.sent = sending.sent
            now_s = time.monotonic()
            if now_s - asked_s >= _METERS_EVERY_S:
                asked_s = now_s
                for process in processes:
                    process.check()
                picture.meters = read_meters(url)
                settled = settled + 1 if _all_done(picture, sending) else 0
                sent_s = sent_s or (now_s if sending.done() else 0.0)
            if sent_s and now_s - sent_s > _SETTLE_WITHIN_S:
                raise ProcessError(f"{picture.meters.lag} records still wait {_SETTLE_WITHIN_S:.0f} s after the last was sent")
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
