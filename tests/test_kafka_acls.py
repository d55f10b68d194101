"""The whole of Pollwatch on a cluster that grants nothing by itself: TLS, SCRAM-SHA-512, and exactly the list of `deploy/`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from certificates import make_certificates
from console_process import running
from console_site import TOKEN
from listening import family
from live_worker import ROOT, Deployment, Feed, WorkerProcess, wait_until
from recorded_traffic import recording, write
from secure_kafka import AUTHORIZER, SecureKafka, acls_of, secure_properties

from config import Settings, TopicRole
from streams.acl_table import User, grants, script
from streams.broker import EmbeddedKafka
from streams.broker.ports import free_port
from streams.rights import missing_rights

pytestmark = [pytest.mark.broker, pytest.mark.usefixtures("embedded_kafka_at_hand")]
SEED = 20221003
_LINES = recording(SEED, polls=6, minutes=15, flood=600)


def test_the_list_in_deploy_is_the_one_for_the_default_settings() -> None:
    assert (ROOT / "deploy" / "kafka-acls.sh").read_text() == script(Settings())


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    folder = tmp_path_factory.mktemp("secure")
    made = make_certificates(folder)
    if made is None:
        pytest.skip("needs the openssl command to make certificates")
    port, data = free_port(), folder / "kafka"
    with EmbeddedKafka(data, properties={**secure_properties(port, made.together), **AUTHORIZER}) as broker:
        secure = SecureKafka(broker, port, made.certificate, data / "broker.log")
        secure.write_down_what_is_allowed()
        yield secure


@dataclass
class Guarded:
    """A deployment in which each kind of user has a name, a password in a file, and what the list grants."""

    kafka: SecureKafka
    prefix: str
    folder: Path
    more: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.passwords = {self.name(user): f"secret-of-{user.lower()}-{self.prefix}" for user in User}
        self.files = {user: self.folder / f"password-of-{user}" for user in User}
        for user, file in self.files.items():
            file.touch(mode=0o600)
            file.write_text(self.passwords[self.name(user)])
        self.kafka.add_users(self.passwords)
        self.acls = acls_of(script(self.of(User.WORKER).settings), {user: self.name(user) for user in User})
        self.kafka.grant(self.acls)

    def name(self, user: User) -> str:
        """Return the name of a user of this deployment."""
        return f"{self.prefix}{user.lower()}"

    def of(self, user: User) -> Deployment:
        """Return the deployment as this user sees it; the test's own look at topics goes by the plain listener."""
        access = self.kafka.environ(self.name(user), self.files[user])
        return Deployment(self.kafka.plain, self.prefix, self.folder, more={**access, **self.more})

    def granted(self, user: User) -> set[tuple[str, str, str]]:
        """Return what the list grants a user, in the words of the authorizer's log."""
        principal = f"User:{self.name(user)}"
        return {
            (self.name(user), acl.operation.name, acl.resource_pattern.resource_name)
            for acl in self.acls
            if acl.principal == principal
        }


