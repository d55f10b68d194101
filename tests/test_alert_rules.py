"""The shipped rules: each alert can be acted on, and what it links to is there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, get_args

import pytest
from alert_rules import PROMETHEUS, Rule, alerts, loaded, missing, rules
from prometheus_client import generate_latest

from benchmarks.worker_process import ROOT
from detectors.alert import Verdict
from detectors.findings import Kind, Reason
from streams.metrics import Metrics, process_registry
from streams.notify.webhook_metrics import WebhookMetrics

RUNBOOKS = ROOT / "docs" / "runbooks"
REASONS = RUNBOOKS / "reasons.md"
DASHBOARDS = {"pollwatch-overview", "pollwatch-polls", "pollwatch-pipeline"}
VERIFY = ROOT / "deploy" / "verify" / "prometheus.sh"
LINKS = {"runbook_url": "{{ $externalLabels.pollwatch_runbooks }}/", "dashboard_url": "{{ $externalLabels.pollwatch_dashboards }}/"}
NAMES = sorted({rule.alert for rule in alerts()})


@pytest.fixture(scope="module")
def page() -> str:
    """What a worker, and what posts to webhooks, export from the start."""
    registry = process_registry()
    Metrics(registry)
    WebhookMetrics(registry)
    return generate_latest(registry).decode()


def named(rule: Rule) -> str:
    return " ".join([rule.alert, *rule.labels.values()])


@pytest.mark.parametrize("rule", alerts(), ids=named)
def test_an_alert_says_how_much_it_matters_what_is_wrong_and_where_to_look(rule: Rule) -> None:
    assert rule.alert.startswith("Pollwatch")
    assert rule.labels["severity"] in {"critical", "warning", "info"}
    assert set(rule.annotations) == {"summary", "description", *LINKS}
    assert rule.annotations["summary"].endswith(".")
    assert "{{" not in rule.annotations["summary"], "what changes belongs into the description"
    for name, base in LINKS.items():
        assert rule.annotations[name].startswith(base), name
    assert (RUNBOOKS / rule.annotations["runbook_url"].removeprefix(LINKS["runbook_url"])).is_file()
    assert rule.annotations["dashboard_url"].removeprefix(LINKS["dashboard_url"]) in DASHBOARDS


def test_both_links_begin_where_the_configuration_says() -> None:
    given = loaded(PROMETHEUS / "prometheus.yml")
    outside = given["global"]["external_labels"]
    assert set(outside) == {base.split(".")[1].split(" ")[0] for base in LINKS.values()}
    assert all(re.fullmatch(r"https?://\S+[^/]", url) for url in outside.values())
    (dropped,) = given["alerting"]["alert_relabel_configs"]
    assert all(re.fullmatch(dropped["regex"], name) for name in outside), "a link is no label of an alert"


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    assert sorted(path.stem for path in RUNBOOKS.glob("*.md") if path != REASONS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_runbook_answers_what_somebody_on_call_asks(name: str, page: str) -> None:
    text = (RUNBOOKS / f"{name}.md").read_text()
    headings = re.findall(r"^#+ .+$", text, re.MULTILINE)
    assert headings == [
        f"# {name}",
        *("## What it means", "## What users feel", "## Look first", "## Mend", "## When it is wrong"),
    ]
    queries = re.findall(r"```promql\n(.*?)```", text, re.DOTALL)
    assert queries, "nothing to look at"
    assert missing(queries, page) == set()
    for severity in {rule.labels["severity"] for rule in alerts() if rule.alert == name}:
        assert f"`{severity}`" in text.split("## What it means")[0]


@pytest.mark.parametrize(
    ("part", "words"), [("Verdicts", Verdict), ("Kinds of findings", Kind), ("Reasons for accounts", Reason)]
)
def test_every_word_that_is_said_of_a_case_or_an_account_is_explained(part: str, words: Any) -> None:
    text = REASONS.read_text().split(f"## {part}\n")[1].split("\n## ")[0]
    sections = re.split(r"^### `(\w+)`$", text, flags=re.MULTILINE)[1:]
    assert sections[::2] == list(get_args(words))
    for word, told in zip(sections[::2], sections[1::2], strict=True):
        for question in ("Says:", "Else it could be:", "Check:"):
            assert told.count(f"\n{question} ") == 1, (word, question)


def test_every_metric_that_a_rule_reads_is_exported(page: str) -> None:
    assert missing([rule.expr for rule in rules()], page) == set()
    assert missing(["rate(pollwatch_gone_total[5m])"], page) == {"pollwatch_gone_total"}


def test_what_is_recorded_is_named_by_what_is_left_of_it() -> None:
    for rule in rules():
        assert rule.alert or re.fullmatch(r"[a-z_]+:pollwatch_[a-z_]+:[a-z]+[a-z0-9_]*", rule.record), rule.record


@pytest.mark.parametrize("name", NAMES)
def test_an_alert_is_tested_where_it_fires_and_where_it_must_not(name: str) -> None:
    tried = [
        case["exp_alerts"]
        for path in (PROMETHEUS / "tests").glob("*.test.yml")
        for test in loaded(path)["tests"]
        for case in test["alert_rule_test"]
        if case["alertname"] == name
    ]
    assert [] in tried, "a case in which it must not fire"
    told = {alert["exp_labels"]["severity"] for expected in tried for alert in expected}
    assert told == {rule.labels["severity"] for rule in alerts() if rule.alert == name}


def test_rules_tests_configuration_and_routes_pass_their_own_tools() -> None:
    checked = subprocess.run([VERIFY], check=False, capture_output=True, text=True)
    if checked.returncode and checked.stderr.startswith("no ") and not os.environ.get("CI"):
        pytest.skip(checked.stderr.strip())
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(
    ("file", "text", "wrong"),
    [
        ("prometheus/rules/pipeline.yml", "for: 1m", "for: 11m"),
        ("prometheus/rules/cases.yml", "> 0", "> 0)"),
        ("prometheus/prometheus.yml", "scrape_interval", "scrap_interval"),
        ("alertmanager/alertmanager.yml", "receiver: nobody", "receiver: somebody"),
        ("alertmanager/alertmanager.yml", 'severity = "critical"', 'severity = "page"'),
    ],
)
def test_the_check_finds_what_is_wrong(tmp_path: Path, file: str, text: str, wrong: str) -> None:
    if shutil.which("promtool") is None or shutil.which("amtool") is None:
        pytest.skip("no promtool or amtool: apt-get install prometheus prometheus-alertmanager")
    deploy = shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    given = (deploy / file).read_text()
    assert text in given
    (deploy / file).write_text(given.replace(text, wrong, 1))
    checked = subprocess.run([deploy / "verify" / "prometheus.sh"], check=False, capture_output=True, text=True)
    assert checked.returncode == 1
    assert checked.stderr.strip()
