"""Writes deploy/grafana/dashboards/ anew: `python -m dashboards`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards import overview, pipeline, polls

FOLDER = Path(__file__).resolve().parent.parent / "deploy" / "grafana" / "dashboards"
MADE: dict[str, Callable[[], Dashboard]] = {
    "overview.json": overview.dashboard,
    "polls.json": polls.dashboard,
    "pipeline.json": pipeline.dashboard,
}


def generated() -> dict[str, str]:
    """The text of each file by its name, the same every time."""
    return {name: _text(make()) for name, make in MADE.items()}


def _text(builder: Dashboard) -> str:
    dashboard = builder.build()
    for number, panel in enumerate(dashboard.panels or [], start=1):
        panel.id_val = number  # Grafana would number them itself, and links to a panel would not last
    return json.dumps(dashboard, cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    for file, content in generated().items():
        (FOLDER / file).write_text(content, encoding="utf-8")
