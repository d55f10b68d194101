"""With `privacy.key_file` accounts leave as keyed pseudonyms: everywhere but in moderation items, and there if it is wanted."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from alert_schema import valid_item
from hypothesis import given
from hypothesis import strategies as st

from config import ConfigError, Settings, with_overrides
from config.schema import Privacy
from lab.story import PEACE_PLAN, story
from streams.__main__ import main
from streams.evaluate_files import EvaluateError, read_trial
from streams.pseudonyms import MARK, Pseudonyms, pseudonyms
from streams.scan import scan

KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
MARKED = "\u0298"  # a letter that nothing else holds
ids = st.text(min_size=1, max_size=128)


@given(ids, ids)
def test_a_pseudonym_is_marked_short_the_same_again_and_anothers_with_another_key(one: str, other: str) -> None:
    names = Pseudonyms(KEY)
    assert names.of(one).startswith(MARK)
    assert len(names.of(one)) == 23
    assert (names.of(one) == names.of(other)) == (one == other)
    assert names.of(one) == Pseudonyms(KEY).of(one) != Pseudonyms(OTHER_KEY).of(one)
    assert Pseudonyms(None).of(one) == one


def test_a_mention_is_called_as_the_account_is() -> None:
    names = Pseudonyms(KEY)
    assert names.in_text("ask @maria, or mail a@b") == f"ask @{names.of('maria')}, or mail a@{names.of('b')}"
    assert Pseudonyms(None).in_text("ask @maria") == "ask @maria"


@pytest.mark.parametrize("size", [0, 31, 65])
def test_a_key_of_another_length_is_refused_before_anything_is_done(
    tmp_path: Path, size: int, capsys: pytest.CaptureFixture[str]
) -> None:
    key, recording = tmp_path / "key", tmp_path / "r.jsonl"
    key.write_bytes(bytes(size))
    recording.write_bytes(b"")
    settings = with_overrides(Settings(), privacy={"key_file": str(key)})
    with pytest.raises(ConfigError, match=f"has {size} bytes; put 32 to 64 random bytes"):
        scan([recording], settings, tmp_path / "out", False, lambda _: None)
    assert not (tmp_path / "out").exists()
    file = tmp_path / "p.toml"
    file.write_text(f'[privacy]\nkey_file = "{key}"\n')
    assert main(["check-config", str(file)]) == 1
    assert f"privacy.key_file: {key} has {size} bytes" in capsys.readouterr().err


def test_a_key_that_is_not_there_is_one_problem(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        pseudonyms(Privacy(key_file=str(tmp_path / "none")))


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's story, small; all account ids end in MARKED, and whoever votes late in the flooded poll replies to somebody."""
    events = [dict(event, account_id=f"{event['account_id']}{MARKED}") for event in story(1, 1_664_812_800_000, 0.2).events]
    told = []
    for number, event in enumerate(events):
        told.append(event)
        if event["type"] == "vote" and event["poll_id"] == PEACE_PLAN and number > len(events) // 2:
            text = f"@{events[number // 2]['account_id']} this is how it is"
            reply = {name: event[name] for name in ("poll_id", "account_id", "ts")}
            told.append({**reply, "type": "reply", "event_id": f"reply-{number}", "text": text})
    path = tmp_path_factory.mktemp("story") / "story.jsonl"
    path.write_bytes(msgspec.json.Encoder().encode_lines(told))
    return path


def scanned(recording: Path, out: Path, **privacy: str) -> dict[str, str]:
    """Return the files of a scan by name."""
    scan([recording], with_overrides(Settings(), privacy=privacy), out, True, lambda _: None)
    return {path.name: path.read_text() for path in out.iterdir()}


def test_with_a_key_no_id_leaves_but_in_moderation_items_and_there_only_if_kept(
    recording: Path, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_bytes(KEY)
    plain = scanned(recording, tmp_path / "plain")
    kept = scanned(recording, tmp_path / "kept", key_file=str(key))
    all_called = scanned(recording, tmp_path / "all", key_file=str(key), moderation_ids="pseudonyms")

    assert {name for name, text in plain.items() if MARKED in text} == {"moderation.jsonl", "report.html"}
    assert {name for name, text in kept.items() if MARKED in text} == {"moderation.jsonl"}
    assert {name for name, text in all_called.items() if MARKED in text} == set()
    assert MARK in kept["report.html"]
    for name in ("alerts.jsonl", "integrity.jsonl", "scores.csv", "moderation.jsonl"):
        assert kept[name] == plain[name]
    assert all_called["alerts.jsonl"] == plain["alerts.jsonl"]

    names = Pseudonyms(KEY)
    items, called = (list(map(json.loads, of["moderation.jsonl"].splitlines())) for of in (plain, all_called))
    assert any(item["accounts"] for item in items)
    for item in items:
        item["cleared"] = [names.of(one) for one in item["cleared"]]
        for account in item["accounts"]:
            account["account_id"] = names.of(account["account_id"])
    assert called == items
    for item in called:
        valid_item(json.dumps(item).encode())

    labels = tmp_path / "labels.json"
    labels.write_text('{"attacks": [], "accounts": {}, "bot_votes": {}, "polls": {}}')
    assert read_trial(tmp_path / "kept", labels).items
    with pytest.raises(EvaluateError, match="names pseudonyms, which labels don't know"):
        read_trial(tmp_path / "all", labels)
