"""The demo as a user runs it: the whole story on a real Kafka, and what is left when it ends in any way."""

import io
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from demo_pictures import START_MS, alert, picture
from kafka.admin import KafkaAdminClient
from listening import listening
from rich.cells import cell_len
from rich.console import Console
from visitor import Visitor

from streams.demo.meters import Latency, parse
from streams.demo.picture import Estimate
from streams.demo.screen import drawn

MARK = "POLL_DEMO_TEST_MARK"
STOPS_WITHIN_S = 20.0
# a worker whose Kafka is going away at the same time waits for it, until its keeper ends it
GONE_WITHIN_S = 40.0
PROGRAM = """\
import signal, sys
from streams.__main__ import main
# a shell that runs the tests in the background has them ignore Ctrl-C
for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    signal.signal(number, handler)
sys.exit(main())
"""


class Demo:
    """One run of `pollwatch demo`; every process it starts carries the same mark in its environment."""

    def __init__(self, folder: Path, *arguments: str, stdin: int = subprocess.DEVNULL, **environment: str) -> None:
        self.folder = folder
        self.mark = uuid.uuid4().hex
        clean = {name: text for name, text in os.environ.items() if not name.startswith(("POLLWATCH_", "KAFKA_"))}
        self.log = folder.parent / f"{self.mark}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, "demo", *arguments],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=stdin,
                start_new_session=True,
                env=clean | {"TMPDIR": str(folder), MARK: self.mark} | environment,
            )

    def said(self) -> str:
        return self.log.read_text()

    def processes(self) -> dict[int, str]:
        """Command lines of all processes of this run, by number."""
        wanted = f"{MARK}={self.mark}".encode()
        found = {}
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and wanted in (entry / "environ").read_bytes().split(b"\0"):
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue  # it ended meanwhile, or is not ours to look at
        return found

    def running(self) -> list[str]:
        """Command lines of all processes of this run."""
        return list(self.processes().values())

    def wait_until(self, condition: Callable[[], bool], within_s: float, what: str) -> None:
        deadline_s = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < deadline_s, f"{what} not within {within_s} s; it said:\n{self.said()}"
            time.sleep(0.05)

    def wait_for_words(self, words: str) -> None:
        self.wait_until(lambda: words in self.said() or self.process.poll() is not None, 120.0, repr(words))
        assert words in self.said(), f"it ended before {words!r}:\n{self.said()}"

    def nothing_is_left(self) -> None:
        self.wait_until(lambda: not self.running(), GONE_WITHIN_S, "an end of all processes")
        self.wait_until(lambda: not list(self.folder.iterdir()), 5.0, "an empty directory")


@pytest.fixture
def play(tmp_path: Path, embedded_kafka_at_hand: None) -> Iterator[Callable[..., Demo]]:
    started: list[Demo] = []
    folder = tmp_path / "temporary"
    folder.mkdir()

    def begin(*arguments: str, stdin: int = subprocess.DEVNULL, **environment: str) -> Demo:
        started.append(Demo(folder, *arguments, stdin=stdin, **environment))
        return started[-1]

    yield begin
    for demo in started:
        if demo.process.poll() is None:
            demo.process.kill()
            demo.process.wait()
        demo.wait_until(lambda demo=demo: not demo.running(), 60.0, "an end")  # type: ignore[misc]


@pytest.mark.broker
def test_the_demo_finds_what_its_story_did_and_leaves_nothing(play: Callable[..., Demo], tmp_path: Path) -> None:
    kept = tmp_path / "story.jsonl"
    demo = play("--speed", "12", "--keep", str(kept))
    assert demo.process.wait(120) == 0, demo.said()
    said = demo.said()
    assert re.search(r"[✓–] 1:12  a crowd of real people comes to “The peace plan”", said)
    assert "✓ 1:55  a script sends 12,000 votes to “The peace plan”" in said
    in_one_line = re.sub(r"\s+", " ", said)
    assert re.search(r"after it began: a script, said to be one \(verdict: (coordinated|mixed)\)", in_one_line)
    assert "pollwatch.alert" not in said
    sent = re.search(r"sent ([\d,]+)   received ([\d,]+)   duplicates 0   late [\d,]+   refused 0", said)
    assert sent is not None, said
    assert int(sent[1].replace(",", "")) == len(kept.read_bytes().splitlines())
    assert "from event to alert: p50 at most" in said
    assert re.search(r"Watch and decide in a browser \(any name will do\): http://127\.0\.0\.1:\d+/   token [0-9a-f]{16}", said)
    demo.nothing_is_left()


