"""Holds what the chart renders against the code: settings, topics, commands, ports, probes, rules. Exit 1 and a line for each difference.

python rendered.py FILE...
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from config import ConfigError, Settings, TopicRole, load
from streams.__main__ import _parser
from streams.topic_table import desired_topics
from streams.transport.agent import STOP_WITHIN_S

DEPLOY = Path(__file__).resolve().parent.parent
MOUNT = "/run/pollwatch/"
READS = {"worker": ("kafka", "intake", "privacy"), "console": ("kafka", "console"), "notify": ("kafka",), "topics": ("kafka",)}
"""The sections whose files each command reads."""


@dataclass(frozen=True, slots=True)
class Release:
    """The manifests of one rendering."""

    documents: tuple[dict[str, Any], ...]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the manifests of a kind."""
        return [document for document in self.documents if document["kind"] == kind]

    def pods(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield name and pod specification of everything that runs."""
        for kind in ("StatefulSet", "Deployment", "Job"):
            for document in self.of(kind):
                yield document["metadata"]["name"], document["spec"]["template"]["spec"]

    def settings(self) -> Settings:
        """Return the settings of every pollwatch.toml, which must be one. Raises ConfigError."""
        (text,) = {map_["data"]["pollwatch.toml"] for map_ in self.of("ConfigMap") if "pollwatch.toml" in map_["data"]}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "pollwatch.toml"
            path.write_text(text)
            return load(path, {})


def differences(release: Release) -> Iterator[str]:
    """Yield what is not as the code has it."""
    settings = release.settings()
    yield from _topics(release, settings)
    yield from _pods(release, settings)
    yield from _scaling(release, settings)
    yield from _rules(release)


def _topics(release: Release, settings: Settings) -> Iterator[str]:
    wanted = desired_topics(settings.topics, settings.intake)
    for document in release.of("KafkaTopic"):
        spec = document["spec"]
        made = {"partitions": spec["partitions"], "replication": spec["replicas"], **spec["config"]}
        if spec["topicName"] not in wanted:
            yield f"KafkaTopic {spec['topicName']} is no topic of these settings"
        elif made != {name: each.value for name, each in wanted[spec["topicName"]].settings().items()}:
            yield f"KafkaTopic {spec['topicName']} is {made}"


def _pods(release: Release, settings: Settings) -> Iterator[str]:
    ports = {
        "worker": ("metrics", settings.worker.http_port),
        "console": ("http", settings.console.port),
        "notify": ("metrics", settings.notify.http_port),
    }
    for name, pod in release.pods():
        (container,) = pod["containers"]
        command = _parser().parse_args(container["args"]).command
        if not pod["securityContext"]["runAsNonRoot"] or not container["securityContext"]["readOnlyRootFilesystem"]:
            yield f"{name} may be root, or write"
        if command == "worker" and pod["terminationGracePeriodSeconds"] <= STOP_WITHIN_S:
            yield f"{name} is killed while it stops"
        if command in ports:
            yield from _pages(name, container, *ports[command])
        yield from _files(name, pod, settings, READS[command])


def _pages(name: str, container: dict[str, Any], port_name: str, number: int) -> Iterator[str]:
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    if ports != {port_name: number}:
        yield f"{name} has ports {ports}"
    probes = {probe: container[f"{probe}Probe"]["httpGet"] for probe in ("startup", "readiness", "liveness")}
    if any(get["port"] != port_name for get in probes.values()):
        yield f"{name} is asked elsewhere"
    paths = {probe: get["path"] for probe, get in probes.items()}
    if paths != {"startup": "/readyz", "readiness": "/readyz", "liveness": "/healthz"}:
        yield f"{name} has probes {paths}"


def _files(name: str, pod: dict[str, Any], settings: Settings, sections: tuple[str, ...]) -> Iterator[str]:
    """Say when a component lacks a file that its settings name, or has one that is none of its business."""
    values = settings.dump()
    named = {str(value) for section in sections for value in values[section].values() if str(value).startswith(MOUNT)}
    mounted = {
        MOUNT + item["path"]
        for volume in pod["volumes"] if "projected" in volume
        for source in volume["projected"]["sources"]
        for item in (source.get("secret") or source["configMap"])["items"]
    }  # fmt: skip
    if named != mounted:
        yield f"{name} mounts {sorted(mounted)}, and its settings name {sorted(named)}"


def _scaling(release: Release, settings: Settings) -> Iterator[str]:
    inputs = [settings.topics.name(role) for role in (TopicRole.VOTES, TopicRole.REPLIES)]
    for document in release.of("ScaledObject"):
        spec = document["spec"]
        triggers = [trigger["metadata"] for trigger in spec["triggers"]]
        if [trigger["topic"] for trigger in triggers] != inputs:
            yield f"ScaledObject looks at {triggers}"
        if {trigger["consumerGroup"] for trigger in triggers} != {settings.kafka.group_id}:
            yield "ScaledObject looks at another group"
        if spec["maxReplicaCount"] != settings.topics.partitions or spec["minReplicaCount"] < 1:
            yield f"ScaledObject scales from {spec['minReplicaCount']} to {spec['maxReplicaCount']}"
        (target,) = [each for each in release.of("StatefulSet") if each["metadata"]["name"] == spec["scaleTargetRef"]["name"]]
        if "replicas" in target["spec"]:
            yield "an upgrade would set back what ScaledObject has scaled"


def _rules(release: Release) -> Iterator[str]:
    shipped = [yaml.safe_load(file.read_text())["groups"] for file in sorted((DEPLOY / "prometheus" / "rules").glob("*.yml"))]
    made = [document["spec"]["groups"] for document in release.of("PrometheusRule")]
    if made and made != shipped:
        yield "PrometheusRule differs from deploy/prometheus/rules"


def main(*files: str) -> int:
    """Look at each file, print differences; return the exit code."""
    wrong = 0
    for file in files:
        release = Release(tuple(each for each in yaml.safe_load_all(Path(file).read_text()) if each))
        try:
            found = list(differences(release))
        except ConfigError as error:
            found = [str(problem) for problem in error.problems]
        for difference in found:
            print(f"{Path(file).name}: {difference}")
        wrong += len(found)
    return 1 if wrong or not files else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
