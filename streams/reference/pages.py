"""Which reference pages there are, and who writes each."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from config import Settings
from streams import metrics_page
from streams.__main__ import command_line
from streams.metrics import Metrics
from streams.reference.commands_page import commands_page
from streams.reference.schema_page import schema_page
from streams.reference.settings_page import settings_page
from streams.reference.topics_page import topics_page


def pages() -> dict[str, str]:
    """Return each page as Markdown, by its path in the project."""
    return {
        "docs/metrics.md": metrics_page.page(Metrics(CollectorRegistry()).descriptions),
        "docs/reference/commands.md": commands_page(command_line()),
        "docs/reference/schema.md": schema_page(Settings()),
        "docs/reference/settings.md": settings_page(),
        "docs/reference/topics.md": topics_page(Settings()),
    }
