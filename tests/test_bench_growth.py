"""Curves of growth: what is varied, and which slope they have."""

from __future__ import annotations

import json

import pytest

from benchmarks.growth.curves import Curve, Point, padded, points
from benchmarks.growth.fit import exponent, n_log_n
from benchmarks.growth.picture import picture
from benchmarks.growth.run import Measured
from benchmarks.growth.table import section, too_steep
from benchmarks.recording import Traffic, encode_votes, record


def _curve(cpu: list[float], curve: Curve = Curve.POLLS) -> list[Measured]:
    sizes = [10**n for n in range(1, len(cpu) + 1)]
    return [Measured(Point(curve, x), 1e5, y, 1.0, 10**8) for x, y in zip(sizes, cpu, strict=True)]


@pytest.mark.parametrize("curve", Curve)
def test_a_curve_goes_from_small_to_large_and_varies_one_thing(curve: Curve) -> None:
    line = points(curve, 1_000)
    assert [point.x for point in line] == sorted({point.x for point in line})
    assert all((point.live is None) == (curve not in (Curve.DELAY_POLLS, Curve.DELAY_VOTES)) for point in line)


def test_records_become_longer_by_a_field_that_nobody_asked_for() -> None:
    recording = record(Traffic(votes=50, replies=0, polls=2, accounts=20, minutes=1))
    before, after = ([line for _, part in encode_votes(one) for line in part] for one in (recording, padded(recording, 500)))
    assert {len(b) - len(a) for a, b in zip(before, after, strict=True)} == {500}
    for a, b in zip(map(json.loads, before), map(json.loads, after), strict=True):
        assert b.pop("note")
        assert a == b


def test_the_exponent_is_the_slope_of_the_logarithms() -> None:
    assert exponent([1, 10, 100], [3, 300, 30_000]) == pytest.approx(2)
    assert exponent([1, 10, 100], [3, 3, 3]) == pytest.approx(0)
    assert 1 < n_log_n([10, 100_000]) < 1.25


def test_what_grows_faster_than_n_log_n_is_told_and_what_grows_as_n_is_not() -> None:
    assert too_steep(_curve([1, 10, 100])) == []
    assert too_steep(_curve([1, 40, 1_600])) == ["CPU s per million grows faster than n log n by active polls"]


def test_a_curve_is_a_table_with_its_exponents_and_a_panel_of_the_picture() -> None:
    curve = _curve([2.0, 4.0, 8.0])
    text = section(curve)
    assert "| exponent | -0.00 | +0.30 |" in text or "| exponent | +0.00 | +0.30 |" in text
    assert "delay" not in text
    svg = picture([curve])
    assert svg.startswith("<svg")
    assert "CPU s per million" in svg
    assert "delay" not in svg
