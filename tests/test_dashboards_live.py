"""The queries of the dashboards against a real Prometheus that scrapes a real metrics page and evaluates the shipped rules."""

import time
from pathlib import Path

from alert_chain import AlertChain
from busy_page import BusyPage, served
from dashboard_queries import Question, assert_every_query_returns_data, filled_in, without_data

PATIENCE_S = 30.0
SEEN_ENOUGH = "count_over_time(up[1m]) >= 5 and on () count(ALERTS{alertstate='firing'}) > 0"
"""Several scrapes for a rate, and an alert that fires."""


def test_every_query_returns_data(tmp_path: Path) -> None:
    page = BusyPage()
    with served(page) as port, AlertChain(tmp_path / "chain", port) as chain:
        keep_busy(page, chain)
        assert_every_query_returns_data(chain.url)
        nonsense = Question("nowhere", "range", 'pollwatch_nonsense{job=~"$job"}')
        assert without_data(chain.url, [nonsense], 60.0) == [nonsense]


def test_variables_are_filled_in_as_grafana_does_for_all() -> None:
    assert filled_in('rate(x{job=~"$job"}[$__rate_interval])', 60.0) == 'rate(x{job=~".+"}[4s])'


def keep_busy(page: BusyPage, chain: AlertChain) -> None:
    """Let the page move on until Prometheus has seen enough of it."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not chain.query(SEEN_ENOUGH):
        assert time.monotonic() < deadline_s, "Prometheus saw too little of the page"
        page.beat(time.time())
        time.sleep(0.25)
