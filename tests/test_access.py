"""Who can reach what: everything listens on 127.0.0.1, Faust serves nothing, and what holds a secret is not for all."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any, cast

import faust
import pytest
from listening import family, listening
from live_worker import Deployment, WorkerProcess

from config import Settings, load
from config.load import environment_names
from streams import kafka_client
from streams.__main__ import main
from streams.cautions import cautions
from streams.transport import settings_for_faust

LOOPBACK = "127.0.0.1"
_HASH_KEY = "intake.hash_key_file is empty"


@pytest.mark.parametrize(("kind", "host"), [(socket.AF_INET, LOOPBACK), (socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")])
def test_who_listens_where_is_seen(kind: socket.AddressFamily, host: str) -> None:
    with socket.socket(kind) as here:
        here.bind((host, 0))
        here.listen()
        assert (host, here.getsockname()[1]) in listening([_own_pid()])


def _own_pid() -> int:
    return int(Path("/proc/self").readlink().name)


@pytest.mark.broker
def test_a_worker_listens_at_one_port_of_this_machine_only(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    with WorkerProcess(Deployment(kafka, topic_prefix, tmp_path).create_topics()) as worker:
        worker.wait_until_ready()
        assert listening(family(worker.pid)) == {(LOOPBACK, worker.port)}
        # what Faust's own pages would answer to
        assert {worker.get(path)[0] for path in ("/", "/stats/", "/graph/", "/production_index/", "/router/")} == {404}


def test_nothing_listens_elsewhere_unless_told_otherwise() -> None:
    settings = Settings()
    assert settings.worker.http_host == LOOPBACK
    assert settings_for_faust()["web_enabled"] is False
    assert settings.console.host == settings.notify.http_host == LOOPBACK
    hosts = {name for name in environment_names() if "HOST" in name}
    known = {"POLLWATCH_WORKER_HTTP_HOST", "POLLWATCH_CONSOLE_HOST", "POLLWATCH_NOTIFY_HTTP_HOST"}
    assert hosts == known, "a new host: it must be 127.0.0.1 by default"


@pytest.mark.parametrize(
    "name",
    ["INTAKE_HASH_KEY_FILE", "KAFKA_SASL_PASSWORD_FILE", "KAFKA_SSL_KEYFILE", "KAFKA_SSL_CERTFILE", "KAFKA_SSL_PASSWORD_FILE", "PRIVACY_KEY_FILE", "CONSOLE_TOKEN_FILE"],
)
def test_a_file_that_holds_a_secret_and_that_all_can_read_is_told(name: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(16))
    settings = settings_with(name, secret)
    secret.chmod(0o640)
    assert [caution for caution in cautions(settings) if str(secret) in caution] == []
    secret.chmod(0o644)
    [caution] = [caution for caution in cautions(settings) if str(secret) in caution]
    assert caution.endswith(f"everybody on this machine can read it: chmod o-rwx {secret}")


def settings_with(name: str, path: Path) -> Settings:
    """Return settings that name this file, and what has to stand beside it."""
    environ = {f"POLLWATCH_{name}": str(path)}
    if name.startswith("KAFKA_SSL"):
        environ = {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CERTFILE": "/none", **environ}
    if name.startswith("KAFKA_SASL"):
        environ |= {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_USERNAME": "watch"}
    return load(None, environ)


def test_every_setting_that_names_a_file_is_a_secret_or_known_to_be_none(tmp_path: Path) -> None:
    named = {name.removeprefix("POLLWATCH_") for name in environment_names() if name.endswith("FILE")}
    parameters = test_a_file_that_holds_a_secret_and_that_all_can_read_is_told.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert named - set(parameters) == {"KAFKA_SSL_CAFILE"}


def test_what_faust_is_given_shows_no_password() -> None:
    environ = {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KAFKA_SASL_USERNAME": "watch", "KAFKA_SASL_PASSWORD": "hunter2"}
    app = faust.App("test", **kafka_client.faust(load(None, environ).kafka, "kafka"))
    assert cast(Any, app.conf.broker_credentials).password == "hunter2"
    shown = "".join(map(repr, (app, app.conf, vars(app.conf))))
    assert "watch" in shown
    assert "hunter2" not in shown


def test_check_config_and_the_worker_say_that_a_key_known_to_all_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("POLLWATCH_INTAKE_HASH_KEY_FILE", raising=False)
    assert main(["check-config"]) == 0
    told = capsys.readouterr()
    assert told.out == "no problems\n"
    assert told.err.startswith(f"caution: {_HASH_KEY}")
    key = tmp_path / "key"
    key.touch(mode=0o600)
    monkeypatch.setenv("POLLWATCH_INTAKE_HASH_KEY_FILE", str(key))
    assert main(["check-config"]) == 1
    assert "has 0 bytes; put 16 random bytes in it" in capsys.readouterr().err
    key.write_bytes(bytes(range(16)))
    assert main(["check-config"]) == 0
    assert capsys.readouterr() == ("no problems\n", "")
