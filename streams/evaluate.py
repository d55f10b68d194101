"""How well a scan told crowds from scripts: what it wrote against the truth, over one or more worlds. Pure functions.

A poll is attacked if a campaign names it, and either `coordinated` or `mixed` is right for it. Accounts that were taken
over are victims: naming them counts neither way, and of attacks of level "poll" no account is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import median
from typing import NamedTuple

import msgspec

from streams.evaluate_calibration import Calibration, calibration
from streams.evaluate_files import Attack, Estimate, Trial
from streams.evaluate_named import Named, named

CALLED = ("coordinated", "mixed")


class Accounts(msgspec.Struct, frozen=True):
    """`innocents` stand accused at the end; `innocents_ever` were accused in some revision. `precision` null: nobody was."""

    accused: int
    right: int
    innocents: int
    innocents_ever: int
    victims: int
    precision: float | None


class WrongCase(msgspec.Struct, frozen=True):
    """A case that accuses innocents at the end, and how many of those it accuses they are."""

    case_id: str
    poll_ids: list[str]
    accused: int
    innocents: int


class Shares(msgspec.Struct, frozen=True):
    """The suspect share of polls against the truth; `error` is the mean absolute one, `coverage` that of the intervals."""

    polls: int
    error: float | None
    coverage: float | None


class KindScore(msgspec.Struct, frozen=True):
    """One kind of attack. `delays_s` are of the attacks that were told: from the first vote to the first right verdict.

    `median_delay_s` is over all attacks of the kind: infinite (in JSON null) where most were not told.
    """

    attacks: int
    accounts: int
    named: int
    recall: float | None
    polls: int
    polls_called: int
    told: int
    delays_s: list[float]
    median_delay_s: float
    shares: Shares


class Scores(msgspec.Struct, frozen=True):
    """All worlds together; `organic_called` are the polls without an attack that were ever called coordinated or mixed."""

    worlds: int
    polls: int
    polls_without_estimate: int
    accounts: Accounts
    wrong_cases: list[WrongCase]
    kinds: dict[str, KindScore]
    organic_polls: int
    organic_called: list[str]
    organic_shares: Shares
    shares: Shares
    calibration: Calibration


class _Share(NamedTuple):
    kinds: list[str]
    error: float
    covered: bool


def score(trials: Sequence[Trial]) -> Scores:
    """Score scans, pooled."""
    whom = [named(trial.items) for trial in trials]
    shares = [share for trial in trials for share in _shares(trial)]
    kinds = sorted({kind_of(attack) for trial in trials for attack in trial.labels.attacks})
    organic = [(trial, poll_id) for trial in trials for poll_id in trial.labels.polls if not attacks_on(trial, poll_id)]
    polls = sum(len(trial.labels.polls) for trial in trials)
    return Scores(
        worlds=len(trials),
        polls=polls,
        polls_without_estimate=polls - len(shares),
        accounts=_accounts(trials, whom),
        wrong_cases=[case for trial, found in zip(trials, whom, strict=True) for case in _wrong_cases(trial, found)],
        kinds={kind: _kind_score(kind, trials, whom, shares) for kind in kinds},
        organic_polls=len(organic),
        organic_called=[poll_id for trial, poll_id in organic if _called_ms(trial, [poll_id])],
        organic_shares=_pooled(share for share in shares if not share.kinds),
        shares=_pooled(shares),
        calibration=calibration(trials),
    )


def kind_of(attack: Attack) -> str:
    """Return the kind to score an attack under: of hijackings without a clock in them nothing can tell."""
    return f"{attack.kind} (random)" if attack.spacing == "random" else attack.kind


def attacks_on(trial: Trial, poll_id: str) -> list[Attack]:
    """Return the campaigns that name a poll."""
    return [attack for attack in trial.labels.attacks if poll_id in attack.poll_ids]


def _accounts(trials: Sequence[Trial], whom: Sequence[Named]) -> Accounts:
    pairs = list(zip(trials, whom, strict=True))
    right = sum(len(found.accused & _guilty(trial)) for trial, found in pairs)
    innocents = sum(len(found.accused - trial.labels.accounts.keys()) for trial, found in pairs)
    return Accounts(
        accused=sum(len(found.accused) for found in whom),
        right=right,
        innocents=innocents,
        innocents_ever=sum(len(found.ever_accused - trial.labels.accounts.keys()) for trial, found in pairs),
        victims=sum(len(found.victims) for found in whom),
        precision=_share(right, right + innocents),
    )


def _wrong_cases(trial: Trial, found: Named) -> Iterator[WrongCase]:
    polls = {said.case_id: said.poll_ids for said in trial.alerts}
    for case_id, accused in found.by_case.items():
        innocents = len(accused - trial.labels.accounts.keys())
        if innocents:
            yield WrongCase(case_id, polls.get(case_id, []), len(accused), innocents)


def _guilty(trial: Trial, wanted: Callable[[str], bool] = lambda _: True) -> set[str]:
    """Return the accounts to be named, of the kinds wanted: not those that were only taken over."""
    to_name = {attack.kind for attack in trial.labels.attacks if attack.level == "account"}
    return {account for account, kind in trial.labels.accounts.items() if kind in to_name and wanted(kind)}


def _kind_score(kind: str, trials: Sequence[Trial], whom: Sequence[Named], shares: Sequence[_Share]) -> KindScore:
    attacks = [(trial, attack) for trial in trials for attack in trial.labels.attacks if kind_of(attack) == kind]
    guilty = [_guilty(trial, lambda of: of == kind) for trial in trials]
    found = sum(len(one & found.accused) for one, found in zip(guilty, whom, strict=True))
    accounts = sum(map(len, guilty))
    polls = [(trial, poll_id) for trial, attack in attacks for poll_id in attack.poll_ids]
    delays_s = sorted(delay_s for trial, attack in attacks for delay_s in _delay_s(trial, attack))
    return KindScore(
        attacks=len(attacks),
        accounts=accounts,
        named=found,
        recall=_share(found, accounts),
        polls=len(polls),
        polls_called=sum(bool(_called_ms(trial, [poll_id])) for trial, poll_id in polls),
        told=len(delays_s),
        delays_s=delays_s,
        median_delay_s=median([*delays_s, *[math.inf] * (len(attacks) - len(delays_s))]),
        shares=_pooled(share for share in shares if kind in share.kinds),
    )


def _delay_s(trial: Trial, attack: Attack) -> list[float]:
    """Return the seconds from an attack's beginning to the first verdict on one of its polls that is right, or nothing."""
    since = [at_ms for at_ms in _called_ms(trial, attack.poll_ids) if at_ms >= attack.start_ms]
    return [(min(since) - attack.start_ms) / 1000] if since else []


