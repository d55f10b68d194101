"""What the worker's metrics page says, as numbers: read by the demo as anybody's Prometheus would."""

from __future__ import annotations

import urllib.request
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

_PREFIX = "pollwatch_"


@dataclass(frozen=True, slots=True)
class Latency:
    """How long alerts took: `buckets` are (at most so many seconds, alerts up to there), ascending."""

    buckets: tuple[tuple[float, int], ...] = ()

    @property
    def alerts(self) -> int:
        """How many alerts were measured."""
        return self.buckets[-1][1] if self.buckets else 0

    def at_most_s(self, share: float) -> float:
        """Return the bucket's edge below which this share of the alerts lies.

        >>> Latency(((0.5, 3), (1.0, 4), (float("inf"), 4))).at_most_s(0.5)
        0.5
        """
        return next(edge for edge, alerts in self.buckets if alerts >= share * self.alerts)


@dataclass(frozen=True, slots=True)
class Meters:
    """Totals since the worker started; `lag` are records of any topic not yet processed."""

    received: int = 0
    refused: int = 0
    duplicates: int = 0
    late: int = 0
    lag: int = 0
    latency: Latency = Latency()


def read_meters(url: str) -> Meters:
    """Ask a worker. Raises OSError when it does not answer."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=2) as answer:
        return parse(answer.read().decode())


def parse(page: str) -> Meters:
    """Return the numbers of a metrics page."""
    totals: dict[str, float] = {}
    buckets: list[tuple[float, int]] = []
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            name = sample.name.removeprefix(_PREFIX)
            totals[name] = totals.get(name, 0.0) + sample.value
            if name == "event_to_alert_seconds_bucket":
                buckets.append((float(sample.labels["le"]), int(sample.value)))
    return Meters(
        received=int(totals.get("events_received_total", 0)),
        refused=int(totals.get("events_refused_total", 0)),
        duplicates=int(totals.get("events_duplicate_total", 0)),
        late=int(totals.get("events_late_total", 0)),
        lag=int(totals.get("consumer_lag_records", 0)),
        latency=Latency(tuple(sorted(buckets))),
    )
