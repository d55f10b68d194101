"""What every detector here owes its callers: cuts, restarts and numbering change nothing; input is only read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from detectors.columns import Int64s, VoteCells
from detectors.rate.detector import RateDetector, RateFinding, RateParams, RateStep, WindowScores
from lab.traffic import BEGIN_MS, Votes, cells, cut, drawn, fading, joined, surge

PARAMS = RateParams(quiet_ms=3_600_000)
END_MS = BEGIN_MS + 8 * 3_600_000
NOTHING = cut(cells(Votes(*(np.zeros(1, np.int64),) * 3), 250), 1, 2)


@dataclass
class Heard:
    """All that a detector said while it was advanced."""

    findings: list[RateFinding] = field(default_factory=list)
    windows: list[WindowScores] = field(default_factory=list)
    quiet: list[int] = field(default_factory=list)

    def add(self, step: RateStep) -> None:
        self.findings += step.findings
        self.quiet += step.quiet
        if step.windows is not None:
            self.windows.append(step.windows)

    def column(self, name: str) -> list[object]:
        values: list[object] = np.concatenate([getattr(part, name) for part in self.windows]).tolist()
        return values

    def said(self) -> tuple[object, ...]:
        columns = [self.column(name) for name in WindowScores.__slots__]
        return self.findings, columns, sorted(set(self.quiet))


def watched() -> RateDetector:
    return RateDetector(PARAMS, keep_scores=True)


def play(detector: RateDetector, all_cells: VoteCells, stops_ms: list[int]) -> Heard:
    heard = Heard()
    for from_ms, until_ms in pairwise(stops_ms):
        heard.add(detector.advance(cut(all_cells, from_ms, until_ms), until_ms))
    return heard


def eventful(seed: int) -> Votes:
    """Six polls that launch and fade within three hours, a flood, a drip, and one that comes back after a long silence."""
    rng = np.random.default_rng(seed)
    launches = drawn(rng, fading(rng, 6, 540))
    hour_ms = 3_600_000
    flood = surge(rng, 0, 0, BEGIN_MS + 2 * hour_ms + 40_000, 20, 90)
    drip = surge(rng, 1, 0, BEGIN_MS + hour_ms, 0.2, 5400)
    back = surge(rng, 2, 1, BEGIN_MS + 6 * hour_ms + 12_345, 5, 120)
    return joined(launches, flood, drip, back)


def stops(rng: np.random.Generator, count: int) -> list[int]:
    inner: Int64s = BEGIN_MS + rng.integers(1, (END_MS - BEGIN_MS) // 250, count) * 250
    return [BEGIN_MS, *np.unique(inner).tolist(), END_MS]


@given(seed=st.integers(0, 10**6), count=st.sampled_from([1, 10, 300]))
@example(seed=1, count=2000)
@settings(max_examples=12)
def test_how_time_is_cut_into_steps_changes_nothing(seed: int, count: int) -> None:
    all_cells = cells(eventful(seed), PARAMS.tick_ms)
    whole = play(watched(), all_cells, [BEGIN_MS, END_MS])
    parts = play(watched(), all_cells, stops(np.random.default_rng(seed), count))
    assert parts.said() == whole.said()


def with_a_forgotten_option(seed: int) -> Votes:
    """A poll that is flooded long after its second option got its last vote."""
    rng = np.random.default_rng(seed)
    first = surge(rng, 0, 1, BEGIN_MS, 0.1, 1800)
    second = surge(rng, 0, 0, BEGIN_MS, 0.1, 8 * 3600)
    return joined(first, second, surge(rng, 0, 0, BEGIN_MS + 3 * 3_600_000 + 40_000, 20, 90))


@pytest.mark.parametrize("step_ms", [60_000, 420_000, 1_800_000])
def test_steps_that_end_with_windows_change_nothing(step_ms: int) -> None:
    for seed in range(3):
        for votes in (eventful(seed), with_a_forgotten_option(seed)):
            all_cells = cells(votes, PARAMS.tick_ms)
            whole = play(watched(), all_cells, [BEGIN_MS, END_MS])
            parts = play(RateDetector(PARAMS), all_cells, [*range(BEGIN_MS, END_MS, step_ms), END_MS])
            assert parts.findings == whole.findings, f"seed {seed}"
            assert parts.findings != []


@given(seed=st.integers(0, 10**6))
@settings(max_examples=12)
def test_a_restored_detector_continues_identically(seed: int) -> None:
    rng = np.random.default_rng(seed)
    all_cells = cells(eventful(seed), PARAMS.tick_ms)
    whole = play(watched(), all_cells, [BEGIN_MS, END_MS])
    parts, detector = Heard(), watched()
    for from_ms, until_ms in pairwise(stops(rng, 6)):
        parts.add(detector.advance(cut(all_cells, from_ms, until_ms), until_ms))
        kept = msgspec.msgpack.decode(msgspec.msgpack.encode(detector.snapshot()))
        detector = watched()
        detector.restore(kept)
    assert parts.said() == whole.said()


def test_the_story_that_these_tests_tell_has_every_kind_and_phase() -> None:
    heard = play(watched(), cells(eventful(1), PARAMS.tick_ms), [BEGIN_MS, END_MS])
    assert {found.kind for found in heard.findings} == {"vote_spike", "slow_drip"}
    assert {found.phase for found in heard.findings} == {"opened", "update", "calm"}
    assert {2} <= set(heard.quiet)


@given(seed=st.integers(0, 10**6))
@settings(max_examples=8)
def test_numbering_the_polls_otherwise_changes_only_the_numbers(seed: int) -> None:
    votes = eventful(seed)
    other = np.random.default_rng(seed).permutation(1000)[:6]
    renamed = Votes(votes.ts_ms, other[votes.poll], votes.option)
    first = play(watched(), cells(votes, 250), [BEGIN_MS, END_MS]).findings
    second = play(watched(), cells(renamed, 250), [BEGIN_MS, END_MS]).findings
    expected = sorted((replace(found, poll=int(other[found.poll])) for found in first), key=lambda f: (f.at_ms, f.poll))
    assert [(f.poll, f.kind, f.phase, f.at_ms, f.observed) for f in second] == [
        (f.poll, f.kind, f.phase, f.at_ms, f.observed) for f in expected
    ]
    assert [f.score for f in second] == pytest.approx([f.score for f in expected])


def test_to_ask_what_is_expected_and_suspected_changes_nothing() -> None:
    all_cells = cells(eventful(5), PARAMS.tick_ms)
    whole, asked, detector, most = play(watched(), all_cells, [BEGIN_MS, END_MS]), Heard(), watched(), 0.0
    for from_ms, until_ms in pairwise(stops(np.random.default_rng(5), 300)):
        asked.add(detector.advance(cut(all_cells, from_ms, until_ms), until_ms))
        detector.expected_per_s(np.arange(8)[:: 1 + until_ms // 250 % 3])
        most = max(most, *detector.scores_of(detector.suspected()).tolist(), 0.0)
    assert asked.said() == whole.said()
    assert most > 1


def test_what_is_expected_is_the_rate_of_the_past_and_nothing_in_the_first_window_or_of_the_unknown() -> None:
    rng = np.random.default_rng(8)
    steady = joined(surge(rng, 0, 0, BEGIN_MS, 2.0, 3600), surge(rng, 1, 0, BEGIN_MS + 3_590_000, 5.0, 10))
    detector, now_ms = watched(), BEGIN_MS + 3_600_000 - 250
    detector.advance(cut(cells(steady, PARAMS.tick_ms), BEGIN_MS, now_ms), now_ms)
    expected = detector.expected_per_s(np.array([0, 1, 99]))
    assert expected[0] == pytest.approx(2.0, rel=0.15)
    assert np.isnan(expected[1:]).all()


def test_cells_are_only_read() -> None:
    all_cells = cells(eventful(3), PARAMS.tick_ms)
    for name in VoteCells.__slots__:
        getattr(all_cells, name).flags.writeable = False
    play(watched(), all_cells, [BEGIN_MS, BEGIN_MS + 3_600_000, END_MS])


def test_when_records_arrived_changes_no_finding() -> None:
    votes = eventful(4)
    early = cells(votes, 250)
    late = replace(early, arrived_ms=early.tick_ms + 7)
    first, second = (play(watched(), one, [BEGIN_MS, END_MS]).findings for one in (early, late))
    assert [replace(found, arrived_ms=0) for found in second] == first
    assert all(found.arrived_ms > 0 for found in second if found.phase == "opened")


def test_no_votes_say_nothing_and_keep_nothing() -> None:
    detector = watched()
    heard = play(detector, NOTHING, [BEGIN_MS, BEGIN_MS + 60_000, END_MS])
    assert heard.findings == []
    assert heard.column("poll") == []
    assert len(detector) == 0


def test_quiet_polls_give_their_state_back_and_are_named_once() -> None:
    rng = np.random.default_rng(5)
    detector = RateDetector(PARAMS)
    votes = drawn(rng, np.full((300, 30), 0.05))
    heard = play(detector, cells(votes, 250), [BEGIN_MS, BEGIN_MS + 600_000])
    assert len(detector) > 300
    heard.add(detector.advance(NOTHING, END_MS))
    assert sorted(heard.quiet) == np.unique(votes.poll).tolist()
    assert len(detector) == 0
    assert len(msgspec.msgpack.encode(detector.snapshot())) < 1000 + 5 * 300


def test_state_stays_under_its_bound() -> None:
    rng = np.random.default_rng(6)
    detector = RateDetector(PARAMS)
    polls = 2000
    votes = drawn(rng, np.full((polls, 9), 0.05))
    detector.advance(cells(votes, 250), BEGIN_MS + 180_000)
    assert len(detector) <= polls * 5
    assert len(msgspec.msgpack.encode(detector.snapshot())) < len(detector) * 400 + len(votes) * 48 + polls * 8


def test_a_forgotten_poll_number_may_stand_for_another_poll() -> None:
    rng = np.random.default_rng(7)
    detector = watched()
    before = surge(rng, 0, 0, BEGIN_MS, 0.05, 7200)
    detector.advance(cells(before, 250), BEGIN_MS + 7_200_000)
    detector.forget(np.array([0]))
    assert len(detector) == 0
    launch = surge(rng, 0, 0, BEGIN_MS + 7_200_000, 30, 50)
    assert detector.advance(cells(launch, 250), BEGIN_MS + 7_260_000).findings == []


@pytest.mark.parametrize("step_ms", [250, 1_000, 50_000])
def test_a_poll_that_takes_the_place_of_a_forgotten_one_within_a_window_is_judged_by_its_own_past(step_ms: int) -> None:
    rng, back_ms = np.random.default_rng(11), BEGIN_MS + 4 * 3_600_000
    past, launch = surge(rng, 5, 0, BEGIN_MS, 1, 60), surge(rng, 1, 0, back_ms, 20, 5)
    flood = surge(rng, 5, 0, back_ms + 20_000, 200, 2)
    all_cells, detector = cells(joined(past, launch, flood), 250), watched()
    play(detector, all_cells, [BEGIN_MS, *range(back_ms, back_ms + 10_001, 250)])
    detector.forget(np.array([1]))
    heard = play(detector, all_cells, [*range(back_ms + 10_000, back_ms + 60_001, step_ms)])
    assert [(one.poll, one.phase) for one in heard.findings if one.at_ms < back_ms + 60_000] == [(5, "opened")]


def test_every_poll_has_one_row_for_each_closed_window_since_its_first_vote() -> None:
    at_ms = np.array([90_000, 95_000, 400_000]) + BEGIN_MS
    heard = play(watched(), cells(Votes(at_ms, np.zeros(3, np.int64), np.zeros(3, np.int64)), 250), [BEGIN_MS, BEGIN_MS + 600_000])
    assert heard.column("start_ms") == list(range(BEGIN_MS + 60_000, BEGIN_MS + 600_000, 60_000))
    assert heard.column("votes") == [2, 0, 0, 0, 0, 1, 0, 0, 0]


def test_time_does_not_go_back_and_cells_lie_in_their_step() -> None:
    detector = watched()
    detector.advance(NOTHING, BEGIN_MS + 1000)
    with pytest.raises(ValueError, match="not go back"):
        detector.advance(NOTHING, BEGIN_MS)
    with pytest.raises(ValueError, match="multiple of 250"):
        detector.advance(NOTHING, BEGIN_MS + 1001)
    one = cells(surge(np.random.default_rng(8), 0, 0, BEGIN_MS + 5000, 5, 2), 250)
    with pytest.raises(ValueError, match="must lie in"):
        detector.advance(one, BEGIN_MS + 5000)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("window_ms", 10, "window_ms must be 1000 to 86400000, not 10"),
        ("tick_ms", 7000, "tick_ms must be 50 or more and divide window_ms, not 7000"),
        ("false_alarms_per_poll_day", 0.0, "false_alarms_per_poll_day must be 1e-9 to 10, not 0.0"),
        ("min_excess_votes", 0, "min_excess_votes must be 1 or more, not 0"),
        ("calm_ms", 0, "calm_ms must be 1 or more, not 0"),
        ("quiet_ms", 60_000, "quiet_ms must be 10 windows or more, not 60000"),
        ("hold_windows", 1, "hold_windows must be 2 or more, not 1"),
    ],
)
def test_a_setting_out_of_bounds_is_refused_with_its_value(name: str, value: float, says: str) -> None:
    with pytest.raises(ValueError, match=f"^{says}$"):
        replace(RateParams(), **{name: value})  # type: ignore[arg-type]
