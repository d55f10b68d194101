"""PromQL in the few forms the panels need. Every series is chosen by the job and the instance of the dashboard's variables."""

from __future__ import annotations

SCOPE = 'job=~"$job",instance=~"$instance"'
ACCUSING = 'verdict=~"coordinated|mixed"'
FIRING = 'ALERTS{alertstate="firing",alertname=~"Pollwatch.+"}'
"""By name alone: an alert about something that is missing has neither job nor instance."""


def of(metric: str, *conditions: str) -> str:
    """The series of a metric.

    >>> of("pollwatch_cases_open", 'verdict="mixed"')
    'pollwatch_cases_open{job=~"$job",instance=~"$instance",verdict="mixed"}'
    """
    return f"{metric}{{{','.join((SCOPE, *conditions))}}}"


def rate(metric: str, *conditions: str) -> str:
    """How much a counter grows in a second."""
    return f"rate({of(metric, *conditions)}[$__rate_interval])"


def increase(metric: str, *conditions: str) -> str:
    """How much a counter grew since the point before."""
    return f"increase({of(metric, *conditions)}[$__rate_interval])"


def change(metric: str, *conditions: str) -> str:
    """How much a gauge went up or down since the point before."""
    return f"delta({of(metric, *conditions)}[$__rate_interval])"


def late(window: str) -> str:
    """Share of the alerts of a window (5m, 30m, 1h, 6h, 3d) that came later than promised, as the alerts about it see it."""
    scope = '{job=~"$job"}'
    return f"job:pollwatch_event_to_alert_late:increase{window}{scope} / job:pollwatch_event_to_alert:increase{window}{scope}"


def by(labels: str, expr: str, how: str = "sum") -> str:
    """One series for each value of the labels, over all workers.

    >>> by("stage", "up", "max")
    'max by (stage) (up)'
    """
    return f"{how} by ({labels}) ({expr})"


def quantile(share: float, metric: str, labels: str = "") -> str:
    """The value that `share` of all observations stayed below, for each value of the labels."""
    edges = f"le, {labels}" if labels else "le"
    return f"histogram_quantile({share}, {by(edges, rate(f'{metric}_bucket'))})"


def age(metric: str, *conditions: str) -> str:
    """Seconds since a time that a gauge holds; nothing where it holds 0, which means never."""
    return f"time() - ({of(metric, *conditions)} > 0)"
