"""Reads what a scan wrote and the truth about its recording, for scoring. Fields that scoring does not need are passed over."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Literal, TypeVar

import msgspec
import zstandard

from streams.pseudonyms import MARK

Verdict = Literal["organic", "coordinated", "mixed", "insufficient"]


class Span(msgspec.Struct, frozen=True):
    """Event time from `start_ms` to `end_ms`."""

    start_ms: int
    end_ms: int


class Attack(msgspec.Struct, frozen=True):
    """One campaign. Of `level` "poll" only its polls can be judged; `spacing` is that of a hijacking, where it is known."""

    kind: str
    poll_ids: list[str]
    start_ms: int
    end_ms: int
    level: Literal["account", "poll"] = "account"
    spacing: str = ""
    polls: dict[str, Span] = {}

    def span(self, poll_id: str) -> Span:
        """Return when it worked this poll, as closely as the labels tell."""
        return self.polls.get(poll_id, Span(self.start_ms, self.end_ms))


class Labels(msgspec.Struct, frozen=True):
    """The truth: attacks, the kind of each account that took part, votes of attacks for each poll, and all polls."""

    attacks: list[Attack]
    accounts: dict[str, str]
    bot_votes: dict[str, int]
    polls: dict[str, object]


class CaseSaid(msgspec.Struct, frozen=True):
    """What scoring needs of a revision of a case."""

    case_id: str
    revision: int
    poll_ids: list[str]
    verdict: Verdict
    confidence: float
    updated_ms: int
    window: Span
    merged_into: str | None = None


class _Alert(msgspec.Struct, frozen=True):
    data: CaseSaid


class Account(msgspec.Struct, frozen=True):
    """An account of a moderation item."""

    account_id: str
    score: float
    reasons: list[str] = []


class Item(msgspec.Struct, frozen=True):
    """What scoring needs of a moderation item; parts count from 1."""

    case_id: str
    revision: int
    part: int
    parts: int
    accounts: list[Account]
    cleared: list[str] = []


class Estimate(msgspec.Struct, frozen=True):
    """What scoring needs of a poll's last state."""

    poll_id: str
    votes: int
    suspect_votes: float
    suspect_share_low: float
    suspect_share_high: float


class Trial(msgspec.Struct, frozen=True):
    """One scan and the truth about what it scanned; alerts and items in the order in which they were written."""

    labels: Labels
    alerts: list[CaseSaid]
    items: list[Item]
    estimates: list[Estimate]


class EvaluateError(Exception):
    """A file that is missing or is not what it should be: one line that names it."""


class _TooLarge(ValueError):
    pass


_T = TypeVar("_T", bound=msgspec.Struct)
# the parser says so of text that is not UTF-8, and of brackets without end, too
_NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_MOST_BYTES = 1 << 30
"""Labels of a hundred million votes are smaller: a file that unpacks to more is not what its name says."""


def read_trial(folder: Path, labels: Path) -> Trial:
    """Read the folder a scan wrote and the labels of its recording (plain, .gz or .zst); raise EvaluateError."""
    alerts = [alert.data for alert in _lines(folder / "alerts.jsonl", _Alert)]
    items = _lines(folder / "moderation.jsonl", Item)
    if any(account.account_id.startswith(MARK) for item in items for account in item.accounts):
        todo = 'scan with privacy.moderation_ids = "kept"'
        raise EvaluateError(f"{folder / 'moderation.jsonl'}: names pseudonyms, which labels don't know: {todo}")
    estimates = _lines(folder / "integrity.jsonl", Estimate)
    return Trial(read_labels(labels), alerts, items, estimates)


def read_labels(path: Path) -> Labels:
    """Read the truth about a recording; raise EvaluateError."""
    try:
        return msgspec.json.decode(_unpacked(path), type=Labels)
    except (OSError, EOFError, zlib.error, zstandard.ZstdError, _TooLarge, *_NOT_JSON) as error:
        raise EvaluateError(f"{path}: no labels: {_in_words(error)}") from error


def _lines(path: Path, of: type[_T]) -> list[_T]:
    decoder = msgspec.json.Decoder(of)
    try:
        return decoder.decode_lines(path.read_bytes())
    except (OSError, *_NOT_JSON) as error:
        raise EvaluateError(f"{path}: not what scan writes: {_in_words(error)}") from error


def _bounded(plain: bytes) -> bytes:
    if len(plain) > _MOST_BYTES:
        raise _TooLarge(f"more than {_MOST_BYTES} bytes when unpacked")
    return plain


def _unpacked(path: Path) -> bytes:
    if path.suffix == ".gz":
        with gzip.open(path) as file:
            return _bounded(file.read(_MOST_BYTES + 1))
    packed = path.read_bytes()
    if path.suffix == ".zst":
        with zstandard.ZstdDecompressor().stream_reader(packed) as reader:
            return _bounded(reader.read(_MOST_BYTES + 1))
    return packed


def _in_words(error: Exception) -> str:
    return "no such file" if isinstance(error, FileNotFoundError) else str(error)
