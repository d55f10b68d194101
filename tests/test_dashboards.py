"""The generated dashboards: what the code makes, what good dashboards keep to, and that what they name is there."""

import doctest
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from alert_rules import PROMETHEUS, alerts, loaded, rules
from dashboard_queries import dashboards, panels, questions
from prometheus_client import CollectorRegistry

from dashboards import queries
from dashboards.__main__ import FOLDER, generated
from dashboards.frame import SOURCE_UID
from dashboards.links import RUNBOOKS
from streams.meters import Description
from streams.metrics import Metrics
from streams.notify.webhook_metrics import WebhookMetrics

PROVISIONING = Path(__file__).parent.parent / "deploy" / "grafana" / "provisioning"
FILES = sorted(dashboards())
OF_OTHERS = {
    "up", "ALERTS",
    "process_start_time_seconds", "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_max_fds",
}  # fmt: skip
# "Share of alerts in the time shown" is what it says; everything else is a rate at a point.
OVER_THE_TIME_SHOWN = {"Alerts in time"}
# An alert about something that is missing has neither job nor instance, and a recorded series has only the labels of its name.
NOT_OF_ONE_WORKER = re.compile(r"ALERTS|[a-z_]+:\w+:\w+")
ROW_ORDER = {
    "pollwatch-overview": [
        "Now", "Traffic", "What is not counted", "From a vote to its alert", "What was found",
        "What reviewers decide", "Webhooks", "Pollwatch itself",
    ],
    "pollwatch-pipeline": ["Work", "Failures", "Time", "Overload", "Partitions", "Snapshots", "State", "Webhooks", "Process"],
    "pollwatch-polls": ["All slots", "Slot $slot"],
}


def expressions(panel: dict[str, Any]) -> list[str]:
    return [target["expr"] for target in panel["targets"]]


def selectors(expr: str) -> list[tuple[str, str]]:
    """Each series that is asked for: its name, and its conditions."""
    return re.findall(r"([a-zA-Z_:][\w:]*)\{([^}]*)\}", expr)


def test_the_files_are_what_the_code_makes() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    assert written == generated(), "run `.venv/bin/python -m dashboards` and commit what it writes"


def test_the_forms_of_queries_are_as_their_examples_say() -> None:
    assert doctest.testmod(queries) == doctest.TestResults(failed=0, attempted=2)


@pytest.mark.parametrize("file", FILES)
def test_a_dashboard_belongs_to_the_code_and_shows_utc(file: str) -> None:
    shown = dashboards()[file]
    assert (shown["editable"], shown["timezone"], shown["graphTooltip"]) == (False, "utc", 1)
    assert f"{shown['uid']}.json" == f"pollwatch-{file}"
    assert shown["title"].startswith("Pollwatch / ")
    assert shown["description"]


@pytest.mark.parametrize("file", FILES)
def test_a_viewer_chooses_data_source_then_job_then_instance(file: str) -> None:
    source, job, instance, *_ = variables = dashboards()[file]["templating"]["list"]
    assert (source["name"], source["type"], source["query"], source["label"]) == ("datasource", "datasource", "prometheus", "Data source")
    assert [job["name"], instance["name"]] == ["job", "instance"]
    for each in variables[1:]:
        assert (each["multi"], each["includeAll"], each["allValue"], each["label"]) == (True, True, ".+", each["name"])
        assert each["refresh"] == 2, f"{each['name']} is not read again when the time range changes"
        assert each["datasource"]["uid"] == "${datasource}"
    assert 'job=~"$job"' in instance["query"]


@pytest.mark.parametrize("file", FILES)
def test_rows_are_traffic_then_failures_then_latency_then_the_rest(file: str) -> None:
    shown = dashboards()[file]
    assert [panel["title"] for panel in shown["panels"] if panel["type"] == "row"] == ROW_ORDER[shown["uid"]]


@pytest.mark.parametrize("file", FILES)
def test_each_panel_says_what_it_shows_and_in_what_unit(file: str) -> None:
    shown = panels(dashboards()[file])
    assert len({panel["title"] for panel in shown}) == len(shown)
    for panel in shown:
        assert panel["title"], panel["id"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"] in {"eps", "ops", "s", "short", "none", "bytes", "percentunit"}, panel["title"]
        assert panel["targets"], panel["title"]
        assert {each["datasource"]["uid"] for each in (panel, *panel["targets"])} == {"${datasource}"}, panel["title"]
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references), panel["title"]


