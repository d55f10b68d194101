"""Makes metrics by one set of rules: prefix, help, closed labels at 0 from the start. Knows no particular metric."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import product
from typing import TypeAlias, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.metrics import MetricWrapperBase

PREFIX = "pollwatch_"


class Open(Enum):
    """A label whose values are few but known only at run time (a topic, a partition, a slot): nothing is exported at first."""

    VALUES = "any"


Labels: TypeAlias = Iterable[str] | Open
Made = TypeVar("Made", bound=MetricWrapperBase)


@dataclass(frozen=True, slots=True)
class Description:
    """What the reference page says about one metric. `labels` maps a label to its values as words."""

    name: str
    kind: str
    meaning: str
    labels: tuple[tuple[str, str], ...]


class Meters:
    """Registers metrics on `registry` and remembers how to describe them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self.descriptions: list[Description] = []

    def counter(self, name: str, meaning: str, **labels: Labels) -> Counter:
        """A count that only grows; `name` ends in `_total`."""
        made = Counter(PREFIX + name.removesuffix("_total"), meaning, tuple(labels), registry=self._registry)
        return self._finish(made, name, "counter", meaning, labels)

    def gauge(self, name: str, meaning: str, **labels: Labels) -> Gauge:
        """A value that goes up and down."""
        made = Gauge(PREFIX + name, meaning, tuple(labels), registry=self._registry)
        return self._finish(made, name, "gauge", meaning, labels)

    def histogram(self, name: str, meaning: str, buckets: Sequence[float], **labels: Labels) -> Histogram:
        """Observed durations by upper bound in seconds."""
        made = Histogram(PREFIX + name, meaning, tuple(labels), buckets=buckets, registry=self._registry)
        return self._finish(made, name, "histogram", meaning, labels)

    def info(self, name: str, meaning: str) -> Info:
        """Facts as labels of a series that is always 1; `name` ends in `_info`."""
        made = Info(PREFIX + name.removesuffix("_info"), meaning, registry=self._registry)
        return self._finish(made, name, "info", meaning, {})

    def _finish(self, made: Made, name: str, kind: str, meaning: str, labels: dict[str, Labels]) -> Made:
        words = tuple((label, _in_words(values)) for label, values in labels.items())
        self.descriptions.append(Description(PREFIX + name, kind, meaning, words))
        if labels and not any(values is Open.VALUES for values in labels.values()):
            # a series that is missing until its first event breaks rate() and every alert built on it
            for combination in product(*(_values(each) for each in labels.values())):
                made.labels(*combination)
        return made


def _values(labels: Labels) -> list[str]:
    return [] if isinstance(labels, Open) else list(map(str, labels))


def _in_words(labels: Labels) -> str:
    return ", ".join(_values(labels)) or "open"
