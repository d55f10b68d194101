"""deploy/compose.yaml against the code and the folder: nothing open to the network, every file, port, command and topic is there."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from config import Settings, load
from config.schema import Notify
from config.targets import read_targets
from streams.__main__ import _COMMANDS, _parser
from streams.broker import EmbeddedKafka
from streams.broker.fetch import ENDPOINT
from streams.broker.ports import free_port
from streams.topic_table import desired_topics
from streams.topics import run_topics
from streams.transport.agent import STOP_WITHIN_S

DEPLOY = Path(__file__).resolve().parent.parent / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("pollwatch:")}
ONE_SHOT = {name for name, service in SERVICES.items() if service["restart"] == "no"}


def settings() -> Settings:
    return load(DEPLOY / "compose" / "pollwatch.toml", {})


def binds() -> list[tuple[str, str, str]]:
    """Return service, source and target of everything that is mounted from this folder."""
    mounts = [(name, mount) for name, service in SERVICES.items() for mount in service.get("volumes", []) if not isinstance(mount, str)]
    return [(name, mount["source"], mount["target"]) for name, mount in mounts if mount["type"] == "bind"]


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_is_published_but_on_this_machine(name: str) -> None:
    service = SERVICES[name]
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in service.get("ports", []))
    assert service.get("network_mode") in (None, "none"), "a host network would publish everything"


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_kept_small(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+", service["image"]), "an exact version"


@pytest.mark.parametrize("name", SERVICES)
def test_others_wait_until_what_they_need_is_there(name: str) -> None:
    service = SERVICES[name]
    assert ("test" in service["healthcheck"]) == (name not in ONE_SHOT)
    for needed, how in service.get("depends_on", {}).items():
        assert how["condition"] == ("service_completed_successfully" if needed in ONE_SHOT else "service_healthy")


def test_every_file_that_is_mounted_exists() -> None:
    assert binds()
    assert [source for _, source, _ in binds() if not (DEPLOY / source).exists()] == []
    volumes = {mount.split(":")[0] for service in SERVICES.values() for mount in service.get("volumes", []) if isinstance(mount, str)}
    assert volumes <= set(COMPOSE["volumes"])


def test_every_command_is_one_and_reads_the_settings_that_are_mounted() -> None:
    for name, service in OURS.items():
        if "entrypoint" in service:
            continue
        given = _parser().parse_args(service["command"])
        assert given.command in _COMMANDS
        assert str(given.config) in [target for of, _, target in binds() if of == name]


def test_ports_are_those_of_the_settings() -> None:
    given = settings()
    ports = {"worker": given.worker.http_port, "console": given.console.port, "notify": given.notify.http_port}
    for name, port in ports.items():
        assert SERVICES[name]["healthcheck"]["test"][-1] == f"http://127.0.0.1:{port}/readyz"
        assert SERVICES[name].get("ports", []) == ([] if name == "notify" else [f"127.0.0.1:{port}:{port}"])
    assert {given.worker.http_host, given.console.host, given.notify.http_host} == {"0.0.0.0"}, "inside the container"


def test_notify_posts_to_a_service_of_these() -> None:
    assert settings().notify.targets in [f"{target}/targets.toml" for name, _, target in binds() if name == "notify"]
    targets = read_targets(Notify(targets=str(DEPLOY / "compose" / "notify" / "targets.toml")))
    for target in targets.values():
        host, port = target.url.split("/")[2].split(":")
        assert any(published.endswith(f":{port}") for published in SERVICES[host]["ports"])


def test_the_broker_is_the_tested_one_and_found_by_its_name() -> None:
    kafka = SERVICES["kafka"]
    (version,) = set(re.findall(r"org\.apache\.kafka:[a-z_0-9.-]+:(\d+\.\d+\.\d+)", ENDPOINT))
    assert kafka["image"] == f"apache/kafka:{version}"
    advertised = dict(each.split("://") for each in kafka["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(","))
    assert settings().kafka.servers == (advertised["INSIDE"],)
    assert f"{advertised['HOST']}:9092" in kafka["ports"]
    assert settings().topics.replication == 1


def test_keys_are_where_the_settings_look_for_them() -> None:
    files = [path for keys in settings().dump().values() for key, path in keys.items() if key.endswith("_file") and path]
    assert files
    assert {str(Path(str(file)).parent) for file in files} == {"/keys"}
    assert all(any(mount == "keys:/keys" or "/keys" in str(mount) for mount in service["volumes"]) for service in OURS.values())


def test_a_worker_is_not_killed_while_it_stops() -> None:
    assert seconds(SERVICES["worker"]["stop_grace_period"]) > 2 * STOP_WITHIN_S


def test_prometheus_asks_services_that_exist_at_their_ports() -> None:
    targets = {file.name: yaml.safe_load(file.read_text()) for file in (DEPLOY / "compose" / "targets").iterdir()}
    assert set(targets) == {file.name for file in (DEPLOY / "prometheus" / "targets").iterdir()}
    addresses = [target for groups in targets.values() for group in groups for target in group["targets"]]
    for address in addresses:
        service, port = address.split(":")
        assert f":{port}/" in SERVICES[service]["healthcheck"]["test"][-1], address


def test_grafana_finds_prometheus_and_the_dashboards() -> None:
    provisioning = DEPLOY / "grafana" / "provisioning"
    (datasources,) = [yaml.safe_load(file.read_text()) for file in (provisioning / "datasources").iterdir()]
    (providers,) = [yaml.safe_load(file.read_text()) for file in (provisioning / "dashboards").iterdir()]
    mounted = {target: source for name, source, target in binds() if name == "grafana"}
    assert mounted[providers["providers"][0]["options"]["path"]] == "./grafana/dashboards"
    url = datasources["datasources"][0]["url"]
    assert url == "http://prometheus:9090"
    uid = datasources["datasources"][0]["uid"]
    assert uid in json.dumps([json.loads(file.read_text()) for file in (DEPLOY / "grafana" / "dashboards").iterdir()])


def broker_properties(inside: int, host: int) -> dict[str, str]:
    """Return what Kafka's image makes of the environment, its names and ports those of this machine, its controller the embedded one."""
    given = {name.removeprefix("KAFKA_").replace("_", ".").lower(): value for name, value in SERVICES["kafka"]["environment"].items()}
    places = {"INSIDE": f"INSIDE://127.0.0.1:{inside}", "HOST": f"HOST://127.0.0.1:{host}"}
    of_the_node = {"cluster.id", "node.id", "process.roles", "controller.quorum.voters", "log.dirs", "heap.opts"}
    here = {name: value for name, value in given.items() if name not in of_the_node}
    for name in ("listeners", "advertised.listeners"):
        here[name] = ",".join(places[each.split(":")[0]] for each in given[name].split(",") if not each.startswith("CONTROLLER"))
    protocols = given["listener.security.protocol.map"].split(",")
    here["listener.security.protocol.map"] = ",".join(each for each in protocols if not each.startswith("CONTROLLER"))
    return here


@pytest.mark.broker
@pytest.mark.usefixtures("embedded_kafka_at_hand")
def test_a_real_broker_takes_these_settings_and_the_topics() -> None:
    inside, host = free_port(), free_port()
    with EmbeddedKafka(properties=broker_properties(inside, host)):
        said: list[str] = []
        wanted = desired_topics(settings().topics, settings().intake)
        assert run_topics({"bootstrap_servers": [f"127.0.0.1:{host}"]}, wanted, said.append) == 0
        assert run_topics({"bootstrap_servers": [f"127.0.0.1:{inside}"]}, wanted, said.append) == 0
    assert said[-1] == f"{len(wanted)} topics: 0 created, {len(wanted)} existed, 0 wrong"
