"""`pollwatch topics`."""

from __future__ import annotations

import argparse

from config import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments: there are none, the settings say everything."""


def run(given: argparse.Namespace, settings: Settings) -> int:
    """Create what is missing and show what differs."""
    from streams.kafka_client import kafka_python
    from streams.topic_table import desired_topics
    from streams.topics import run_topics

    return run_topics(kafka_python(settings.kafka), desired_topics(settings.topics, settings.intake))
