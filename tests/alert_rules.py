"""The shipped rules as data: what is recorded, what is told, which metrics that needs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.worker_process import ROOT

PROMETHEUS = ROOT / "deploy" / "prometheus"
RULE_FILES = sorted((PROMETHEUS / "rules").glob("*.yml"))
_EXPORTED = re.compile(r"(?<![\w:])(?:pollwatch|process|python)_\w+")
_PARTS = ("_bucket", "_count", "_sum")


@dataclass(frozen=True)
class Rule:
    """An alert, or a recording where `alert` is empty."""

    file: Path
    alert: str
    record: str
    expr: str
    labels: dict[str, str]
    annotations: dict[str, str]


def rules() -> Iterator[Rule]:
    """Yield all shipped rules."""
    for path in RULE_FILES:
        for group in loaded(path)["groups"]:
            for rule in group["rules"]:
                name, record = rule.get("alert", ""), rule.get("record", "")
                yield Rule(path, name, record, rule["expr"], rule.get("labels", {}), rule.get("annotations", {}))


def alerts() -> list[Rule]:
    """Return the rules that tell somebody."""
    return [rule for rule in rules() if rule.alert]


def loaded(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def metrics_in(promql: str) -> set[str]:
    """Return the metrics of workers that an expression reads; what rules record has a colon in its name and is none.

    >>> sorted(metrics_in('sum(rate(pollwatch_x_bucket{le="2.0"}[5m])) - job:pollwatch_y:sum + process_z'))
    ['pollwatch_x_bucket', 'process_z']
    """
    found = re.sub(r'"[^"]*"', "", promql)
    return {name for name in _EXPORTED.findall(found) if not re.search(rf"{name}:", found)}


def missing(expressions: Iterable[str], page: str) -> set[str]:
    """Return the metrics that expressions read and a worker's page, as text, does not have: not even what they are.

    A metric whose labels are open has no series until it is used, but always its `# TYPE`.
    """
    typed = dict(re.findall(r"^# TYPE (\w+) (\w+)$", page, re.MULTILINE))
    shown = set(typed) | {name + part for name, kind in typed.items() if kind == "histogram" for part in _PARTS}
    return set().union(*map(metrics_in, expressions)) - shown
