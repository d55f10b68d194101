"""The Helm chart, as far as no helm is needed: `make verify-deploy` renders it."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from config import Settings, TopicRole, load
from config.load import environment_names
from deploy.helm.topics import text
from deploy.verify.crd_schemas import strict
from streams.topic_table import desired_topics
from streams.transport.agent import STOP_WITHIN_S

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "deploy" / "helm" / "pollwatch"
SETS = ROOT / "deploy" / "verify" / "values"
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
TOPICS: dict[str, Any] = json.loads((CHART / "files" / "topics.json").read_text())
BY_TEMPLATE = {"more_workers_than_partitions.yaml", "strimzi_and_retention.yaml"}
"""Values that only a template refuses, since a schema compares no two of them."""


def over(values: Any, more: Any) -> Any:
    """Put values over others, as helm does."""
    if not isinstance(values, dict) or not isinstance(more, dict):
        return more
    return values | {key: over(values.get(key), value) for key, value in more.items()}


def with_set(file: Path) -> Any:
    return over(VALUES, yaml.safe_load(file.read_text()))


def settings_of(values: Any) -> Settings:
    """Return the settings of values, each as its environment variable, with a file for each that names one."""
    named = {(section, key): name for name, (section, key) in environment_names().items()}
    given = {(section, key): value for section, keys in values["settings"].items() for key, value in (keys or {}).items()}
    files = {tuple(name.split(".")): f"/run/pollwatch/{name}" for name in values["fileSettings"]}
    return load(None, {named[key]: str(value) for key, value in (given | files).items()})


def accepted(values: Any) -> bool:
    return bool(Draft7Validator(SCHEMA).is_valid(values))


@pytest.mark.parametrize("file", sorted((SETS / "good").iterdir()), ids=lambda file: file.stem)
def test_values_that_must_be_taken_are_settings_that_load(file: Path) -> None:
    assert accepted(with_set(file))
    assert settings_of(with_set(file)).worker.http_host == "0.0.0.0"


def test_the_values_of_the_chart_are_taken_as_they_are() -> None:
    assert accepted(VALUES)
    settings = settings_of(VALUES)
    assert settings.topics == Settings().topics
    assert settings.worker.http_port == Settings().worker.http_port


@pytest.mark.parametrize("file", sorted((SETS / "bad").iterdir()), ids=lambda file: file.stem)
def test_values_that_must_not_be_taken_are_refused(file: Path) -> None:
    assert accepted(with_set(file)) == (file.name in BY_TEMPLATE)
    assert file.read_text().startswith("# says: ")


def test_the_schema_knows_every_section_and_topic() -> None:
    settings = SCHEMA["properties"]["settings"]
    assert settings["propertyNames"]["enum"] == list(Settings().dump())
    omit = SCHEMA["properties"]["topics"]["properties"]["strimzi"]["properties"]["omit"]
    assert omit["items"]["enum"] == list(TopicRole)


def test_chart_and_image_have_the_version_of_the_project() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == version
    compose = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
    assert compose["services"]["worker"]["image"] == f"pollwatch:{version}"


def test_the_topics_file_is_what_the_table_of_topics_gives() -> None:
    assert (CHART / "files" / "topics.json").read_text() == text(), "run .venv/bin/python deploy/helm/topics.py"


@pytest.mark.parametrize("partitions", [1, 4, 100])
def test_partitions_follow_from_shards_as_the_table_has_it(partitions: int) -> None:
    wanted = desired_topics(load(None, {"POLLWATCH_TOPICS_PARTITIONS": str(partitions)}).topics, Settings().intake)
    for topic in TOPICS["topics"].values():
        assert topic["shards"] * partitions + topic["more"] == wanted[topic["name"]].partitions.value


def test_rules_and_dashboards_of_the_chart_are_the_very_files() -> None:
    for link, target in (("rules", "prometheus/rules"), ("dashboards", "grafana/dashboards")):
        folder = CHART / "files" / link
        assert folder.is_symlink()
        assert folder.resolve() == ROOT / "deploy" / target
        assert list(folder.iterdir())
        assert not Path(folder.readlink()).is_absolute()


def test_a_worker_is_not_killed_while_it_stops() -> None:
    assert VALUES["worker"]["terminationGracePeriodSeconds"] > 2 * STOP_WITHIN_S
    assert SCHEMA["properties"]["worker"]["properties"]["terminationGracePeriodSeconds"]["minimum"] > STOP_WITHIN_S


def test_a_definition_made_strict_refuses_what_it_does_not_list() -> None:
    field = {"type": "object", "properties": {"count": {"type": "integer"}}}
    schema = strict({"type": "object", "properties": {"spec": field, "free": {**field, "x-kubernetes-preserve-unknown-fields": True}}})
    valid = Draft7Validator(schema).is_valid
    assert valid({"spec": {"count": 1}, "free": {"any": 1}})
    assert not valid({"spec": {"cuont": 1}})
    assert not valid({"sepc": {}})