def _called_ms(trial: Trial, poll_ids: Sequence[str]) -> list[int]:
    """Return when, in event time, one of the polls was called coordinated or mixed."""
    wanted = set(poll_ids)
    return [one.updated_ms for one in trial.alerts if one.verdict in CALLED and not wanted.isdisjoint(one.poll_ids)]


def _shares(trial: Trial) -> Iterator[_Share]:
    for estimate in trial.estimates:
        if estimate.poll_id in trial.labels.polls and estimate.votes:
            kinds = [kind_of(attack) for attack in attacks_on(trial, estimate.poll_id)]
            yield _one_share(estimate, trial.labels.bot_votes.get(estimate.poll_id, 0), kinds)


def _one_share(estimate: Estimate, bot_votes: int, kinds: list[str]) -> _Share:
    truth = bot_votes / estimate.votes
    # published shares are rounded
    low, high = estimate.suspect_share_low - 1e-6, estimate.suspect_share_high + 1e-6
    return _Share(kinds, abs(estimate.suspect_votes / estimate.votes - truth), low <= truth <= high)


def _pooled(shares: Iterable[_Share]) -> Shares:
    seen = list(shares)
    return Shares(
        polls=len(seen),
        error=_share(sum(share.error for share in seen), len(seen)),
        coverage=_share(sum(share.covered for share in seen), len(seen)),
    )


def _share(part: float, whole: int) -> float | None:
    return part / whole if whole else None