def run(guarded: Guarded, user: User, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command as this user."""
    command = [sys.executable, "-m", "streams", *arguments]
    environ = {**os.environ, **guarded.of(user).environ}
    return subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def guarded(secure: SecureKafka, topic_prefix: str, tmp_path: Path) -> Guarded:
    return Guarded(secure, topic_prefix, tmp_path, {"POLLWATCH_WORKER_LOG_LEVEL": "debug"})


def test_with_the_list_everything_works_every_line_of_it_is_needed_and_no_password_is_shown(
    guarded: Guarded, tmp_path: Path
) -> None:
    created = run(guarded, User.OPERATOR, "topics")
    assert created.returncode == 0, created.stderr
    worker_side, recorded = guarded.of(User.WORKER), write(tmp_path / "story.jsonl", _LINES)
    with WorkerProcess(worker_side) as worker:
        worker.wait_until_ready()
        command_lines = [Path(f"/proc/{pid}/cmdline").read_text() for pid in family(worker.pid)]
        sent = run(guarded, User.SENDER, "replay", str(recorded), "--speed", "max")
        assert sent.returncode == 0, sent.stderr
        worker_side.wait_until_settled(worker)
        erased = run(guarded, User.ERASER, "erase", "somebody")
        assert erased.returncode == 0, erased.stderr
        assert worker.metrics()["pollwatch_snapshots_total"] >= 2
        pages = [worker.get(path)[1] for path in ("/metrics", "/healthz", "/readyz")]
        worker.stop()
    assert_shown_nowhere(guarded, worker, *command_lines, *pages)
    with WorkerProcess(worker_side) as worker:
        worker.wait_until_ready()
        wait_until(lambda: "of them with state" in worker.log(), "state restored")
        worker.stop()
    alerts = worker_side.alerts()
    assert alerts
    with tailing(guarded) as said:
        wait_until(lambda: all(name in said() for name in alerts), "all alerts told")
    notify_without_a_word_of_its_password(guarded)
    review_without_a_word_of_its_password(guarded, next(iter(alerts.values()))["data"]["case_id"])
    allowed = guarded.kafka.allowed()
    for user in User:
        assert guarded.granted(user) - allowed.keys() == set(), "granted and never needed"


def test_whatever_line_of_the_worker_is_missing_it_says_so(guarded: Guarded) -> None:
    assert run(guarded, User.OPERATOR, "topics").returncode == 0
    settings = guarded.of(User.WORKER).settings
    assert missing_rights(settings) == []
    lines = {grant: acl for grant, acl in zip(grants(settings), guarded.acls, strict=True) if grant.user is User.WORKER}
    assert len(lines) > 10
    for grant, acl in lines.items():
        guarded.kafka.take_away(acl)
        assert missing_rights(settings) == [grant]
        guarded.kafka.grant([acl])


def test_a_worker_says_what_it_may_not_do_and_does_it_when_it_may(guarded: Guarded) -> None:
    assert run(guarded, User.OPERATOR, "topics").returncode == 0
    side = guarded.of(User.WORKER)
    group, alerts = side.group, side.topic(TopicRole.ALERTS)
    lines = {acl.resource_pattern.resource_name: acl for acl in guarded.acls if acl.principal.endswith(".worker")}
    for name in (group, alerts):
        guarded.kafka.take_away(lines[name])
    with WorkerProcess(side) as worker:
        wait_until(lambda: worker.get("/readyz")[0] == 503, "the worker waiting")
        user = f"ERROR streams.commands.worker: user {guarded.name(User.WORKER)} may not"
        assert f"{user} Read on group {group}: " in worker.log()
        assert f"{user} Write on topic {alerts}: " in worker.log()
        assert worker.log().count(" may not ") == 2
        guarded.kafka.grant([lines[group]])
        worker.wait_until_ready()
        Feed(Deployment(guarded.kafka.plain, guarded.prefix, guarded.folder), _LINES).send(1)
        wait_until(lambda: worker.runs() and worker.metrics()["pollwatch_sink_failures_total"] > 0, "a refused alert")
        assert not side.alerts()
        guarded.kafka.grant([lines[alerts]])
        side.wait_until_settled(worker)
        worker.stop()
    assert side.alerts()


def assert_shown_nowhere(guarded: Guarded, worker: WorkerProcess, *shown: str) -> None:
    """Fail when the worker's password is in what was shown, in what the worker logged, or in what its settings look like."""
    checked, settings = run(guarded, User.WORKER, "check-config"), guarded.of(User.WORKER).settings
    assert checked.returncode == 0
    everything = [*shown, worker.log(), checked.stdout, checked.stderr, repr(settings), str(settings.dump())]
    assert all(everything)
    password = guarded.passwords[guarded.name(User.WORKER)]
    assert [text for text in everything if password in text] == []


def notify_without_a_word_of_its_password(guarded: Guarded) -> None:
    """Run `notify` for a target of each topic until it reads them; fail when it lacks a right or shows its password."""
    targets, secret, side = guarded.folder / "targets.toml", guarded.folder / "webhook-secret", guarded.of(User.NOTIFIER)
    secret.write_text("0123456789abcdef" * 2)
    one = f'format = "generic"\nurl = "http://127.0.0.1:1/"\nsecret_file = "{secret}"\nsends = '
    targets.write_text("".join(f'[{sends}]\n{one}"{sends}"\n' for sends in ("alerts", "moderation")))
    side.environ["POLLWATCH_NOTIFY_TARGETS"] = str(targets)
    readable = {(side.settings.kafka.sasl_username, "READ", side.topic(role)) for role in (TopicRole.ALERTS, TopicRole.MODERATION)}
    with WorkerProcess(side, script=("-m", "streams", "notify")) as process:
        process.wait_until_ready()
        wait_until(lambda: readable <= guarded.kafka.allowed().keys(), "both topics read")
        process.stop()
    assert " may not " not in process.log()
    assert guarded.passwords[guarded.name(User.NOTIFIER)] not in process.log()


def review_without_a_word_of_its_password(guarded: Guarded, case_id: str) -> None:
    """Look at a case in the console and decide on it, as the reviewer."""
    reviewer = guarded.of(User.REVIEWER)
    with running(reviewer.environ, guarded.folder) as console:
        console.shows("/", "Up to date")
        csrf = console.visitor.sign_in(TOKEN)
        page = console.get("/decisions", {"csrf": csrf, "case": case_id, "decision": "disputed"})
        assert "Decided." in page
        console.shows(f"/cases/{case_id}", "<strong>disputed</strong> by Ann")
        assert guarded.passwords[guarded.name(User.REVIEWER)] not in console.log.read_text() + page


@contextmanager
def tailing(guarded: Guarded) -> Iterator[Callable[[], str]]:
    """Run `tail` as the reader; yield what tells what it has said."""
    out = guarded.folder / "tail.out"
    command = [sys.executable, "-m", "streams", "tail", "--from-start"]
    environ = {**os.environ, **guarded.of(User.READER).environ}
    with out.open("wb") as file, subprocess.Popen(command, env=environ, cwd=ROOT, stdout=file, stderr=file) as process:
        try:
            yield out.read_text
        finally:
            process.kill()


def test_a_password_that_is_refused_is_not_shown_either(guarded: Guarded) -> None:
    guarded.more.update({"POLLWATCH_KAFKA_SASL_PASSWORD_FILE": "", "KAFKA_SASL_PASSWORD": "not-the-password"})
    with WorkerProcess(guarded.of(User.WORKER)) as worker:
        wait_until(lambda: worker.exit_code is not None, "an end")
    assert worker.exit_code == 1
    assert f"or it does not let user {guarded.name(User.WORKER)} in" in worker.log().splitlines()[-1]
    assert "not-the-password" not in worker.log()
