"""The scores of scans as a page of a terminal. Knows nothing of how they came about."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from streams.evaluate import KindScore, Scores, Shares, WrongCase
from streams.evaluate_calibration import Calibration
from streams.terminal import visible

_MOST_POLLS = 12
_MOST_CASES = 5


def page(scores: Scores) -> RenderableType:
    """Return everything that was scored."""
    parts: list[RenderableType] = [Text("\n".join(_accounts(scores)))]
    parts += _wrong_cases(scores.wrong_cases)
    if scores.kinds:
        parts += [Text(), _kinds(scores)]
    return Group(*parts, Text(), Text("\n".join(_polls(scores))), Text(), *_confidence(scores.calibration))


def _accounts(scores: Scores) -> Iterator[str]:
    accounts = scores.accounts
    worlds = "1 world" if scores.worlds == 1 else f"{scores.worlds:,} worlds"
    yield f"{worlds}, {scores.polls:,} polls, {scores.organic_polls:,} of them without an attack"
    yield ""
    yield f"accounts accused     {accounts.accused:,}, precision {_part(accounts.precision, 4)}"
    yield f"innocents accused    {accounts.innocents:,} at the end, {accounts.innocents_ever:,} ever"
    if accounts.victims:
        yield f"named as taken over  {accounts.victims:,} (count neither way)"


def _wrong_cases(wrong: Sequence[WrongCase]) -> Iterator[RenderableType]:
    """Say which cases accuse most innocents, so that they can be looked at."""
    for case in sorted(wrong, key=lambda one: -one.innocents)[:_MOST_CASES]:
        polls = ", ".join(visible(poll_id, 40) for poll_id in case.poll_ids[:3])
        more = f" and {len(case.poll_ids) - 3} more" if len(case.poll_ids) > 3 else ""
        yield Text(f"  {case.innocents:,} of {case.accused:,} in case {visible(case.case_id, 40)} ({polls}{more})")


def _kinds(scores: Scores) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("attack", no_wrap=True)
    for column in ("accounts", "recall", "polls\ncalled", "told", "delay:\nmedian", "\nlongest", "share\nerror", "covered"):
        table.add_column(column, justify="right", no_wrap=True)
    for kind, score in scores.kinds.items():
        table.add_row(visible(kind, 24), *_kind(score))
    return table


def _kind(score: KindScore) -> list[str]:
    return [
        f"{score.accounts:,}" if score.accounts else "–",
        _part(score.recall),
        f"{score.polls_called} of {score.polls}",
        f"{score.told} of {score.attacks}",
        _seconds(score.median_delay_s),
        _seconds(score.delays_s[-1] if score.delays_s else None),
        _part(score.shares.error, 4),
        _part(score.shares.coverage),
    ]


def _polls(scores: Scores) -> Iterator[str]:
    called = scores.organic_called
    named = ", ".join(visible(poll_id, 40) for poll_id in called[:_MOST_POLLS])
    more = f" and {len(called) - _MOST_POLLS} more" if len(called) > _MOST_POLLS else ""
    yield f"polls without an attack called coordinated or mixed  {len(called)} of {scores.organic_polls:,}" + (
        f": {named}{more}" if called else ""
    )
    yield f"suspect share of polls without an attack             {_shares(scores.organic_shares)}"
    yield f"suspect share of all polls                           {_shares(scores.shares)}"
    if scores.polls_without_estimate:
        yield f"polls without an estimate                            {scores.polls_without_estimate:,}"


def _shares(shares: Shares) -> str:
    return f"mean absolute error {_part(shares.error, 4)}, 95 % intervals cover {_part(shares.coverage)}"


def _confidence(found: Calibration) -> Iterator[RenderableType]:
    verdicts = ", ".join(f"{number:,} {verdict}" for verdict, number in found.verdicts.items()) or "none"
    yield Text(f"cases at the end     {verdicts}")
    yield Text(f"calibration error    {_part(found.error, 4)} over {found.cases:,} cases that claim something")
    yield Text(f"                     {_part(found.error_by_poll, 4)} if organic is wrong wherever the poll was ever attacked")
    if not found.bins:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("confidence", "right", "cases"):
        table.add_column(column, justify="right")
    for one in found.bins:
        table.add_row(_part(one.confidence, 2), _part(one.right, 2), f"{one.cases:,}")
    yield Text()
    yield table


def _part(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _seconds(value: float | None) -> str:
    if value is None or math.isinf(value):
        return "–"
    return f"{value:.1f} s" if value < 120 else f"{value / 60:.0f} min"
