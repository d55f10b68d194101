import dataclasses
import itertools
import logging
import re
import tomllib
from pathlib import Path

import pytest

from config import (
    ConfigError,
    Mode,
    SecurityProtocol,
    Settings,
    TopicRole,
    check,
    load,
    with_overrides,
)
from config.assemble import Entry, assemble, section_types
from config.load import environment_names

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "config" / "default.toml"
BAD = Path(__file__).parent / "bad_config"
UNITS = {"ms": "milliseconds", "hours": "hours", "bytes": "bytes", "records": "records", "polls": "polls"}


def expected_problems(path: Path) -> list[str]:
    """The lines after `# expect: ` at the end of a bad file; `$` stands for its own name."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return [line.removeprefix("# expect: ") for line in lines if line.startswith("# expect: ")]


@pytest.mark.parametrize("path", sorted(BAD.glob("*.toml")), ids=lambda path: path.stem)
def test_a_bad_file_gives_exactly_the_message_it_expects(path: Path) -> None:
    found = [str(problem).replace(str(path), "$") for problem in check(path, {})]
    assert found == expected_problems(path)
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert str(caught.value).replace(str(path), "$") == "\n".join(found)


def test_there_are_bad_files() -> None:
    assert len(list(BAD.glob("*.toml"))) >= 25


def test_the_reference_page_names_every_setting_with_its_default_and_nothing_else() -> None:
    written = tomllib.loads(REFERENCE.read_text(encoding="utf-8"))
    in_file = {
        f"{section}.{key} = {value!r}" for section, keys in written.items() for key, value in keys.items()
    }
    defaults = {
        f"{section}.{key} = {getattr(value, 'value', value)!r}"
        for section, keys in Settings().dump().items()
        for key, value in keys.items()
    }
    assert defaults - in_file == set(), "add these to config/default.toml, each with its unit and meaning"
    assert in_file - defaults == set(), "remove these from config/default.toml"
    assert list(written) == list(section_types())
    assert load(REFERENCE, {}) == Settings()


def test_the_reference_page_gives_every_setting_a_unit_and_a_meaning() -> None:
    lines = REFERENCE.read_text(encoding="utf-8").splitlines()
    for above, line in itertools.pairwise(lines):
        setting = re.match(r"(\w+) = ", line)
        if setting is None:
            continue
        comment = re.fullmatch(r"# \[([^\]]+)\] ([A-Z].{10,}\.)", above)
        assert comment, f"no `# [unit] Meaning.` above {line}"
        suffix = setting[1].rpartition("_")[2]
        if suffix in UNITS and "_" in setting[1]:
            assert comment[1] == UNITS[suffix], line


def test_every_setting_can_be_given_by_the_environment() -> None:
    written = {
        f"POLLWATCH_{section}_{key}".upper() for section, keys in Settings().dump().items() for key in keys
    }
    assert set(environment_names()) == written
    environ = {
        name: str(getattr(value, "value", value))
        for name, (section, key) in environment_names().items()
        for value in [Settings().dump()[section][key]]
    }
    assert load(None, environ) == Settings()


def test_an_empty_environment_and_no_file_are_the_defaults() -> None:
    assert load(None, {}) == Settings()


def test_environment_wins_over_file_and_own_names_win_over_conventional_ones(tmp_path: Path) -> None:
    path = tmp_path / "pollwatch.toml"
    path.write_text('[kafka]\nbootstrap_servers = "file:1"\ngroup_id = "file"\n')
    assert load(path, {}).kafka.servers == ("file:1",)
    assert load(path, {"KAFKA_BOOTSTRAP_SERVERS": "a:1, b:2"}).kafka.servers == ("a:1", "b:2")
    both = {"KAFKA_BOOTSTRAP_SERVERS": "a:1", "POLLWATCH_KAFKA_BOOTSTRAP_SERVERS": "own:1"}
    assert load(path, both).kafka.servers == ("own:1",)
    assert load(path, both).kafka.group_id == "file"


def test_conventional_names_set_everything_kafka_needs() -> None:
    kafka = load(
        None,
        {
            "KAFKA_BOOTSTRAP_SERVERS": "broker:9093",
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
            "KAFKA_SASL_USERNAME": "watch",
            "KAFKA_SASL_PASSWORD": "hunter2",
            "KAFKA_SSL_CAFILE": "/ca.pem",
            "KAFKA_SSL_CERTFILE": "/cert.pem",
            "KAFKA_SSL_KEYFILE": "/key.pem",
            "KAFKA_SSL_PASSWORD": "hunter3",
            "KAFKA_HEAP_OPTS": "not ours",
        },
    ).kafka
    assert kafka.security_protocol is SecurityProtocol.SASL_SSL
    assert (kafka.sasl_password.reveal(), kafka.ssl_password.reveal()) == ("hunter2", "hunter3")
    assert (kafka.ssl_cafile, kafka.ssl_certfile, kafka.ssl_keyfile) == ("/ca.pem", "/cert.pem", "/key.pem")


def test_an_empty_conventional_variable_counts_as_not_set() -> None:
    assert load(None, {"KAFKA_BOOTSTRAP_SERVERS": "", "KAFKA_SASL_PASSWORD": ""}) == Settings()


def test_every_mistake_of_file_and_environment_is_reported_at_once(tmp_path: Path) -> None:
    path = tmp_path / "pollwatch.toml"
    path.write_text(
        '[topics]\npartition = 4\nreplication = "three"\n[cases]\nclose_below = 2.0\nreopen_ms = 0\n'
    )
    environ = {
        "POLLWATCH_WORKER_HTTP_PORT": "http",
        "POLLWATCH_WORKER_HTTP_PROT": "80",
        "POLLWATCH_VOTES": "x",
        "KAFKA_SASL_USERNAME": "watch",
    }
    assert [str(problem).replace(str(path), "$") for problem in check(path, environ)] == [
        "$:topics.partition: unknown setting; did you mean partitions?",
        "environment:POLLWATCH_VOTES: unknown setting; names are POLLWATCH_<SECTION>_<KEY>",
        "environment:POLLWATCH_WORKER_HTTP_PROT: unknown setting; did you mean POLLWATCH_WORKER_HTTP_PORT?",
        '$:topics.replication: "three" cannot be used; must be a whole number from 1 to 100',
        'environment:POLLWATCH_WORKER_HTTP_PORT: "http" cannot be used; must be a whole number from 0 to 65535',
        "$:cases.close_below: close_below must be above 0 and at most 1, not 2.0; change it",
        "$:cases.reopen_ms: reopen_ms must be 1 or more, not 0; change it",
        (
            "environment:KAFKA_SASL_USERNAME: is set, but kafka.security_protocol is PLAINTEXT; "
            "set it to SASL_SSL or SASL_PLAINTEXT, or remove this"
        ),
    ]


def test_a_value_that_cannot_be_used_is_not_blamed_for_not_fitting_others() -> None:
    environ = {"KAFKA_SECURITY_PROTOCOL": "SASL_TLS", "KAFKA_SASL_USERNAME": "w", "KAFKA_SASL_PASSWORD": "p"}
    assert [problem.where for problem in check(None, environ)] == ["environment:KAFKA_SECURITY_PROTOCOL"]


@pytest.mark.parametrize("secret", ["sasl_password", "ssl_password"])
def test_a_password_given_twice_is_reported(tmp_path: Path, secret: str) -> None:
    path = tmp_path / "pollwatch.toml"
    path.write_text(
        f'[kafka]\nsecurity_protocol = "SASL_SSL"\nsasl_username = "w"\nssl_certfile = "/c"\n{secret}_file = "/p"\n'
    )
    environ = {"KAFKA_SASL_PASSWORD": "hunter2"} | {f"KAFKA_{secret.upper()}": "hunter2"}
    assert [str(problem) for problem in check(path, environ)] == [
        f"{path}:kafka.{secret}_file: is set together with KAFKA_{secret.upper()}; keep one of the two"
    ]


def test_what_is_missing_is_named_where_it_would_be_written(tmp_path: Path) -> None:
    path = tmp_path / "pollwatch.toml"
    path.write_text('[kafka]\nsecurity_protocol = "SASL_SSL"\nsasl_password_file = "/p"\n')
    assert [problem.where for problem in check(path, {})] == [f"{path}:kafka.sasl_username"]
    environ = {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_PASSWORD": "p"}
    assert [problem.where for problem in check(None, environ)] == [
        "environment:POLLWATCH_KAFKA_SASL_USERNAME"
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "cannot be read"), (b"\xff\xfe", "is not UTF-8"), (b"[kafka\n", "is not TOML")],
)
def test_an_unreadable_file_is_one_problem_and_the_environment_is_still_checked(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    path = tmp_path / "pollwatch.toml"
    if content is not None:
        path.write_bytes(content)
    first, second = check(path, {"POLLWATCH_TOPICS_PARTITIONS": "0"})
    assert reason in first.what
    assert first.where == str(path)
    assert second.where == "environment:POLLWATCH_TOPICS_PARTITIONS"


def test_passwords_are_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    environ = {
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_SASL_USERNAME": "watch",
        "KAFKA_SASL_PASSWORD": "hunter2",
        "KAFKA_SSL_CERTFILE": "/cert.pem",
        "KAFKA_SSL_PASSWORD": "hunter2",
    }
    settings = load(None, environ)
    with caplog.at_level(logging.INFO):
        logging.getLogger("test").info("%s %r %s", settings, settings.kafka, settings.kafka.sasl_password)
    shown = [
        caplog.text,
        str(settings.dump()),
        str(dataclasses.asdict(settings)),
        f"{settings.kafka.sasl_password!s:>9}",
    ]
    assert "watch" in "".join(shown)
    assert "hunter2" not in "".join(shown)


def test_a_password_in_a_problem_is_never_shown(tmp_path: Path) -> None:
    path = tmp_path / "pollwatch.toml"
    path.write_text('[kafka]\nsasl_password = "hunter2"\nsasl_pasword = "hunter2"\n')
    environ = {"KAFKA_SASL_PASSWORD": "hunter2", "POLLWATCH_KAFKA_SASL_PASSWORD": "hunter2"}
    problems = check(path, environ)
    assert len(problems) == 4
    assert "hunter2" not in "".join(map(repr, problems)) + "".join(map(str, problems))


def test_the_digest_is_stable_and_changes_with_what_decides_findings() -> None:
    plain = Settings()
    assert plain.digest() == Settings().digest()
    assert re.fullmatch("[0-9a-f]{12}", plain.digest())
    changed = [
        with_overrides(plain, topics={"partitions": 6}),
        with_overrides(plain, intake={"max_age_ms": 0}),
        with_overrides(plain, cases={"close_below": 0.6}),
        with_overrides(plain, polls={"retain_ms": 3_600_000}),
        with_overrides(plain, rate={"min_excess_votes": 20}),
    ]
    assert len({settings.digest() for settings in [plain, *changed]}) == 1 + len(changed)


def test_the_digest_does_not_depend_on_places_and_secrets() -> None:
    environ = {
        "KAFKA_BOOTSTRAP_SERVERS": "elsewhere:9092",
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_SASL_USERNAME": "w",
        "KAFKA_SASL_PASSWORD": "hunter2",
        "POLLWATCH_WORKER_HTTP_PORT": "0",
        "POLLWATCH_WORKER_LOG_LEVEL": "debug",
        "POLLWATCH_TOPICS_PREFIX": "eu.",
        "POLLWATCH_INTAKE_HASH_KEY_FILE": "/key",
    }
    assert load(None, environ).digest() == Settings().digest()


def test_overrides_are_checked_like_everything_else() -> None:
    settings = with_overrides(Settings(), worker={"mode": "shadow", "http_port": 0}, topics={"prefix": "t."})
    assert settings.worker.mode is Mode.SHADOW
    assert settings.topics.name(TopicRole.DEAD_LETTER) == "t.pollwatch.dead-letter"
    with pytest.raises(ConfigError) as caught:
        with_overrides(Settings(), worker={"http_prt": 0, "mode": "loud"}, topic={"partitions": 1})
    assert str(caught.value).splitlines() == [
        "override:worker.http_prt: unknown setting; did you mean http_port?",
        "override:topic: unknown section; did you mean topics?",
        'override:worker.mode: "loud" cannot be used; must be one of live, shadow',
    ]


def test_a_detector_that_refuses_a_combination_is_reported_at_its_section() -> None:
    entries = [Entry("cases", "close_below", 0.0, "flag:--close-below")]
    outcome = assemble(entries, lambda section, key: f"{section}.{key}", Settings())
    assert [problem.where for problem in outcome.problems] == ["flag:--close-below"]
    assert outcome.settings.cases == Settings().cases
