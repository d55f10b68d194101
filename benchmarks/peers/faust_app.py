"""The Faust app of both agents: JSON decoded by Faust, no topics made, no pages served, nothing written to disk that stays."""

from __future__ import annotations

import tempfile
from typing import Any

import faust

from benchmarks.peers.task import Task


def app_of(task: Task, **more: Any) -> faust.App:
    """Return the app, without an agent; `more` are further settings of Faust."""
    return faust.App(
        task.group,
        broker=f"kafka://{task.servers}",
        value_serializer="json",
        consumer_auto_offset_reset="earliest",
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
        datadir=tempfile.mkdtemp(),
        **more,
    )
