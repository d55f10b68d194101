"""Recordings are read whole, in order and in pieces, and whatever is wrong with a file is one line."""

import gzip
import random
from pathlib import Path

import numpy as np
import pytest
import zstandard

from streams import recording
from streams.decode import Decoder, Kind
from streams.placing import place
from streams.recording import RecordingError, chunks, partition_of

TEXT = b"".join(b'{"n": %d}\n' % n for n in range(50_000))
PACKED = {
    "plain.jsonl": TEXT,
    "packed.jsonl.gz": gzip.compress(TEXT),
    "two.jsonl.gz": gzip.compress(TEXT[:2000]) + gzip.compress(TEXT[2000:]),
    "packed.jsonl.zst": zstandard.compress(TEXT),
    "two.jsonl.zst": zstandard.compress(TEXT[:2000]) + zstandard.compress(TEXT[2000:]),
}


def written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def read(path: Path, lines_per_chunk: int = 1000) -> tuple[list[bytes], str]:
    """Return every line that came, and the error at the end, if any, without the folder."""
    lines: list[bytes] = []
    message = ""
    try:
        for chunk in chunks(path, lines_per_chunk):
            assert 0 < len(chunk) <= lines_per_chunk
            lines += chunk
    except RecordingError as error:
        message = str(error).replace(f"{path.parent}/", "")
    assert "\n" not in message
    return lines, message


@pytest.mark.parametrize("name", PACKED)
def test_lines_come_in_order_whatever_packs_them(tmp_path: Path, name: str) -> None:
    assert read(written(tmp_path, name, PACKED[name])) == (TEXT.splitlines(), "")


@pytest.mark.parametrize("lines_per_chunk", [1, 7, 49_999, 50_000, 50_001, 10**6])
def test_all_chunks_but_the_last_are_full(tmp_path: Path, lines_per_chunk: int) -> None:
    sizes = [len(chunk) for chunk in chunks(written(tmp_path, "a.jsonl", TEXT), lines_per_chunk)]
    assert sum(sizes) == 50_000
    assert set(sizes[:-1]) <= {lines_per_chunk}


def test_line_ends_of_every_kind_and_blank_lines_are_no_part_of_a_line(tmp_path: Path) -> None:
    for text in (b"a\nb", b"a\nb\n", b"a\r\nb\r\n", b"\n\na\n\r\n\nb\n\n\n", b"a\nb\r"):
        assert read(written(tmp_path, "a.jsonl", text)) == ([b"a", b"b"], ""), text
    assert read(written(tmp_path, "a.jsonl", b"")) == ([], "")


def test_lines_that_reach_over_blocks_are_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(5)
    lines = [bytes(rng.choices(b"ab\r ", k=rng.randrange(1, 40))).rstrip(b"\r") or b"x" for _ in range(500)]
    path = written(tmp_path, "a.jsonl", b"\r\n".join(lines))
    for block in (1, 2, 3, 7, 50):
        monkeypatch.setattr(recording, "BLOCK_BYTES", block)
        assert read(path) == (lines, ""), block


def test_chunks_of_long_lines_end_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "BLOCK_BYTES", 100)
    monkeypatch.setattr(recording, "CHUNK_BYTES", 250)
    path = written(tmp_path, "a.jsonl", (b"x" * 99 + b"\n") * 10)
    assert [len(chunk) for chunk in chunks(path, 1000)] == [3, 3, 3, 1]


def test_a_file_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    assert read(tmp_path / "none.jsonl") == ([], "none.jsonl: no such file")
    (tmp_path / "folder.jsonl").mkdir()
    assert read(tmp_path / "folder.jsonl") == ([], "folder.jsonl: cannot be read (Is a directory)")


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.zst"])
def test_a_file_that_is_not_what_its_name_says_is_told_so(tmp_path: Path, name: str) -> None:
    lines, error = read(written(tmp_path, name, TEXT))
    assert lines == []
    assert (
        error == f"{name}: not in the format its name says, or damaged; the lines before the damage were read"
    )


@pytest.mark.parametrize("name", ["packed.jsonl.gz", "packed.jsonl.zst", "two.jsonl.gz", "two.jsonl.zst"])
def test_a_cut_off_file_says_so_after_everything_readable(tmp_path: Path, name: str) -> None:
    whole = PACKED[name]
    lines, error = read(written(tmp_path, name, whole[: len(whole) * 3 // 4]))
    assert len(lines) > 20_000
    assert lines == TEXT.splitlines()[: len(lines)]
    assert error == f"{name}: cut off: it ends in the middle of the packed data; the lines before were read"


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.zst"])
def test_an_empty_packed_file_is_cut_off_or_empty_but_no_crash(tmp_path: Path, name: str) -> None:
    assert read(written(tmp_path, name, b""))[0] == []


def test_a_line_without_end_is_refused_before_it_fills_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "MAX_LINE_BYTES", 3_000_000)
    path = written(tmp_path, "a.jsonl", b"first\n" + b"x" * 5_000_000)
    lines, error = read(path)
    assert lines == [b"first"]
    assert error == "a.jsonl: a line is longer than 3000000 bytes: no recording in JSON Lines"


def test_every_partition_gets_its_share_of_accounts() -> None:
    account = np.random.default_rng(1).integers(0, 2**64, 8000, dtype=np.uint64)
    counts = np.bincount(partition_of(account, 8), minlength=8)
    assert counts.min() > 800
    assert partition_of(np.array([2**64 - 1], dtype=np.uint64), 7).tolist() == [(2**64 - 1) % 7]


def line(kind: str, account: int, **more: object) -> bytes:
    body = '"option":"yes"' if kind == "vote" else '"text":"No."'
    extra = "".join(f',"{name}":"{value}"' for name, value in more.items())
    return (
        f'{{"type":"{kind}","event_id":"e{account}","poll_id":"p","account_id":"a{account}","ts":1,{body}{extra}}}'
    ).encode()


def test_lines_of_one_account_go_to_one_partition_of_each_topic() -> None:
    decoder = Decoder(bytes(16), 1_000_000, None, 0)
    lines = [line(kind, account) for account in range(200) for kind in ("vote", "reply", "vote")]
    decoded = decoder.recording(lines)
    placed = place(lines, decoded, decoder, 8, 3)
    assert placed.kind.tolist() == [Kind.VOTE, Kind.REPLY, Kind.VOTE] * 200
    assert placed.partition.reshape(200, 3).T[0].tolist() == partition_of(decoded.account[::3], 8).tolist()
    assert placed.partition.reshape(200, 3).T[1].tolist() == partition_of(decoded.account[::3], 3).tolist()
    assert set(placed.partition[placed.kind == Kind.VOTE]) == set(range(8))


def test_a_line_that_is_refused_goes_where_it_is_refused_again() -> None:
    decoder = Decoder(bytes(16), 1_000_000, None, 0)
    lines = [
        line("vote", 1),
        b"not json",
        line("vote", 2).replace(b'"vote"', b'"like"'),
        line("reply", 3).replace(b'"type":"reply",', b""),
        line("vote", 4).replace(b'"ts":1', b'"ts":"x"'),
    ]
    decoded = decoder.recording(lines)
    placed = place(lines, decoded, decoder, 5, 5)
    assert placed.kind.tolist() == [Kind.VOTE, Kind.VOTE, Kind.REPLY, Kind.VOTE, Kind.VOTE]
    for kind in Kind:
        there = [text for text, its in zip(lines[1:], placed.kind[1:], strict=True) if its == kind]
        assert len(decoder.topic(there, kind, np.full(len(there), -1))) == 0
    assert set(placed.partition.tolist()) <= set(range(5))
