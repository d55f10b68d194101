"""What is promised of verdicts, and whether scores keep it. Scores in, verdicts out."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.promises import Verdict
from streams.evaluate import Scores, Shares

PRECISION, COVERAGE = 0.99, 0.9
SHARE_ERROR, CALIBRATION_ERROR = 0.02, 0.05
RECALL = {"flood": 0.97, "undercover": 0.95, "lockstep": 0.95, "pulse": 0.95, "swarm": 0.9, "ring": 0.85, "drip": 0.7}
RECALL_BARE = {"lockstep": 0.85, "ring": 0.85, "pulse": 0.85}
DELAY_S = {"flood": 10.0, "undercover": 30.0, "pulse": 60.0, "hijacked": 30.0}
NOT_TOLD = "(random)"
"""Nothing can tell hijackings with random spacing: nothing is promised of them."""


def judge(scores: Scores) -> list[Verdict]:
    """Judge worlds whose events have all their fields; delays by the median attack of a kind."""
    return [*_precision(scores), *_recalls(scores, RECALL), *_delays(scores), *_shares(scores), *_calibrated(scores)]


def judge_bare(scores: Scores) -> list[Verdict]:
    """Judge worlds without any optional field."""
    return [*_precision(scores), *_recalls(scores, RECALL_BARE)]


def _precision(scores: Scores) -> Iterator[Verdict]:
    if scores.kinds:
        yield _least("precision of accused accounts", scores.accounts.precision, PRECISION)
    called = len(scores.organic_called)
    yield Verdict(f"of {scores.organic_polls:,} organic polls called", called, 0, 0, at_most=True)


def _recalls(scores: Scores, floors: dict[str, float]) -> Iterator[Verdict]:
    for kind, floor in floors.items():
        if kind in scores.kinds:
            yield _least(f"recall, {kind}", scores.kinds[kind].recall, floor)


def _delays(scores: Scores) -> Iterator[Verdict]:
    for kind, floor in DELAY_S.items():
        if kind in scores.kinds:
            yield _most(f"median delay, {kind}, s", scores.kinds[kind].median_delay_s, floor)


def _shares(scores: Scores) -> Iterator[Verdict]:
    told = {kind: score.shares for kind, score in scores.kinds.items() if not kind.endswith(NOT_TOLD)}
    judged: dict[str, Shares] = {"organic": scores.organic_shares, **told}
    for kind, shares in judged.items():
        yield _most(f"share error, {kind}", shares.error, SHARE_ERROR)
    yield _least("share intervals that cover", scores.shares.coverage, COVERAGE)


def _calibrated(scores: Scores) -> Iterator[Verdict]:
    if scores.calibration.error is not None:
        yield _most("calibration error", scores.calibration.error, CALIBRATION_ERROR)


def _least(what: str, found: float | None, floor: float) -> Verdict:
    return Verdict(what, float("nan") if found is None else found, floor, 1.0)


def _most(what: str, found: float | None, floor: float) -> Verdict:
    return Verdict(what, float("nan") if found is None else found, floor, 0.0, at_most=True)