@pytest.mark.parametrize("file", FILES)
def test_no_panel_covers_another(file: str) -> None:
    placed = [(panel["title"], panel["gridPos"]) for panel in dashboards()[file]["panels"]]
    for title, at in placed:
        assert at["x"] + at["w"] <= 24, title
    for (title, one), (other_title, other) in combinations(placed, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above, f"{title} and {other_title}"


@pytest.mark.parametrize("file", FILES)
def test_growth_is_over_the_interval_that_fits_the_picture(file: str) -> None:
    for panel in panels(dashboards()[file]):
        for expr in expressions(panel):
            ranges = set(re.findall(r"\[([^\]]+)\]", expr))
            assert ranges <= ({"$__range"} if panel["title"] in OVER_THE_TIME_SHOWN else {"$__rate_interval"}), panel["title"]


def test_a_count_is_shown_as_growth_and_a_bucket_only_as_a_quantile_or_a_share() -> None:
    for question in questions():
        if question.kind == "values":
            continue
        for counter in re.finditer(r"\w+_(total|bucket|sum|count)\{", question.expr):
            assert question.expr[: counter.start()].endswith(("rate(", "increase(")), question
        if "_bucket{" in question.expr:
            assert "sum by (le" in question.expr or 'le="' in question.expr, question


def test_every_query_is_about_the_chosen_workers() -> None:
    for question in questions():
        for name, conditions in selectors(question.expr):
            if not NOT_OF_ONE_WORKER.fullmatch(name):
                assert 'job=~"$job",instance=~"$instance"' in conditions or question.kind == "values", question


@pytest.mark.parametrize("file", FILES)
def test_a_series_is_named_by_labels_it_still_has(file: str) -> None:
    for panel in panels(dashboards()[file]):
        for target in panel["targets"]:
            kept = re.match(r"(?:histogram_quantile\([\d.]+, )?(?:sum|max|min|count) (?:by \(([\w, ]+)\) )?\(", target["expr"])
            wanted = set(re.findall(r"{{(\w+)}}", target.get("legendFormat", "")))
            assert not kept or wanted <= set(re.findall(r"\w+", kept[1] or "")), f"{panel['title']}: {wanted}"


def test_every_series_that_is_asked_for_exists() -> None:
    families = {each.name: each.kind for each in described()}
    of_histograms = {f"{name}_{part}" for name, kind in families.items() if kind == "histogram" for part in ("bucket", "sum", "count")}
    recorded = {rule.record for rule in rules() if rule.record}
    exist = {name for name, kind in families.items() if kind != "histogram"} | of_histograms | recorded | OF_OTHERS
    asked = {name for question in questions() for name, _ in selectors(question.expr)}
    assert asked - exist == set()


def test_every_metric_is_on_a_dashboard() -> None:
    exprs = " ".join(question.expr for question in questions())
    assert [each.name for each in described() if each.name not in exprs] == []


def test_firing_alerts_are_marked_on_every_dashboard_and_cases_where_polls_are_shown() -> None:
    for file, shown in dashboards().items():
        marks = {each["name"]: each["expr"] for each in shown["annotations"]["list"]}
        assert 'alertstate="firing"' in marks["Firing alerts"]
        if file != "pipeline.json":
            assert "pollwatch_cases_opened_total" in marks["Cases opened"]
            assert 'pollwatch_cases_open{job=~"$job",instance=~"$instance",verdict=~"coordinated|mixed"}' in marks["Cases that accuse"]


def test_points_of_the_latency_lead_to_cases() -> None:
    shown = next(panel for panel in panels(dashboards()["overview.json"]) if panel["title"] == "From event to alert")
    assert [target["exemplar"] for target in shown["targets"]] == [True, False]


def test_dashboards_lead_to_each_other_to_the_runbooks_and_to_the_console() -> None:
    uids = {shown["uid"] for shown in dashboards().values()}
    for shown in dashboards().values():
        links = {link["url"]: link for link in shown["links"]}
        others = uids - {shown["uid"]}
        assert {url.removeprefix("/d/") for url in links if url.startswith("/d/")} == others
        assert all(links[f"/d/{uid}"]["includeVars"] and links[f"/d/{uid}"]["keepTime"] for uid in others)
        assert RUNBOOKS in links


def test_a_panel_links_only_alerts_that_exist() -> None:
    linked = {link["url"] for shown in dashboards().values() for panel in panels(shown) for link in panel.get("links", [])}
    assert linked
    assert linked <= {f"{RUNBOOKS}/{rule.alert}.md" for rule in alerts()}


def test_alerts_lead_to_dashboards_that_exist() -> None:
    uids = {shown["uid"] for shown in dashboards().values()}
    urls = [rule.annotations["dashboard_url"] for rule in alerts()]
    assert urls
    assert {url.rpartition("/")[2] for url in urls} <= uids


def test_grafana_is_given_the_data_source_the_dashboards_ask_for() -> None:
    [source] = provisioned("datasources")["datasources"]
    assert (source["uid"], source["type"]) == (SOURCE_UID, "prometheus")
    scraped = loaded(PROMETHEUS / "prometheus.yml")["global"]["scrape_interval"]
    assert source["jsonData"]["timeInterval"] == scraped, "$__rate_interval is made from it"
    [case_link] = source["jsonData"]["exemplarTraceIdDestinations"]
    assert case_link["name"] == "case_id"
    for shown in dashboards().values():
        assert shown["templating"]["list"][0]["current"]["value"] == SOURCE_UID


def test_grafana_keeps_the_dashboards_as_the_files_say() -> None:
    [provider] = provisioned("dashboards")["providers"]
    assert (provider["type"], provider["disableDeletion"], provider["allowUiUpdates"]) == ("file", True, False)


def described() -> list[Description]:
    """Every metric that a worker or `pollwatch notify` has."""
    return [*Metrics(CollectorRegistry()).descriptions, *WebhookMetrics(CollectorRegistry()).descriptions]


def provisioned(kind: str) -> Any:
    [file] = (PROVISIONING / kind).glob("*.yaml")
    return loaded(file)
