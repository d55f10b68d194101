"""Writes the reference page of the metrics from the metrics themselves: `python -m streams.metrics_page > docs/metrics.md`."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry

from streams.console.meters import ConsoleMeters
from streams.meters import Description
from streams.metrics import Metrics
from streams.notify.webhook_metrics import WebhookMetrics

HEAD = """\
# Metrics

Served on `/metrics` of each worker (`worker.http_host`, `worker.http_port`), with exemplars for whoever asks for OpenMetrics.
Written by `python -m streams.metrics_page > docs/metrics.md`; a test compares.

No label ever holds the id of a poll or an account. The most active polls are shown in a fixed number of slots
(`worker.top_polls`): a slot keeps its poll while that is active, and its series end when the poll leaves it. Which case made an
alert late is in the exemplars of `pollwatch_event_to_alert_seconds`. Labels with listed values are exported from the start, at 0.

| metric | type | labels | meaning |
| --- | --- | --- | --- |
"""

NOTIFY_HEAD = """
`pollwatch notify` serves its own on `notify.http_host` and `notify.http_port`, with those of the process; `target` is a target's name:

| metric | type | labels | meaning |
| --- | --- | --- | --- |
"""

CONSOLE_HEAD = """
`pollwatch console` serves its own on `console.host` and `console.port`, with those of the process:

| metric | type | labels | meaning |
| --- | --- | --- | --- |
"""


def page(descriptions: Sequence[Description]) -> str:
    """The page as Markdown."""
    webhooks, console = WebhookMetrics(CollectorRegistry()).descriptions, ConsoleMeters().descriptions
    return HEAD + _rows(descriptions) + NOTIFY_HEAD + _rows(webhooks) + CONSOLE_HEAD + _rows(console)


def _rows(descriptions: Sequence[Description]) -> str:
    return "".join(map(_row, sorted(descriptions, key=lambda each: each.name)))


def _row(metric: Description) -> str:
    labels = "; ".join(f"`{name}`: {values}" for name, values in metric.labels)
    return f"| `{metric.name}` | {metric.kind} | {labels or '–'} | {metric.meaning} |\n"


if __name__ == "__main__":
    print(page(Metrics(CollectorRegistry()).descriptions), end="")
