"""Where links lead. The runbooks are where the alerts say they are; both say it in deploy/prometheus/prometheus.yml."""

from __future__ import annotations

from pathlib import Path

import yaml

_PROMETHEUS = Path(__file__).resolve().parent.parent / "deploy" / "prometheus" / "prometheus.yml"
RUNBOOKS: str = yaml.safe_load(_PROMETHEUS.read_text(encoding="utf-8"))["global"]["external_labels"]["pollwatch_runbooks"]
"""Holds a page for each alert, named after it."""
CONSOLE = "http://127.0.0.1:9096"
"""What `pollwatch console` serves: cases, and polls by name."""


def runbook(alert: str) -> str:
    """The page that says what to do about an alert; `alert` may be a label that Grafana fills in."""
    return f"{RUNBOOKS}/{alert}.md"
