"""Files and records that a stranger may have written, read by the commands: an error of one line, or what they say."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import zstandard
from hypothesis import example, given
from hypothesis import strategies as st

from streams import evaluate_files
from streams.alert_line import alert_line, read_alert
from streams.evaluate_files import EvaluateError, read_labels, read_trial
from streams.recording import RecordingError, chunks

TEXTS = st.text(max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
LABELS: dict[str, object] = {"attacks": [{"kind": "k", "poll_ids": ["p"], "start_ms": 1, "end_ms": 2}], "accounts": {}, "bot_votes": {"p": 1}, "polls": {"p": {}}}
ALERT: dict[str, object] = {
    "id": "c:1", "type": "pollwatch.alert.opened.v1", "time": "2022-10-03T16:00:42Z",
    "data": {
        "case_id": "c", "revision": 1, "poll_ids": ["p"], "verdict": "mixed", "severity": "warning", "score": 2.0,
        "opened_ms": 1, "updated_ms": 2, "summary": "s",
    },
}  # fmt: skip
DEEP = b'{"x": ' + b"[" * 100_000


@st.composite
def spoiled(draw: st.DrawFn, sample: dict[str, object]) -> bytes:
    """Return JSON like a sample, with something else in some places."""
    made = dict(sample)
    for name in draw(st.lists(st.sampled_from(sorted(sample)), max_size=2)):
        made[name] = draw(JSON)
    if isinstance(sample.get("data"), dict) and isinstance(made.get("data"), dict):
        inner = dict(sample["data"])  # type: ignore[call-overload]
        for name in draw(st.lists(st.sampled_from(sorted(inner)), max_size=2)):
            inner[name] = draw(JSON)
        made["data"] = inner
    return msgspec.json.encode(made)


def anything(sample: dict[str, object]) -> st.SearchStrategy[bytes]:
    return st.one_of(st.binary(max_size=80), JSON.map(msgspec.json.encode), spoiled(sample))


PACKED: dict[str, Callable[[bytes], bytes]] = {".json": bytes, ".json.gz": gzip.compress, ".json.zst": zstandard.compress}


@given(anything(LABELS), st.sampled_from(sorted(PACKED)), st.booleans())
@example(DEEP, ".json", True)
@example(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xff\xff", ".json.gz", False)
def test_labels_are_labels_or_an_error(text: bytes, ending: str, packed: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"labels{ending}"
        file.write_bytes(PACKED[ending](text) if packed else text)
        try:
            assert read_labels(file).attacks is not None
        except EvaluateError as error:
            told = str(error)
            assert told.startswith(f"{file}: no labels: ")


def test_labels_that_unpack_to_too_much_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate_files, "_MOST_BYTES", 1_000_000)
    for ending in (".json.gz", ".json.zst"):
        file = tmp_path / f"labels{ending}"
        file.write_bytes(PACKED[ending](bytes(50_000_000)))
        with pytest.raises(EvaluateError, match="more than 1000000 bytes when unpacked"):
            read_labels(file)


@given(st.sampled_from(["alerts.jsonl", "moderation.jsonl", "integrity.jsonl"]), anything(ALERT))
@example("integrity.jsonl", DEEP)
def test_what_a_scan_wrote_is_read_or_an_error(name: str, text: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        for each in ("alerts.jsonl", "moderation.jsonl", "integrity.jsonl"):
            (path / each).write_bytes(text if each == name else b"")
        (path / "labels.json").write_bytes(msgspec.json.encode(LABELS))
        try:
            read_trial(path, path / "labels.json")
        except EvaluateError:
            return


@given(st.binary(max_size=300), st.sampled_from([".jsonl", ".jsonl.gz", ".jsonl.zst"]), st.booleans())
def test_a_recording_is_lines_or_an_error(text: bytes, ending: str, packed: bool) -> None:
    pack = PACKED[ending.replace("jsonl", "json")]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"recording{ending}"
        file.write_bytes(pack(text) if packed else text)
        try:
            lines = [line for chunk in chunks(file, 7) for line in chunk]
        except RecordingError:
            assert ending != ".jsonl"
            return
    if packed:
        assert lines == [line.removesuffix(b"\r") for line in text.split(b"\n") if line.strip(b"\r")] or b"\r" in text


@given(anything(ALERT))
@example(DEEP)
def test_a_record_of_the_alerts_is_a_line_that_obeys_nobody_or_no_alert(value: bytes) -> None:
    try:
        alert = read_alert(value)
    except msgspec.DecodeError:
        return
    shown = alert_line(alert).plain
    assert shown.isprintable()
