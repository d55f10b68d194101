"""`pollwatch notify` as a process on a real Kafka, its targets file, and what is put into the topics it reads."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kafka import KafkaProducer
from live_worker import Deployment, WorkerProcess
from webhook_receiver import SECRET

from benchmarks import group_offsets
from config import TopicRole

__all__ = ["Notified"]


class Notified:
    """A deployment whose alerts and items are written by the test; `targets` by name, each a dict of its settings."""

    def __init__(self, bootstrap: str, prefix: str, folder: Path, url: str) -> None:
        self.file = folder / "targets.toml"
        self._url = url
        self._secret = folder / "webhook-secret"
        self._secret.write_text(SECRET)
        self.side = Deployment(bootstrap, prefix, folder, partitions=1, more={"POLLWATCH_NOTIFY_TARGETS": str(self.file)})

    def targets(self, **targets: dict[str, Any]) -> None:
        """Write the targets file; each is posted to under a path with its name."""
        lines: list[str] = []
        for name, settings in targets.items():
            whole = {"format": "generic", "url": f"{self._url}/{name}", "secret_file": str(self._secret), **settings}
            lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in whole.items())]
        self.file.write_text("\n".join(lines))

    def start(self) -> WorkerProcess:
        """Start the process."""
        return WorkerProcess(self.side, script=("-m", "streams", "notify"))

    def say(self, said: Iterable[dict[str, Any]]) -> None:
        """Put alerts and items into their topics, in order."""
        producer = KafkaProducer(bootstrap_servers=self.side.bootstrap)
        for one in said:
            role, key = (TopicRole.ALERTS, one["subject"]) if "specversion" in one else (TopicRole.MODERATION, one["case_id"])
            producer.send(self.side.topic(role), key=key.encode(), value=json.dumps(one).encode())
        producer.flush()
        producer.close()

    def lag(self) -> dict[str, int]:
        """Return what is not committed of each partition that has any."""
        topics = [self.side.topic(TopicRole.ALERTS), self.side.topic(TopicRole.MODERATION)]
        return group_offsets.lag(self.side.bootstrap, self.side.settings.notify.group_id, topics)