@pytest.mark.broker
def test_where_somebody_watches_the_demo_stays_and_a_decision_in_the_console_takes_effect(play: Callable[..., Demo]) -> None:
    keyboard, stdin = os.openpty()
    demo = play("--speed", "20", stdin=stdin)
    demo.wait_for_words("Everything runs on")
    found = re.search(r"(http://127\.0\.0\.1:\d+)/   token ([0-9a-f]{16})", demo.said())
    assert found is not None
    browser = Visitor(found[1])
    case = re.search(r'/cases/[0-9a-f]{16}(?=">The peace plan)', browser.get("/?verdict=mixed"))
    assert case is not None
    csrf = browser.sign_in(found[2])
    form = {"csrf": csrf, "case": case[0].removeprefix("/cases/"), "decision": "false_positive", "note": "to see what happens"}
    assert "Decided." in browser.get("/decisions", form)
    demo.wait_until(lambda: "Stands: <strong>false positive</strong>, by Ann" in browser.get(case[0]), 20, "the worker's answer")
    assert "What these cases said against accounts is void" in browser.get("/undo")
    assert "  retracted  " in demo.said(), "where somebody looks at the terminal it is told too"
    os.close(keyboard)
    os.close(stdin)
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(STOPS_WITHIN_S) == 0
    demo.nothing_is_left()


@pytest.mark.broker
def test_on_a_cluster_that_is_given_the_demo_has_topics_of_its_own_and_removes_them(
    play: Callable[..., Demo], kafka: str
) -> None:
    demo = play(KAFKA_BOOTSTRAP_SERVERS=kafka)
    demo.wait_for_words("A dozen polls")
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    its_own = {str(topic) for topic in admin.list_topics() if str(topic).startswith("demo-")}
    assert any(topic.endswith(".poll.votes") for topic in its_own)
    assert not any("kafka.Kafka" in line for line in demo.running())
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(STOPS_WITHIN_S) == 1
    demo.nothing_is_left()
    demo.wait_until(lambda: not its_own & set(map(str, admin.list_topics())), 10.0, "topics removed")
    admin.close()


@pytest.mark.broker
def test_ctrl_c_while_kafka_starts_leaves_nothing(play: Callable[..., Demo]) -> None:
    demo = play()
    demo.wait_until(lambda: any("kafka.Kafka" in line for line in demo.running()), 60.0, "a broker")
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(STOPS_WITHIN_S) == 1
    assert demo.said().endswith("Stopped. Nothing is left running.\n")
    demo.nothing_is_left()


@pytest.mark.broker
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_demo_told_to_stop_in_the_middle_leaves_nothing(play: Callable[..., Demo], how: signal.Signals) -> None:
    demo = play()
    demo.wait_for_words("  The peace plan ")
    assert any("streams worker" in line for line in demo.running())
    deadline_s = time.monotonic() + STOPS_WITHIN_S
    while demo.process.poll() is None:  # impatience must not cut the cleaning short
        assert time.monotonic() < deadline_s, demo.said()
        demo.process.send_signal(how)
        time.sleep(0.05)
    assert demo.process.returncode == 1
    assert "Stopped. Nothing is left running." in demo.said()
    assert "Traceback" not in demo.said()
    demo.nothing_is_left()


@pytest.mark.broker
def test_a_demo_listens_on_this_machine_only_and_when_killed_leaves_nothing(play: Callable[..., Demo]) -> None:
    demo = play()
    demo.wait_for_words("A dozen polls")
    here = listening(demo.processes())
    assert len(here) >= 4, "Kafka, its controller, the worker's page, and the console"
    assert {address for address, _ in here} == {"127.0.0.1"}
    demo.process.kill()
    demo.process.wait()
    demo.nothing_is_left()


