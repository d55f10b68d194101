"""The targets file: whatever stands in it, it is targets or every mistake at once, and no secret is ever shown."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_config import expected_problems
from test_config_fuzz import VALUES, document

from config import ConfigError, Settings, with_overrides
from config.schema import Notify
from config.target import MOST_TARGETS, Format, OfSeverity, OfVerdict, Sends, Target
from config.targets import check_targets, read_targets
from config.values import hints_of
from detectors.alert import Severity, Verdict
from streams.__main__ import main
from streams.cautions import target_cautions
from streams.notify.access import check_access, read_access

BAD = Path(__file__).parent / "bad_targets"
SECRET = "0123456789abcdef0123456789abcdef"


def notify(path: Path) -> Notify:
    return with_overrides(Settings(), notify={"targets": str(path)}).notify


def written(folder: Path, text: str) -> Notify:
    path = folder / "targets.toml"
    path.write_text(text)
    return notify(path)


@pytest.mark.parametrize("path", sorted(BAD.glob("*.toml")), ids=lambda path: path.stem)
def test_a_bad_file_gives_exactly_the_messages_it_expects(path: Path) -> None:
    found = [str(problem).replace(str(path), "$") for problem in check_targets(notify(path))]
    assert found == expected_problems(path)
    with pytest.raises(ConfigError):
        read_targets(notify(path))


def test_severities_and_verdicts_that_may_be_asked_for_are_those_that_alerts_have() -> None:
    assert set(OfSeverity) == set(get_args(Severity))
    assert set(OfVerdict) == set(get_args(Verdict))


def test_without_a_file_there_are_no_targets() -> None:
    assert read_targets(Notify()) == {}
    assert check_targets(Notify()) == []


def test_targets_come_with_their_defaults_and_coop_gets_moderation_items(tmp_path: Path) -> None:
    targets = read_targets(
        written(
            tmp_path,
            '[pager]\nformat = "generic"\nurl = "https://a.example.org"\nsecret_file = "/s"\nseverities = ["critical"]\n'
            '[queue]\nformat = "coop"\nurl = "http://127.0.0.1:3000/api/v1/report"\napi_key_file = "/k"\n'
            'reporter_type = "u"\nreporter_id = "pollwatch"\nitem_type = "i"\naccount_type = "u"\n',
        )
    )
    assert targets["pager"] == Target(
        format=Format.GENERIC, url="https://a.example.org", secret_file="/s", severities=(OfSeverity.CRITICAL,)
    )
    assert targets["queue"].sends is Sends.MODERATION


def test_more_targets_than_fit_in_a_commit_are_refused(tmp_path: Path) -> None:
    one = '[t{}]\nformat = "slack"\nurl_file = "/u"\n'
    assert check_targets(written(tmp_path, "".join(map(one.format, range(MOST_TARGETS))))) == []
    [problem] = check_targets(written(tmp_path, "".join(map(one.format, range(MOST_TARGETS + 1)))))
    assert problem.what == f"has {MOST_TARGETS + 1} targets"
    longest = json.dumps({f"{number:032}": 10**18 for number in range(MOST_TARGETS)}, separators=(",", ":"))
    assert len(longest) < 4_096, "brokers keep no more beside an offset (offset.metadata.max.bytes)"


KEYS = st.one_of(st.sampled_from(sorted(hints_of(Target))), st.text(max_size=8))
TARGETS = st.dictionaries(
    st.one_of(st.sampled_from(["pager", "chat"]), st.text(max_size=8)),
    st.dictionaries(KEYS, st.one_of(VALUES, st.sampled_from([*Format, *Sends, "https://a.b/c"])), max_size=8),
    max_size=3,
)


@given(st.one_of(TARGETS.map(document), st.binary(max_size=100)))
def test_whatever_stands_there_it_is_targets_or_problems(text: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "targets.toml"
        path.write_bytes(text)
        problems = check_targets(notify(path))
        assert all(problem.where and problem.what and problem.todo for problem in problems)
        if problems:
            with pytest.raises(ConfigError):
                read_targets(notify(path))
        else:
            targets = read_targets(notify(path))
            assert targets
            assert all(map(str, check_access("x", targets)))


def test_what_the_files_hold_is_read_and_never_shown(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\nnext-{SECRET}\n")
    (tmp_path / "url").write_text(f"https://hooks.example.org/{SECRET}\n")
    (tmp_path / "auth").write_text(f"Bearer {SECRET}\n")
    target = Target(
        Format.SLACK, url_file=str(tmp_path / "url"), secret_file=str(tmp_path / "secret"), authorization_file=str(tmp_path / "auth")
    )
    access = read_access("targets.toml", {"chat": target})["chat"]
    assert access.url.reveal() == f"https://hooks.example.org/{SECRET}"
    assert [one.reveal() for one in access.secrets] == [SECRET, f"next-{SECRET}"]
    assert access.authorization.reveal() == f"Bearer {SECRET}"
    assert SECRET not in repr(access) + str(access) + repr(target)


@pytest.mark.parametrize(
    ("key", "content", "what"),
    [
        ("secret_file", None, "cannot be read (No such file or directory)"),
        ("secret_file", b"\n \n", "is empty"),
        ("secret_file", b"\xff\xfe", "cannot be read (not UTF-8)"),
        ("secret_file", b"hunter2", "holds a secret of fewer than 32 characters"),
        ("authorization_file", b"Bearer a\nBearer b", "has 2 lines"),
        ("authorization_file", "Bearer ü".encode(), "holds what can't stand in a header"),
        ("url_file", b"ftp://hunter2.example.org", "holds is no address"),
        ("url_file", b"http://hooks.example.org/hunter2", "is not https"),
        ("ca_file", b"hunter2", "cannot be used"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_not_quoted(tmp_path: Path, key: str, content: bytes | None, what: str) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    [problem] = check_access("targets.toml", {"chat": Target(Format.SLACK, **{key: str(path)})})  # type: ignore[arg-type]
    assert problem.where == f"targets.toml:chat.{key}"
    assert what in problem.what
    assert "hunter2" not in str(problem).replace(str(path), "")


def test_check_config_looks_at_the_targets_and_at_their_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(tmp_path, '[chat]\nformat = "slack"\nurl_file = "/none"\n')
    settings = tmp_path / "pollwatch.toml"
    settings.write_text(f'[notify]\ntargets = "{tmp_path}/targets.toml"\n')
    assert main(["check-config", str(settings)]) == 1
    assert "targets.toml:chat.url_file: /none cannot be read" in capsys.readouterr().err
    written(tmp_path, "[chat]\nformat = 1\n")
    assert main(["check-config", str(settings)]) == 1
    assert "targets.toml:chat.format: 1 cannot be used" in capsys.readouterr().err


def test_a_secret_that_everybody_can_read_and_an_open_way_are_told(tmp_path: Path) -> None:
    secret, address = tmp_path / "secret", tmp_path / "address"
    for path, mode in ((secret, 0o644), (address, 0o600)):
        path.touch()
        path.chmod(mode)
    targets = {
        "chat": Target(Format.SLACK, url_file=str(address), secret_file=str(secret)),
        "am": Target(Format.ALERTMANAGER, url="http://alertmanager:9093/", allow_http=True),
        "here": Target(Format.ALERTMANAGER, url="http://127.0.0.1:9093/"),
    }
    assert target_cautions("t.toml", targets) == [
        f"t.toml:chat.secret_file: {secret} holds a secret and everybody on this machine can read it: chmod o-rwx {secret}",
        "t.toml:am.url: is http, so whoever is on the way can read what is sent, and the keys beside it: use https",
    ]


def test_notify_without_targets_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["notify"]) == 2
    assert capsys.readouterr().err == "pollwatch: notify.targets: is empty; name the file that says whom to post to\n"
