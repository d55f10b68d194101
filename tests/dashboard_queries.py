"""Every query of every dashboard, as Grafana would ask it, put to a real Prometheus."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

DASHBOARDS = Path(__file__).parent.parent / "deploy" / "grafana" / "dashboards"
STEP_S = 1.0
TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Question:
    """A query and where it stands. `kind` is range, instant, exemplars or values (of a variable)."""

    place: str
    kind: str
    expr: str


def dashboards() -> dict[str, Any]:
    """Return the generated dashboards by file name."""
    return {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(DASHBOARDS.glob("*.json"))}


def panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    """Return its panels without the rows, which are titles only."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def questions() -> list[Question]:
    """Return every query of panels, annotations and variables."""
    return [question for dashboard in dashboards().values() for question in _questions(dashboard)]


def _questions(dashboard: dict[str, Any]) -> Iterator[Question]:
    for panel in panels(dashboard):
        place = f"{dashboard['uid']}: {panel['title']}"
        for target in panel["targets"]:
            yield Question(place, "instant" if target.get("instant") else "range", target["expr"])
            if target.get("exemplar"):
                yield Question(place, "exemplars", target["expr"])
    for each in dashboard["annotations"]["list"]:
        yield Question(f"{dashboard['uid']}: annotation {each['name']}", "range", each["expr"])
    for each in dashboard["templating"]["list"]:
        if each["type"] == "query":
            yield Question(f"{dashboard['uid']}: variable {each['name']}", "values", each["query"])


def filled_in(expr: str, window_s: float) -> str:
    """Put in what Grafana would for "All" chosen everywhere, a scrape each second, and this time range."""
    values = {"job": ".+", "instance": ".+", "slot": ".+", "__rate_interval": "4s", "__range": f"{round(window_s)}s"}
    return re.sub(r"\$(\w+)", lambda found: values[found[1]], expr)


def without_data(prometheus_url: str, asked: Iterable[Question], window_s: float) -> list[Question]:
    """Return the queries that give no finite value in the last `window_s` seconds. One that is refused raises."""
    now_s = time.time()
    return [question for question in asked if not _has_data(prometheus_url, question, now_s, window_s)]


def assert_every_query_returns_data(prometheus_url: str, window_s: float = 60.0, but: Collection[str] = ()) -> None:
    """Ask all there is of `prometheus_url`. `but` names panels (dashboard: title) that can't have data there."""
    asked = questions()
    strange = set(but) - {question.place for question in asked}
    assert not strange, f"no such panels: {sorted(strange)}"
    silent = without_data(prometheus_url, (question for question in asked if question.place not in but), window_s)
    told = "\n".join(f"{question.place} ({question.kind}): {question.expr}" for question in silent)
    assert not silent, f"these queries return no data:\n{told}"


def _has_data(url: str, question: Question, now_s: float, window_s: float) -> bool:
    expr = filled_in(question.expr, window_s)
    since = {"start": f"{now_s - window_s:.3f}", "end": f"{now_s:.3f}"}
    match question.kind:
        case "values":
            series, label = re.fullmatch(r"label_values\((.+), (\w+)\)", expr).groups()  # type: ignore[union-attr]
            return bool(_get(url, f"label/{label}/values", {"match[]": series, **since}))
        case "exemplars":
            return bool(_get(url, "query_exemplars", {"query": expr, **since}))
        case "instant":
            answer = _get(url, "query", {"query": expr, "time": since["end"]})
            return any(_is_finite(series["value"]) for series in answer["result"])
    answer = _get(url, "query_range", {"query": expr, "step": str(STEP_S), **since})
    return any(_is_finite(point) for series in answer["result"] for point in series["values"])


def _is_finite(point: tuple[float, str]) -> bool:
    return math.isfinite(float(point[1]))


def _get(url: str, path: str, query: dict[str, str]) -> Any:
    with urlopen(f"{url}/api/v1/{path}?{urlencode(query)}", timeout=TIMEOUT_S) as answer:
        return json.load(answer)["data"]