@pytest.mark.broker
def test_a_worker_that_dies_ends_the_demo_with_one_line(play: Callable[..., Demo]) -> None:
    demo = play()
    demo.wait_for_words("A dozen polls")
    pids = [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and demo.mark.encode() in _read(entry / "environ") and _is_worker(entry)
    ]
    assert len(pids) == 1
    os.kill(pids[0], signal.SIGKILL)
    assert demo.process.wait(STOPS_WITHIN_S) == 1
    assert demo.said().splitlines()[-1].startswith("pollwatch: ProcessError: the worker ended by itself")
    demo.nothing_is_left()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _is_worker(entry: Path) -> bool:
    words = _read(entry / "cmdline").split(b"\0")
    return b"worker" in words and not any(word.endswith(b"keeper.py") for word in words)


def test_votes_are_spread_over_the_seconds_since_the_last_estimate() -> None:
    shown = picture()
    shown.estimate(Estimate("a", 10, START_MS + 1_000))
    shown.estimate(Estimate("a", 50, START_MS + 5_000))
    assert shown.history(shown.polls["a"], 5, 1) == [10, 10, 10, 10, 10]
    shown.estimate(Estimate("b", 0, START_MS + 10_000))
    assert shown.votes_per_s(shown.polls["a"]) == 0
    assert shown.story_ms == 10_000


def test_the_history_of_a_poll_is_bounded() -> None:
    shown = picture()
    for second in range(1, 2_000):
        shown.estimate(Estimate("a", second, START_MS + second * 1_000))
    assert len(shown.polls["a"].per_s) <= 302


def test_meters_add_up_labels_and_read_the_latency() -> None:
    page = """\
# TYPE pollwatch_events_received_total counter
pollwatch_events_received_total{event_type="vote"} 7.0
pollwatch_events_received_total{event_type="reply"} 2.0
# TYPE pollwatch_consumer_lag_records gauge
pollwatch_consumer_lag_records{partition="0",topic="poll.votes"} 3.0
pollwatch_consumer_lag_records{partition="1",topic="poll.votes"} 4.0
# TYPE pollwatch_event_to_alert_seconds histogram
pollwatch_event_to_alert_seconds_bucket{le="0.5"} 1.0
pollwatch_event_to_alert_seconds_bucket{le="1.0"} 3.0
pollwatch_event_to_alert_seconds_bucket{le="+Inf"} 4.0
pollwatch_event_to_alert_seconds_count 4.0
pollwatch_event_to_alert_seconds_sum 4.0
"""
    meters = parse(page)
    assert (meters.received, meters.lag) == (9, 7)
    assert meters.latency == Latency(((0.5, 1), (1.0, 3), (float("inf"), 4)))
    assert (meters.latency.at_most_s(0.5), meters.latency.at_most_s(0.99)) == (1.0, float("inf"))


@pytest.mark.parametrize(("width", "height"), [(80, 24), (140, 40), (60, 20)])
def test_the_screen_fits_the_terminal_however_much_there_is_to_show(width: int, height: int) -> None:
    shown = picture()
    for number in range(40):
        shown.estimate(Estimate(f"poll-{number}\x1b[2J\u202e" + "x" * 60, 1_000_000 * number, START_MS + 170_000))
    for _ in range(9):
        news = alert("insufficient", "poll-1", 1_000)
        shown.alert(msgspec.structs.replace(news, data=msgspec.structs.replace(news.data, summary="word\x1b[2J " * 90)))
    console = Console(width=width, height=height, record=True, file=io.StringIO(), highlight=False)
    console.print(drawn(shown, 1, width, height))
    lines = console.export_text().splitlines()
    assert len(lines) < height
    assert max(map(cell_len, lines)) <= width
    assert "\x1b" not in "".join(lines)
    assert "metrics http://127.0.0.1/metrics" in lines[-1]
