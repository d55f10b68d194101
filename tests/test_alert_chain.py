"""From a vote to a page: worker on the real Kafka, real Prometheus, real Alertmanager, the shipped rules, a webhook."""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from alert_chain import PROGRAMS, AlertChain, Told, program
from alert_rules import alerts, missing, rules
from dashboard_queries import assert_every_query_returns_data
from live_worker import Deployment, Feed, WorkerProcess, wait_until
from recorded_traffic import START_MS, event

from lab.story import PEACE_PLAN, SCRIPT_BEGINS_MS, story

pytestmark = pytest.mark.broker
SEED, SCALE = 7, 0.5
FLOODED, FLOOD_VOTES, FLOOD_STEP_MS = "poll-03", 600, 5
BESIDE_MS = 8_000
QUIET, QUIET_VOTES, QUIET_S = "poll-05", 200, 900
PAGED_WITHIN_S = 30
# there is no canary here, and nobody posts to webhooks; test_dashboards_live.py has the panels of both
NOT_HERE = {
    "pollwatch-overview: Canary: time to find it", "pollwatch-overview: Canary: last found",
    "pollwatch-overview: Requests to webhooks", "pollwatch-overview: Oldest message for a webhook",
    *(f"pollwatch-pipeline: {title}" for title in ("Requests", "Time to an answer", "Messages that wait", "Never sent")),
}  # fmt: skip
CROWD = 'pollwatch_cases_open{verdict="organic"}'


@dataclass(frozen=True)
class Script:
    """Lines in order of arrival, and the share of them that is sent before the flood, and before it is quiet."""

    lines: list[bytes]
    before_flood: float
    before_quiet: float


def script() -> Script:
    """Tell of a crowd in one poll, then of a flood of another by accounts made together, then of nothing for long."""
    told = story(SEED, START_MS, SCALE)
    scripted = set(told.labels["attack_votes"])  # type: ignore[call-overload]
    flood_ms = START_MS + SCRIPT_BEGINS_MS
    people = [one for one in told.events if one["event_id"] not in scripted]
    bots = [one for one in told.events if one["event_id"] in scripted][:FLOOD_VOTES]
    flood = [bot | {"poll_id": FLOODED, "ts": flood_ms + number * FLOOD_STEP_MS} for number, bot in enumerate(bots)]
    crowd = [one for one in people if one["ts"] < flood_ms]
    beside = [one for one in people if flood_ms <= one["ts"] < flood_ms + BESIDE_MS]
    during = sorted([*flood, *beside], key=lambda one: int(one["ts"]))
    ended_ms = int(during[-1]["ts"])
    # at chance: one every so many seconds would be a clock, and be found
    rng = random.Random(SEED)
    quiet_ms = sorted(rng.uniform(ended_ms, ended_ms + QUIET_S * 1_000) for _ in range(QUIET_VOTES))
    quiet = [json.loads(event(rng, QUIET, at_ms, f"q{number}")) for number, at_ms in enumerate(quiet_ms)]
    lines = [json.dumps(one, ensure_ascii=False).encode() for one in [*crowd, *during, *quiet]]
    return Script(lines, len(crowd) / len(lines), (len(crowd) + len(during)) / len(lines))


@pytest.fixture(scope="session", autouse=True)
def programs_at_hand() -> None:
    """Skip before anything is started where Prometheus or Alertmanager is missing; in CI that is a failure."""
    for name in PROGRAMS:
        program(name)


def pages(chain: AlertChain, *, fires: bool) -> list[Told]:
    return [told for told in chain.webhook.told if told.receiver == "pager" and told.fires is fires]


def test_a_flood_pages_somebody_within_half_a_minute_and_its_end_is_told_and_a_crowd_pages_nobody(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    print(f"seed {SEED}")
    deployment = Deployment(kafka, topic_prefix, tmp_path).create_topics()
    play = script()
    with WorkerProcess(deployment) as worker, AlertChain(tmp_path / "chain", worker.port) as chain:
        worker.wait_until_ready()
        feed = Feed(deployment, play.lines)
        feed.send(play.before_flood)
        wait_until(lambda: chain.value(CROWD) == 1, "Prometheus sees a crowd")
        # evaluated anew, with this in sight
        seen_s = time.time()
        wait_until(lambda: chain.evaluated_s() > seen_s + 1, "all rules evaluated")
        assert chain.webhook.told == []

        feed.send(play.before_quiet)
        flooded_s = time.time()
        wait_until(lambda: pages(chain, fires=True), "a page", PAGED_WITHIN_S)
        (page, *_) = pages(chain, fires=True)
        print(f"paged {page.at_s - flooded_s:.1f} s after the brokers had the flood")
        assert page.at_s - flooded_s < PAGED_WITHIN_S
        assert page.labels == {"alertname": "PollwatchCoordinatedActivity", "severity": "critical", "news": "first", "job": "pollwatch"}
        assert page.annotations["runbook_url"].endswith("/runbooks/PollwatchCoordinatedActivity.md")
        assert page.annotations["dashboard_url"].endswith("/d/pollwatch-polls")
        assert_the_rules_work(chain, worker)
        assert_every_query_returns_data(chain.url, but=NOT_HERE)

        feed.send(1)
        wait_until(lambda: pages(chain, fires=False), "its end is told")
        assert {told.labels["alertname"] for told in chain.webhook.told} == {"PollwatchCoordinatedActivity"}
        worker.stop()
    assert called(deployment, PEACE_PLAN) == {"insufficient", "organic"}
    assert called(deployment, FLOODED) == {"insufficient", "coordinated"}


def called(deployment: Deployment, poll: str) -> set[str]:
    """Return the verdicts that were told of a poll."""
    return {alert["data"]["verdict"] for alert in deployment.alerts().values() if poll in alert["data"]["poll_ids"]}


def assert_the_rules_work(chain: AlertChain, worker: WorkerProcess) -> None:
    """What they read is on a running worker's page (webhooks have their own), and Prometheus has nothing to object to."""
    absent = missing([rule.expr for rule in rules()], worker.get("/metrics")[1])
    assert {name for name in absent if not name.startswith("pollwatch_webhook_")} == set()
    loaded = [rule for group in chain.ask("rules")["groups"] for rule in group["rules"]]
    assert {rule["health"] for rule in loaded} == {"ok"}
    assert len([rule for rule in loaded if rule["type"] == "alerting"]) == len(alerts())
